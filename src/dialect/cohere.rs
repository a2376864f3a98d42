//! Cohere chat, version 2: `POST …/v2/chat`.

use super::fields::{body, count, counted, flag, model};
use super::messages::{self, MESSAGES};
use super::{Api, ApiError, Request, UsagePath};
use crate::json::{JsonError, push_quoted};
use crate::usage::{Convention, Field};

pub(super) const API: Api = Api {
    name: "cohere_chat",
    read,
    usage: USAGE,
    convention: Convention { cache_is_extra: false, reasoning_is_extra: false },
    error,
    routed: true,
};

const USAGE: &[UsagePath] = &[
    (&["usage", "tokens", "input_tokens"], Field::Input),
    (&["usage", "tokens", "output_tokens"], Field::Output),
    (&["usage", "cached_tokens"], Field::CachedInput),
    (&["delta", "usage", "cached_tokens"], Field::CachedInput),
    (&["delta", "usage", "tokens", "input_tokens"], Field::Input),
    (&["delta", "usage", "tokens", "output_tokens"], Field::Output),
];

fn read(text: &str) -> Result<Request<'_>, JsonError> {
    let mut request = Request::default();
    let mut has_messages = false;
    body(text, &mut request, |s, key, request| {
        if key.is("model") {
            model(s, request)
        } else if key.is("messages") {
            has_messages = true;
            messages::read(s, &MESSAGES, request)
        } else if key.is("stream") {
            request.stream = flag(s, "stream")?.unwrap_or(false);
            Ok(())
        } else if key.is("tools") || key.is("documents") {
            counted(s, &mut request.size)
        } else if key.is("max_tokens") {
            request.cap = count(s, "max_tokens")?;
            Ok(())
        } else {
            Ok(())
        }
    })?;
    if !has_messages {
        return Err(JsonError::Missing { field: "messages", expected: "an array of messages" });
    }
    Ok(request)
}

fn error(error: &ApiError<'_>) -> String {
    let mut out = String::from("{\"message\":");
    push_quoted(error.message, &mut out);
    out.push('}');
    out
}
