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
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn errors_are_in_the_apis_form() {
        let error =
            ApiError { status: 429, message: "a \"b\"\n", kind: Some("tokens"), param: None, code: Some("rate_limit_exceeded") };
        let body: Value = serde_json::from_str(&super::error(&error)).unwrap();
        assert_eq!(
            body,
            json!({"error": {"message": "a \"b\"\n", "type": "tokens", "param": null, "code": "rate_limit_exceeded"}})
        );
    }
}
