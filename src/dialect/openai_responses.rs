//! OpenAI Responses: `POST …/responses`.
//!
//! The input is a string or items: messages, and calls and results of tools, which are no turns. A stream reports its usage in the event that
//! ends it, unasked.

use super::fields::{body, count, counted, flag, model, wrong_type};
use super::messages::{self, Shape, plain};
use super::{Api, Request, UsagePath};
use crate::json::{JsonError, Kind};
use crate::prompt::Role;
use crate::usage::{Convention, Field};

pub(super) const API: Api = Api {
    name: "openai_responses",
    read,
    usage: USAGE,
    convention: Convention { cache_is_extra: false, reasoning_is_extra: false },
    error: super::openai_error::error,
    routed: true,
};

const USAGE: &[UsagePath] = &[
    (&["usage", "input_tokens"], Field::Input),
    (&["usage", "output_tokens"], Field::Output),
    (&["usage", "total_tokens"], Field::Total),
    (&["usage", "input_tokens_details", "cached_tokens"], Field::CachedInput),
    (&["usage", "output_tokens_details", "reasoning_tokens"], Field::Reasoning),
    (&["response", "usage", "input_tokens"], Field::Input),
    (&["response", "usage", "output_tokens"], Field::Output),
    (&["response", "usage", "total_tokens"], Field::Total),
    (&["response", "usage", "input_tokens_details", "cached_tokens"], Field::CachedInput),
    (&["response", "usage", "output_tokens_details", "reasoning_tokens"], Field::Reasoning),
];

const ITEMS: Shape = Shape {
    list: "input",
    item: "input[]",
    role: "input[].role",
    content_key: "content",
    content: "input[].content",
    part: "input[].content[]",
    part_text: "input[].content[].text",
    default_role: Role::Other,
};

fn read(text: &str) -> Result<Request<'_>, JsonError> {
    let mut request = Request::default();
    body(text, &mut request, |s, key, request| {
        if key.is("model") {
            model(s, request)
        } else if key.is("input") {
            match s.kind()? {
                Kind::String => plain(s, "input", "a string or an array of items", request).map(|_| ()),
                Kind::Array => messages::read(s, &ITEMS, request),
                _ => wrong_type(s, "input", "a string or an array of items"),
            }
        } else if key.is("instructions") {
            if s.kind()? == Kind::Null { Ok(()) } else { messages::instructions(s, &ITEMS, request) }
        } else if key.is("stream") {
            request.stream = flag(s, "stream")?.unwrap_or(false);
            Ok(())
        } else if key.is("tools") || key.is("text") {
            counted(s, &mut request.size)
        } else if key.is("max_output_tokens") {
            request.cap = count(s, "max_output_tokens")?;
            Ok(())
        } else {
            Ok(())
        }
    })?;
    Ok(request)
}
