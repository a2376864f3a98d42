//! Amazon Bedrock: `POST /model/MODEL/converse` and `/converse-stream`, whose answer is a stream of binary frames.
//!
//! The model stands in the path. Requests are signed, path and body included, so a gateway that rewrites them has to sign them anew.

use super::fields::{body, count, counted, wrong_type};
use super::messages::{self, MESSAGES};
use super::{Api, ApiError, Request, UsagePath};
use crate::json::{JsonError, Kind, push_quoted};
use crate::usage::{Convention, Field};

pub(super) const API: Api = Api {
    name: "bedrock_converse",
    read,
    usage: USAGE,
    convention: Convention { cache_is_extra: true, reasoning_is_extra: false },
    error,
    routed: true,
};

const USAGE: &[UsagePath] = &[
    (&["usage", "inputTokens"], Field::Input),
    (&["usage", "outputTokens"], Field::Output),
    (&["usage", "totalTokens"], Field::Total),
    (&["usage", "cacheReadInputTokens"], Field::CachedInput),
    (&["usage", "cacheWriteInputTokens"], Field::CacheCreation),
];

fn read(text: &str) -> Result<Request<'_>, JsonError> {
    let mut request = Request::default();
    // `messages` may be absent: a prompt of the provider's own catalogue has them there.
    body(text, &mut request, |s, key, request| {
        if key.is("messages") {
            messages::read(s, &MESSAGES, request)
        } else if key.is("system") {
            messages::instructions(s, &MESSAGES, request)
        } else if key.is("toolConfig") {
            counted(s, &mut request.size)
        } else if key.is("inferenceConfig") {
            match s.kind()? {
                Kind::Null => Ok(()),
                Kind::Object => s.object(|s, key| {
                    if key.is("maxTokens") {
                        request.cap = count(s, "inferenceConfig.maxTokens")?;
                    }
                    Ok(())
                }),
                _ => wrong_type(s, "inferenceConfig", "an object"),
            }
        } else {
            Ok(())
        }
    })?;
    Ok(request)
}

fn error(error: &ApiError<'_>) -> String {
    // The SDKs tell exceptions apart, and retry, by this name.
    let kind = match error.status {
        401 | 403 => "AccessDeniedException",
        404 => "ResourceNotFoundException",
        429 => "ThrottlingException",
        503 => "ServiceUnavailableException",
        500.. => "InternalServerException",
        _ => "ValidationException",
    };
    let mut out = format!("{{\"__type\":\"{kind}\",\"message\":");
    push_quoted(error.message, &mut out);
    out.push('}');
    out
}
