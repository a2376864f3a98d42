//! OpenAI chat completions: `POST …/chat/completions`.
//!
//! Fields are read as the API defines them; a field that is read and holds another type is an error, as it is upstream. Where a key stands
//! twice the last one counts, as clients and servers have it.

use super::{ApiError, Insert, Request, UsagePath};
use crate::json::{JsonError, Kind, Scanner, push_quoted};
use crate::prompt::{Prompt, Role, Turn};
use crate::splice::Edit;
use crate::usage::Field;

pub(super) const USAGE: &[UsagePath] = &[
    (&["usage", "prompt_tokens"], Field::Input),
    (&["usage", "completion_tokens"], Field::Output),
    (&["usage", "total_tokens"], Field::Total),
    (&["usage", "prompt_tokens_details", "cached_tokens"], Field::CachedInput),
    (&["usage", "completion_tokens_details", "reasoning_tokens"], Field::Reasoning),
];

type Done = Result<(), JsonError>;

pub(super) fn read<'a>(body: &'a str) -> Result<Request<'a>, JsonError> {
    let mut request = Request::default();
    let (mut options, mut messages) = (StreamOptions::default(), false);
    let (mut max_tokens, mut max_completion_tokens, mut choices) = (None, None, None);
    let mut scanner = Scanner::new(body);
    if scanner.kind()? != Kind::Object {
        return wrong_type(&mut scanner, "the body", "an object");
    }
    request.insert = insert_point(body, scanner.position());
    scanner.object(|s, key| {
        if key.is("model") {
            model(s, &mut request)
        } else if key.is("messages") {
            messages = true;
            read_messages(s, &mut request)
        } else if key.is("stream") {
            request.stream = flag(s, "stream")?.unwrap_or(false);
            Ok(())
        } else if key.is("stream_options") {
            options.read(body, s)
        } else if key.is("max_tokens") {
            max_tokens = count(s, "max_tokens")?;
            Ok(())
        } else if key.is("max_completion_tokens") {
            max_completion_tokens = count(s, "max_completion_tokens")?;
            Ok(())
        } else if key.is("n") {
            choices = count(s, "n")?;
            Ok(())
        } else if key.is("tools") || key.is("functions") || key.is("response_format") {
            let span = s.skip()?;
            request.size.text.add(body.get(span).unwrap_or_default());
            Ok(())
        } else {
            Ok(())
        }
    })?;
    scanner.finish()?;
    if !messages {
        return Err(JsonError::Missing { field: "messages", expected: "an array of messages" });
    }
    request.cap = max_completion_tokens.or(max_tokens).map(|cap: u64| cap.saturating_mul(choices.unwrap_or(1).max(1)));
    if request.stream && !options.include_usage {
        request.ask_usage = if options.edits.is_empty() {
            vec![request.insert.edit("\"stream_options\":{\"include_usage\":true}")]
        } else {
            options.edits
        };
    }
    Ok(request)
}

fn insert_point(body: &str, brace: usize) -> Insert {
    let after = body.get(brace + 1..).unwrap_or_default();
    Insert { at: brace + 1, empty: after.trim_start_matches([' ', '\n', '\r', '\t']).starts_with('}') }
}

fn wrong_type<T>(s: &mut Scanner<'_>, field: &'static str, expected: &'static str) -> Result<T, JsonError> {
    Err(JsonError::WrongType { field, expected, found: s.kind()? })
}

fn model(s: &mut Scanner<'_>, request: &mut Request<'_>) -> Done {
    match s.kind()? {
        Kind::String => {
            let name = s.string()?;
            request.model_spans.push(name.span());
            request.model = Some(name.decode(MODEL_BYTES)).filter(|name| !name.is_empty());
            Ok(())
        }
        Kind::Null => {
            request.model_spans.push(s.skip()?);
            request.model = None;
            Ok(())
        }
        _ => wrong_type(s, "model", "a string"),
    }
}

/// Longer than any model's name; the rest of a longer one is not kept.
const MODEL_BYTES: usize = 1_024;

/// A boolean; None for null.
fn flag(s: &mut Scanner<'_>, field: &'static str) -> Result<Option<bool>, JsonError> {
    match s.kind()? {
        Kind::Bool => s.bool().map(Some),
        Kind::Null => s.skip().map(|_| None),
        _ => wrong_type(s, field, "a boolean"),
    }
}

/// A whole number; None for null. What no upstream would take as a count (negative, fractional, beyond 64 bits) is left to the upstream to refuse.
fn count(s: &mut Scanner<'_>, field: &'static str) -> Result<Option<u64>, JsonError> {
    match s.kind()? {
        Kind::Number => Ok(s.number()?.parse().ok()),
        Kind::Null => s.skip().map(|_| None),
        _ => wrong_type(s, field, "an integer"),
    }
}

