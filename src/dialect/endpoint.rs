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
        // First segment by segment, so that an escaped slash in a name stays in it; then as a server sees it that decodes the whole.
        let whole = decoded(plain);
        let (dialect, path) = match dialect(plain) {
            Some(dialect) => (dialect, plain),
            None => (dialect(&whole)?, whole.as_str()),
        };
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

/// The last segments of a path that are not empty, from its end, and where each stands.
fn segments(path: &str) -> impl Iterator<Item = (String, Range<usize>)> {
    let mut end = path.len();
    let spans = path.rsplit('/').map(move |segment| {
        let span = end - segment.len()..end;
        end = span.start.saturating_sub(1);
        (segment, span)
    });
    spans.filter(|(segment, _)| !segment.is_empty()).map(|(segment, span)| (decoded(segment), span))
}

fn dialect(path: &str) -> Option<Dialect> {
    // Some servers route without regard to case, or drop what follows a semicolon.
    let plain = |name: String| name.split(';').next().unwrap_or_default().to_ascii_lowercase();
    let mut names = segments(path).map(|(name, _)| plain(name));
    let (last, before, two_before) = (names.next()?, names.next().unwrap_or_default(), names.next().unwrap_or_default());
    let dialect = match (two_before.as_str(), before.as_str(), last.as_str()) {
        (_, "chat", "completions") => Dialect::OpenAiChat,
        // An agent names its own model.
        (_, "agents", "completions") => return None,
        (_, _, "completions") => Dialect::OpenAiCompletions,
        (_, _, "responses") => Dialect::OpenAiResponses,
        (_, _, "embeddings") => Dialect::OpenAiEmbeddings,
        // Messages of a thread are stored and cost nothing.
        ("threads", _, "messages") => return None,
        (_, _, "messages") => Dialect::AnthropicMessages,
        (_, "v2", "chat") => Dialect::CohereChat,
        (_, "api", "chat") => Dialect::OllamaChat,
        (_, "api", "generate") => Dialect::OllamaGenerate,
        ("model", _, "converse" | "converse-stream") => Dialect::BedrockConverse,
        (_, "models" | "tunedmodels" | "endpoints", method) => match method.rsplit_once(':') {
            Some((model, "generatecontent" | "streamgeneratecontent")) if !model.is_empty() => Dialect::Gemini,
            // Claude on Vertex.
            Some((model, "rawpredict" | "streamrawpredict")) if !model.is_empty() => Dialect::AnthropicMessages,
            _ => return None,
        },
        _ => return None,
    };
    Some(dialect)
}

fn model_span(dialect: Dialect, path: &str) -> Option<Range<usize>> {
    let spans: tinyvec::ArrayVec<[(String, Range<usize>); 5]> = segments(path).take(5).collect();
    let at = |index: usize| spans.get(index).map(|(_, span)| span.clone());
    let is = |index: usize, name: &str| spans.get(index).is_some_and(|(segment, _)| segment.eq_ignore_ascii_case(name));
    match dialect {
        Dialect::Gemini | Dialect::AnthropicMessages => {
            let last = at(0)?;
            let (model, method) = path.get(last.clone())?.rsplit_once([':'])?;
            (!method.is_empty()).then(|| last.start..last.start + model.len())
        }
        Dialect::BedrockConverse => at(1),
        // Azure's deployments.
        Dialect::OpenAiChat if is(3, "deployments") => at(2),
        Dialect::OpenAiCompletions | Dialect::OpenAiEmbeddings if is(2, "deployments") => at(1),
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
#[path = "endpoint/tests.rs"]
mod tests;
