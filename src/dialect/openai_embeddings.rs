//! OpenAI embeddings: `POST …/embeddings`. They are counted and never routed.

use super::fields::{body, model};
use super::messages::plain;
use super::{Api, Request, UsagePath};
use crate::json::JsonError;
use crate::usage::{Convention, Field};

pub(super) const API: Api = Api {
    name: "openai_embeddings",
    read,
    usage: USAGE,
    convention: Convention { cache_is_extra: false, reasoning_is_extra: false },
    error: super::openai_error::error,
    routed: false,
};

const USAGE: &[UsagePath] = &[(&["usage", "prompt_tokens"], Field::Input), (&["usage", "total_tokens"], Field::Total)];

fn read(text: &str) -> Result<Request<'_>, JsonError> {
    let mut request = Request { cap: Some(0), ..Request::default() };
    let mut has_input = false;
    body(text, &mut request, |s, key, request| {
        if key.is("model") {
            model(s, request)
        } else if key.is("input") {
            has_input = true;
            plain(s, "input", "a string, an array of strings, or token ids", request)
        } else {
            Ok(())
        }
    })?;
    if !has_input {
        return Err(JsonError::Missing { field: "input", expected: "a string, an array of strings, or token ids" });
    }
    Ok(request)
}
