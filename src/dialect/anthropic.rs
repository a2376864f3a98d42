//! Anthropic Messages: `POST …/messages`.
//!
//! Tokens read from and written to the cache come on top of `input_tokens`. A stream reports its input first and its output, growing, later.
//! When the server compacts a conversation, the top-level counts leave that work out; `iterations` lists all of it.

use super::fields::{body, count, counted, flag, model};
use super::messages::{self, MESSAGES};
use super::{Api, ApiError, Request, UsagePath};
use crate::json::{JsonError, push_quoted};
use crate::usage::{Convention, Field};

pub(super) const API: Api = Api {
    name: "anthropic_messages",
    read,
    usage: USAGE,
    convention: Convention { cache_is_extra: true, reasoning_is_extra: false },
    error,
    routed: true,
};

const USAGE: &[UsagePath] = &[
    (&["usage", "input_tokens"], Field::Input),
    (&["usage", "output_tokens"], Field::Output),
    (&["usage", "cache_read_input_tokens"], Field::CachedInput),
    (&["usage", "cache_creation_input_tokens"], Field::CacheCreation),
    (&["usage", "output_tokens_details", "thinking_tokens"], Field::Reasoning),
    (&["usage", "iterations", "*", "input_tokens"], Field::StepInput),
    (&["usage", "iterations", "*", "cache_read_input_tokens"], Field::StepInput),
    (&["usage", "iterations", "*", "cache_creation_input_tokens"], Field::StepInput),
    (&["usage", "iterations", "*", "output_tokens"], Field::StepOutput),
    (&["message", "usage", "input_tokens"], Field::Input),
    (&["message", "usage", "output_tokens"], Field::Output),
    (&["message", "usage", "cache_read_input_tokens"], Field::CachedInput),
    (&["message", "usage", "cache_creation_input_tokens"], Field::CacheCreation),
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
        } else if key.is("system") {
            messages::instructions(s, &MESSAGES, request)
        } else if key.is("stream") {
            request.stream = flag(s, "stream")?.unwrap_or(false);
            Ok(())
        } else if key.is("tools") {
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
    let kind = match error.status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    };
    let mut out = format!("{{\"type\":\"error\",\"error\":{{\"type\":\"{kind}\",\"message\":");
    push_quoted(error.message, &mut out);
    out.push_str("}}");
    out
}
