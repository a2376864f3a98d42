//! OpenAI's form of an error, which all its APIs share.

use super::ApiError;
use crate::json::push_quoted;

pub(super) fn error(error: &ApiError<'_>) -> String {
    let mut out = String::from("{\"error\":{\"message\":");
    push_quoted(error.message, &mut out);
    let kind = error.kind.unwrap_or(if error.status >= 500 { "server_error" } else { "invalid_request_error" });
    for (name, value) in [("type", Some(kind)), ("param", error.param), ("code", error.code)] {
        out.push_str(",\"");
        out.push_str(name);
        out.push_str("\":");
        match value {
            Some(value) => push_quoted(value, &mut out),
            None => out.push_str("null"),
        }
    }
    out.push_str("}}");
    out
}

#[cfg(test)]
#[path = "openai_error/tests.rs"]
mod tests;
