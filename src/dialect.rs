//! The APIs that LLM clients speak: which path is which, and what each knows how to do.
//!
//! A dialect reads a request into a [`Request`], says where a response reports its usage, and words an error as that API does. Wire forms
//! stay in the dialects' files; nothing here knows a gateway or a policy.

mod openai_chat;

use crate::estimate::{IMAGE_TOKENS, MESSAGE_TOKENS, TextBytes};
use crate::json::JsonError;
use crate::prompt::Prompt;
use crate::splice::Edit;
use crate::usage::{Convention, Field};
use core::ops::Range;

/// An API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI chat completions, and the servers that are compatible with it.
    OpenAiChat,
}

/// What the core needs of a request.
#[derive(Clone, Debug, Default)]
pub struct Request<'a> {
    /// The model that the client named; None when it named none.
    pub model: Option<String>,
    /// Where values of `model` stand in the body, quotes included; more than one when the key stands twice.
    pub model_spans: Vec<Range<usize>>,
    /// Where a member can be inserted, and whether another one follows.
    pub insert: Insert,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// What to change so that a stream reports its usage; empty when the client asked for that itself.
    pub ask_usage: Vec<Edit>,
    /// The most output tokens that the client accepts, all choices together.
    pub cap: Option<u64>,
    /// The turns.
    pub prompt: Prompt<'a>,
    /// Size of what the model will read.
    pub size: Size,
}

/// Where a member can be put into an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Insert {
    /// The offset after the opening brace.
    pub at: usize,
    /// Whether the object is empty, so that no comma may follow.
    pub empty: bool,
}

impl Insert {
    /// The edit that inserts `member`, as `"name":value`.
    pub fn edit(self, member: &str) -> Edit {
        let comma = if self.empty { "" } else { "," };
        Edit { span: self.at..self.at, text: format!("{member}{comma}") }
    }
}

/// Size of a request's input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Text of all turns, tools and instructions.
    pub text: TextBytes,
    /// Messages.
    pub messages: u64,
    /// Images and other parts that are no text.
    pub media: u64,
}

impl Size {
    /// Input tokens, estimated.
    pub fn tokens(&self) -> u64 {
        self.text.tokens() + self.messages.saturating_mul(MESSAGE_TOKENS) + self.media.saturating_mul(IMAGE_TOKENS)
    }
}

/// An error of ours, to be worded by a dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError<'a> {
    /// The HTTP status.
    pub status: u16,
    /// What happened, what was expected and what to do, in a sentence.
    pub message: &'a str,
    /// The API's class of the error; None for what the status usually has.
    pub kind: Option<&'a str>,
    /// The field at fault.
    pub param: Option<&'a str>,
    /// A code for programs.
    pub code: Option<&'a str>,
}

/// Where a response reports a count: the names on the way, `*` for an element.
pub type UsagePath = (&'static [&'static str], Field);

impl Dialect {
    /// The dialect that is spoken at a path, by its end: gateways and providers put prefixes of their own before it.
    ///
    /// Doubled and trailing slashes and percent-escapes are seen through, since upstreams do so too and a quota must not depend on them.
    pub fn of_path(path: &str) -> Option<Dialect> {
        let plain = plain_path(path);
        let mut segments = plain.rsplit('/').filter(|segment| !segment.is_empty());
        match (segments.next(), segments.next()) {
            (Some("completions"), Some("chat")) => Some(Dialect::OpenAiChat),
            _ => None,
        }
    }

    /// Reads a request body.
    pub fn read<'a>(self, body: &'a str) -> Result<Request<'a>, JsonError> {
        match self {
            Dialect::OpenAiChat => openai_chat::read(body),
        }
    }

    /// Where a response body or an event of a stream reports usage.
    pub fn usage_paths(self) -> &'static [UsagePath] {
        match self {
            Dialect::OpenAiChat => openai_chat::USAGE,
        }
    }

    /// How the reported counts relate.
    pub fn convention(self) -> Convention {
        match self {
            Dialect::OpenAiChat => Convention::default(),
        }
    }

    /// Words an error as the API does.
    pub fn error(self, error: &ApiError<'_>) -> String {
        match self {
            Dialect::OpenAiChat => openai_chat::error(error),
        }
    }
}

/// A path with its percent-escapes of ASCII characters decoded; others cannot be part of any path that is looked for.
fn plain_path(path: &str) -> std::borrow::Cow<'_, str> {
    if !path.contains('%') {
        return path.into();
    }
    let (mut out, mut rest) = (String::with_capacity(path.len()), path);
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        match after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(u8::is_ascii) {
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
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_matched_by_their_end_and_seen_through() {
        let chat = [
            "/v1/chat/completions",
            "/chat/completions",
            "/v1/chat/completions/",
            "//v1//chat//completions",
            "/openai/deployments/gpt-4o/chat/completions",
            "/v1/chat%2Fcompletions",
            "/v1/%63hat/completions",
        ];
        for path in chat {
            assert_eq!(Dialect::of_path(path), Some(Dialect::OpenAiChat), "{path}");
        }
        for path in [
            "",
            "/",
            "/v1/completions",
            "/v1/chat/completions/x",
            "/chat/Completions",
            "/v1/chat/completions%",
            "/v1/xchat/completions",
        ] {
            assert_eq!(Dialect::of_path(path), None, "{path}");
        }
    }
}