/// What `stream_options` says, and how to make it ask for usage.
#[derive(Default)]
struct StreamOptions {
    include_usage: bool,
    edits: Vec<Edit>,
}

impl StreamOptions {
    fn read(&mut self, body: &str, s: &mut Scanner<'_>) -> Done {
        self.include_usage = false;
        match s.kind()? {
            Kind::Null => {
                let span = s.skip()?;
                self.edits.push(Edit { span, text: "{\"include_usage\":true}".into() });
                Ok(())
            }
            Kind::Object => {
                let insert = insert_point(body, s.position());
                let mut spans = Vec::new();
                s.object(|s, key| {
                    if !key.is("include_usage") {
                        return Ok(());
                    }
                    s.kind()?;
                    let start = s.position();
                    self.include_usage = flag(s, "stream_options.include_usage")?.unwrap_or(false);
                    spans.push(start..s.position());
                    Ok(())
                })?;
                if spans.is_empty() {
                    self.edits.push(insert.edit("\"include_usage\":true"));
                }
                self.edits.extend(spans.into_iter().map(|span| Edit { span, text: "true".into() }));
                Ok(())
            }
            _ => wrong_type(s, "stream_options", "an object"),
        }
    }
}

fn read_messages<'a>(s: &mut Scanner<'a>, request: &mut Request<'a>) -> Done {
    if s.kind()? != Kind::Array {
        return wrong_type(s, "messages", "an array");
    }
    request.prompt = Prompt::default();
    s.array(|s| {
        if s.kind()? != Kind::Object {
            return wrong_type(s, "messages[]", "an object");
        }
        request.size.messages += 1;
        let (mut role, mut turn) = (Role::Other, Turn::default());
        s.object(|s, key| {
            if key.is("role") {
                role = read_role(s)?;
            } else if key.is("content") {
                turn = Turn::default();
                content(s, &mut turn, request)?;
            } else if key.is("tool_calls") || key.is("function_call") {
                let span = s.skip()?;
                request.size.text.add(s.text().get(span).unwrap_or_default());
            }
            Ok(())
        })?;
        request.prompt.push(role, turn);
        Ok(())
    })
}

fn read_role(s: &mut Scanner<'_>) -> Result<Role, JsonError> {
    if s.kind()? != Kind::String {
        return wrong_type(s, "messages[].role", "a string");
    }
    let name = s.string()?;
    Ok(if name.is("user") {
        Role::User
    } else if name.is("system") || name.is("developer") {
        Role::Instructions
    } else {
        Role::Other
    })
}

/// A string, an array of parts, or null (as in messages that only call tools).
fn content<'a>(s: &mut Scanner<'a>, turn: &mut Turn<'a>, request: &mut Request<'a>) -> Done {
    match s.kind()? {
        Kind::String => {
            let text = s.string()?;
            request.size.text.add(text.raw);
            turn.push(text);
            Ok(())
        }
        Kind::Null => s.skip().map(|_| ()),
        Kind::Array => s.array(|s| {
            if s.kind()? != Kind::Object {
                return wrong_type(s, "messages[].content[]", "an object");
            }
            part(s, turn, request)
        }),
        _ => wrong_type(s, "messages[].content", "a string or an array of parts"),
    }
}

/// A part: text is read; images, audio and files are counted and passed over.
fn part<'a>(s: &mut Scanner<'a>, turn: &mut Turn<'a>, request: &mut Request<'a>) -> Done {
    let (mut text, mut media) = (None, false);
    s.object(|s, key| {
        if key.is("text") || key.is("refusal") {
            match s.kind()? {
                Kind::String => text = Some(s.string()?),
                Kind::Null => {}
                _ => return wrong_type(s, "messages[].content[].text", "a string"),
            }
        } else if key.is("image_url") || key.is("input_audio") || key.is("file") {
            media = true;
        }
        Ok(())
    })?;
    if let Some(text) = text {
        request.size.text.add(text.raw);
        turn.push(text);
    }
    request.size.media += u64::from(media);
    Ok(())
}

pub(super) fn error(error: &ApiError<'_>) -> String {
    let mut out = String::from("{\"error\":{\"message\":");
    push_quoted(error.message, &mut out);
    let kind = error.kind.unwrap_or(if error.status >= 500 { "server_error" } else { "invalid_request_error" });
    for (name, value) in [("type", Some(kind)), ("param", error.param), ("code", error.code)] {
        out.push_str(",\"");
        out.push_str(name);
        out.push_str("\":");
        match value {
            Some(value) => push_quoted(value, &mut out),
            None => out.push_str("null"),
        }
    }
    out.push_str("}}");
    out
}

#[cfg(test)]
#[path = "openai_chat/tests.rs"]
mod tests;
