//! OpenAI chat completions: `POST …/chat/completions`.
//!
//! Fields are read as the API defines them; a field that is read and holds another type is an error, as it is upstream. Where a key stands
//! twice the last one counts, as clients and servers have it.

use super::fields::{Done, body, count, counted, flag, insert_point, model, wrong_type};
use super::messages::{self, MESSAGES};
use super::{Api, Request, UsagePath};
use crate::json::{JsonError, Kind, Scanner};
use crate::splice::Edit;
use crate::usage::{Convention, Field};

pub(super) const API: Api = Api {
    name: "openai_chat",
    read,
    usage: USAGE,
    convention: Convention { cache_is_extra: false, reasoning_is_extra: false },
    error: super::openai_error::error,
    routed: true,
};

pub(super) const USAGE: &[UsagePath] = &[
    (&["usage", "prompt_tokens"], Field::Input),
    (&["usage", "completion_tokens"], Field::Output),
    (&["usage", "total_tokens"], Field::Total),
    (&["usage", "prompt_tokens_details", "cached_tokens"], Field::CachedInput),
    (&["usage", "prompt_cache_hit_tokens"], Field::CachedInput),
    (&["usage", "completion_tokens_details", "reasoning_tokens"], Field::Reasoning),
];

fn read(text: &str) -> Result<Request<'_>, JsonError> {
    let mut request = Request::default();
    let (mut options, mut has_messages) = (StreamOptions::default(), false);
    let mut cap = Cap::default();
    body(text, &mut request, |s, key, request| {
        if key.is("model") {
            model(s, request)
        } else if key.is("messages") {
            has_messages = true;
            messages::read(s, &MESSAGES, request)
        } else if key.is("stream") {
            request.stream = flag(s, "stream")?.unwrap_or(false);
            Ok(())
        } else if key.is("stream_options") {
            options.read(s)
        } else if key.is("tools") || key.is("functions") || key.is("response_format") {
            counted(s, &mut request.size)
        } else if key.is("max_completion_tokens") {
            cap.newer = count(s, "max_completion_tokens")?;
            Ok(())
        } else if key.is("max_tokens") {
            cap.older = count(s, "max_tokens")?;
            Ok(())
        } else if key.is("n") {
            cap.choices = count(s, "n")?;
            Ok(())
        } else {
            Ok(())
        }
    })?;
    if !has_messages {
        return Err(JsonError::Missing { field: "messages", expected: "an array of messages" });
    }
    request.cap = cap.tokens();
    options.ask(&mut request);
    Ok(request)
}

/// The most tokens that a client accepts, under the names that OpenAI gave it over time.
#[derive(Default)]
pub(super) struct Cap {
    pub newer: Option<u64>,
    pub older: Option<u64>,
    pub choices: Option<u64>,
}

impl Cap {
    pub(super) fn tokens(&self) -> Option<u64> {
        self.newer.or(self.older).map(|cap| cap.saturating_mul(self.choices.unwrap_or(1).max(1)))
    }
}

/// What `stream_options` says, and how to make it ask for usage.
#[derive(Default)]
pub(super) struct StreamOptions {
    include_usage: bool,
    edits: Vec<Edit>,
}

impl StreamOptions {
    /// Has a stream that was not asked for its usage asked for it.
    pub(super) fn ask(self, request: &mut Request<'_>) {
        if !request.stream || self.include_usage {
            return;
        }
        request.ask_usage = if self.edits.is_empty() {
            vec![request.insert.edit("\"stream_options\":{\"include_usage\":true}")]
        } else {
            self.edits
        };
    }

    pub(super) fn read(&mut self, s: &mut Scanner<'_>) -> Done {
        self.include_usage = false;
        match s.kind()? {
            Kind::Null => {
                let span = s.skip()?;
                self.edits.push(Edit { span, text: "{\"include_usage\":true}".into() });
                Ok(())
            }
            Kind::Object => {
                let insert = insert_point(s);
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

#[cfg(test)]
#[path = "openai_chat/tests.rs"]
mod tests;
