//! OpenAI embeddings: `POST …/embeddings`. They are counted and never routed.

use super::fields::{body, counted, model};
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

/// What servers with a path of the same end call their input (Ollama, llama.cpp, vLLM). None of it may be missing from the count.
const OTHER_INPUTS: [&str; 3] = ["prompt", "content", "messages"];

fn read(text: &str) -> Result<Request<'_>, JsonError> {
    let mut request = Request { cap: Some(0), ..Request::default() };
    let mut has_input = false;
    body(text, &mut request, |s, key, request| {
        if key.is("model") {
            model(s, request)
        } else if key.is("input") {
            has_input = true;
            plain(s, "input", "a string, an array of strings, or token ids", request).map(|_| ())
        } else if OTHER_INPUTS.iter().any(|name| key.is(name)) {
            has_input = true;
            counted(s, &mut request.size)
        } else {
            Ok(())
        }
    })?;
    if !has_input {
        return Err(JsonError::Missing { field: "input", expected: "a string, an array of strings, or token ids" });
    }
    Ok(request)
}
