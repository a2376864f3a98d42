//! OpenAI's legacy completions: `POST …/completions`.

use super::fields::{body, count, flag, model};
use super::messages::plain;
use super::openai_chat::{Cap, StreamOptions, USAGE};
use super::{Api, Request};
use crate::json::{JsonError, Kind};
use crate::usage::Convention;

pub(super) const API: Api = Api {
    name: "openai_completions",
    read,
    usage: USAGE,
    convention: Convention { cache_is_extra: false, reasoning_is_extra: false },
    error: super::openai_error::error,
    routed: true,
};

/// The API's own default of `max_tokens`.
const DEFAULT_CAP: u64 = 16;

fn read(text: &str) -> Result<Request<'_>, JsonError> {
    let mut request = Request::default();
    let (mut options, mut cap, mut prompts, mut best_of) = (StreamOptions::default(), Cap::default(), 1, None);
    body(text, &mut request, |s, key, request| {
        if key.is("model") {
            model(s, request)
        } else if key.is("prompt") {
            if s.kind()? != Kind::Null {
                prompts = plain(s, "prompt", "a string, an array of strings, or token ids", request)?;
            }
            Ok(())
        } else if key.is("stream") {
            request.stream = flag(s, "stream")?.unwrap_or(false);
            Ok(())
        } else if key.is("stream_options") {
            options.read(s)
        } else if key.is("max_tokens") {
            cap.older = count(s, "max_tokens")?;
            Ok(())
        } else if key.is("best_of") {
            best_of = count(s, "best_of")?;
            Ok(())
        } else if key.is("n") {
            cap.choices = count(s, "n")?;
            Ok(())
        } else {
            Ok(())
        }
    })?;
    cap.newer = cap.older.or(Some(DEFAULT_CAP));
    // Each prompt is completed so often, and all candidates cost, also those that are not returned.
    cap.choices = Some(cap.choices.max(best_of).unwrap_or(1).max(1).saturating_mul(prompts));
    request.cap = cap.tokens();
    options.ask(&mut request);
    Ok(request)
}
