//! Which API is spoken at a path, and the model that some of them name there.

use super::Dialect;
use core::ops::Range;

/// A path that speaks an API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The API.
    pub dialect: Dialect,
    /// The path and query that were understood: as they came, or with the percent-escapes decoded that hid them.
    path: String,
    /// Where the model's name stands in `path`, for the APIs that name it there.
    model: Option<Range<usize>>,
}

impl Endpoint {
    /// The endpoint of a dialect at a path of the policy's own.
    pub fn own(dialect: Dialect, path: &str) -> Endpoint {
        let model = model_span(dialect, path_only(path));
        Endpoint { dialect, path: path.into(), model }
    }

    /// The endpoint at a path, which may have a query.
    ///
    /// Paths are known by their end, since gateways and providers put prefixes of their own before it. Doubled and trailing slashes and
    /// percent-escapes are seen through, because upstreams do so too and a quota must not depend on them.
    pub fn of_path(path: &str) -> Option<Endpoint> {
        let (plain, query) = path.split_at(path_only(path).len());
        let seen_through = if plain.contains('%') { decoded(plain) } else { plain.into() };
        let dialect = dialect(&seen_through)?;
        // The path stays as it came unless escapes hid what it is, so that a name with an escape in it stays one segment.
        let path = if self::dialect(plain) == Some(dialect) { plain } else { &seen_through };
        Some(Endpoint { dialect, path: format!("{path}{query}"), model: model_span(dialect, path) })
    }

    /// The model that the path names.
    pub fn model(&self) -> Option<String> {
        self.model.clone().and_then(|span| self.path.get(span)).map(decoded)
    }

    /// Whether this API names its model in the path, and not in the body.
    pub fn has_model_in_path(&self) -> bool {
        self.model.is_some()
    }

    /// The path with another model in it.
    pub fn with_model(&self, model: &str) -> Option<String> {
        let span = self.model.clone()?;
        let (before, after) = (self.path.get(..span.start)?, self.path.get(span.end..)?);
        Some(format!("{before}{}{after}", encoded(model)))
    }
}

fn path_only(path: &str) -> &str {
    path.split(['?', '#']).next().unwrap_or_default()
}

fn dialect(path: &str) -> Option<Dialect> {
    let mut segments = path.rsplit('/').filter(|segment| !segment.is_empty());
    let (last, before) = (segments.next()?, segments.next().unwrap_or_default());
    let two_before = segments.next().unwrap_or_default();
    let dialect = match (before, last) {
        ("chat", "completions") => Dialect::OpenAiChat,
        (_, "completions") => Dialect::OpenAiCompletions,
        (_, "responses") => Dialect::OpenAiResponses,
        (_, "embeddings") => Dialect::OpenAiEmbeddings,
        (_, "messages") => Dialect::AnthropicMessages,
        ("v2", "chat") => Dialect::CohereChat,
        ("api", "chat") => Dialect::OllamaChat,
        ("api", "generate") => Dialect::OllamaGenerate,
        (_, "converse" | "converse-stream") if two_before == "model" => Dialect::BedrockConverse,
        ("models", method) | (_, method) if is_gemini(method) => Dialect::Gemini,
        _ => return None,
    };
    Some(dialect)
}

fn is_gemini(segment: &str) -> bool {
    matches!(segment.rsplit_once(':'), Some((model, "generateContent" | "streamGenerateContent")) if !model.is_empty())
}

fn model_span(dialect: Dialect, path: &str) -> Option<Range<usize>> {
    let path = path.trim_end_matches('/');
    match dialect {
        Dialect::Gemini => {
            let end = path.rfind(':')?;
            let start = path.get(..end)?.rfind('/')? + 1;
            Some(start..end)
        }
        Dialect::BedrockConverse => {
            let end = path.rfind('/')?;
            let end = path.get(..end)?.trim_end_matches('/').len();
            let start = path.get(..end)?.rfind('/')? + 1;
            Some(start..end)
        }
        _ => None,
    }
}

/// A text with its percent-escapes of ASCII characters decoded; others cannot be part of any name that is looked for.
fn decoded(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let byte = after
            .get(..2)
            .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte.filter(u8::is_ascii) {
            Some(byte) => {
                out.push(char::from(byte));
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                out.push('%');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// A name as one segment of a path.
fn encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn paths_are_known_by_their_end_and_seen_through() {
        let cases = [
            ("/v1/chat/completions", Dialect::OpenAiChat),
            ("/chat/completions?api-version=2024-10-21", Dialect::OpenAiChat),
            ("/v1/chat/completions/", Dialect::OpenAiChat),
            ("//v1//chat//completions", Dialect::OpenAiChat),
            ("/openai/deployments/gpt-4o/chat/completions", Dialect::OpenAiChat),
            ("/v1/chat%2Fcompletions", Dialect::OpenAiChat),
            ("/v1/%63hat/completions", Dialect::OpenAiChat),
            ("/v1/completions", Dialect::OpenAiCompletions),
            ("/v1/responses", Dialect::OpenAiResponses),
            ("/v1/embeddings", Dialect::OpenAiEmbeddings),
            ("/anthropic/v1/messages", Dialect::AnthropicMessages),
            ("/v2/chat", Dialect::CohereChat),
            ("/api/chat", Dialect::OllamaChat),
            ("/api/generate", Dialect::OllamaGenerate),
            ("/v1beta/models/gemini-2.5-flash:generateContent", Dialect::Gemini),
            ("/v1/projects/p/locations/l/publishers/google/models/g:streamGenerateContent?alt=sse", Dialect::Gemini),
            ("/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse", Dialect::BedrockConverse),
            ("/model/x/converse-stream", Dialect::BedrockConverse),
        ];
        for (path, dialect) in cases {
            assert_eq!(Endpoint::of_path(path).map(|endpoint| endpoint.dialect), Some(dialect), "{path}");
        }
        let none = [
            "",
            "/",
            "/v1/chat/completions/x",
            "/chat/Completions",
            "/v1/chat/completions%",
            "/v1/messages/count_tokens",
            "/v1/messages/batches",
            "/v1/responses/resp_1",
            "/v1beta/models/g:countTokens",
            "/v1beta/models/:generateContent",
            "/v1/models",
            "/v1/chat",
            "/model/converse",
            "/?x=/v1/chat/completions",
        ];
        for path in none {
            assert_eq!(Endpoint::of_path(path), None, "{path}");
        }
    }

    #[test]
    fn a_model_in_the_path_is_read_and_replaced() {
        let cases = [
            ("/v1beta/models/auto:streamGenerateContent?alt=sse", "auto", "/v1beta/models/a%2Fb:streamGenerateContent?alt=sse"),
            ("/p/models/x.y:generateContent/", "x.y", "/p/models/a%2Fb:generateContent/"),
            ("/model/us.anthropic.claude%3A0/converse", "us.anthropic.claude:0", "/model/a%2Fb/converse"),
            ("/model/auto//converse-stream", "auto", "/model/a%2Fb//converse-stream"),
            ("/v1beta%2Fmodels%2Fauto%3AgenerateContent?k=%20", "auto", "/v1beta/models/a%2Fb:generateContent?k=%20"),
        ];
        for (path, model, replaced) in cases {
            let endpoint = Endpoint::of_path(path).unwrap();
            assert_eq!(endpoint.model().as_deref(), Some(model), "{path}");
            assert_eq!(endpoint.with_model("a/b").as_deref(), Some(replaced), "{path}");
        }
        assert_eq!(Endpoint::of_path("/v1/responses").unwrap().with_model("x"), None);
    }
}
