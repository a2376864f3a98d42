//! Gemini: `POST …/models/MODEL:generateContent` and `:streamGenerateContent`.
//!
//! The model stands in the path. Names may be written in camel or snake case, as the API accepts both. A stream comes as server-sent events or
//! as one JSON array; thinking tokens come on top of the candidates'.

use super::fields::{body, count_or_text, counted, wrong_type};
use super::messages::{self, Shape};
use super::{Api, ApiError, Request, UsagePath};
use crate::json::{JsonError, Kind, Scanner, push_quoted};
use crate::prompt::Role;
use crate::usage::{Convention, Field};

pub(super) const API: Api = Api {
    name: "gemini",
    read,
    usage: USAGE,
    convention: Convention { cache_is_extra: false, reasoning_is_extra: true },
    error,
    routed: true,
};

const USAGE: &[UsagePath] = &[
    (&["usageMetadata", "promptTokenCount"], Field::Input),
    (&["usageMetadata", "candidatesTokenCount"], Field::Output),
    (&["usageMetadata", "totalTokenCount"], Field::Total),
    (&["usageMetadata", "cachedContentTokenCount"], Field::CachedInput),
    (&["usageMetadata", "thoughtsTokenCount"], Field::Reasoning),
    (&["usageMetadata", "toolUsePromptTokenCount"], Field::ToolInput),
    (&["*", "usageMetadata", "promptTokenCount"], Field::Input),
    (&["*", "usageMetadata", "candidatesTokenCount"], Field::Output),
    (&["*", "usageMetadata", "totalTokenCount"], Field::Total),
    (&["*", "usageMetadata", "cachedContentTokenCount"], Field::CachedInput),
    (&["*", "usageMetadata", "thoughtsTokenCount"], Field::Reasoning),
    (&["*", "usageMetadata", "toolUsePromptTokenCount"], Field::ToolInput),
];

const CONTENTS: Shape = Shape {
    list: "contents",
    item: "contents[]",
    role: "contents[].role",
    content_key: "parts",
    content: "contents[].parts",
    part: "contents[].parts[]",
    part_text: "contents[].parts[].text",
    default_role: Role::User,
};

fn read(text: &str) -> Result<Request<'_>, JsonError> {
    let mut request = Request::default();
    let mut has_contents = false;
    let (mut most, mut candidates) = (None, None);
    body(text, &mut request, |s, key, request| {
        if key.is("contents") {
            has_contents = true;
            // A single content is taken for a list of one, as the API's servers do.
            if s.kind()? == Kind::Object {
                messages::message(s, &CONTENTS, request)
            } else {
                messages::read(s, &CONTENTS, request)
            }
        } else if key.is("systemInstruction") || key.is("system_instruction") {
            messages::instructions(s, &CONTENTS, request)
        } else if key.is("generationConfig") || key.is("generation_config") {
            (most, candidates) = generation(s)?;
            Ok(())
        } else if key.is("tools") {
            counted(s, &mut request.size)
        } else {
            Ok(())
        }
    })?;
    if !has_contents {
        return Err(JsonError::Missing { field: "contents", expected: "an array of contents" });
    }
    request.cap = most.map(|most| most.saturating_mul(candidates.unwrap_or(1).max(1)));
    Ok(request)
}

fn generation(s: &mut Scanner<'_>) -> Result<(Option<u64>, Option<u64>), JsonError> {
    let (mut most, mut candidates) = (None, None);
    match s.kind()? {
        Kind::Null => return s.skip().map(|_| (None, None)),
        Kind::Object => {}
        _ => return wrong_type(s, "generationConfig", "an object"),
    }
    s.object(|s, key| {
        if key.is("maxOutputTokens") || key.is("max_output_tokens") {
            most = count_or_text(s, "generationConfig.maxOutputTokens")?;
        } else if key.is("candidateCount") || key.is("candidate_count") {
            candidates = count_or_text(s, "generationConfig.candidateCount")?;
        }
        Ok(())
    })?;
    Ok((most, candidates))
}

fn error(error: &ApiError<'_>) -> String {
    let status = match error.status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        500.. => "INTERNAL",
        _ => "INVALID_ARGUMENT",
    };
    let mut out = format!("{{\"error\":{{\"code\":{},\"message\":", error.status);
    push_quoted(error.message, &mut out);
    out.push_str(&format!(",\"status\":\"{status}\"}}}}"));
    out
}
