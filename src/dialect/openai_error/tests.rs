#![allow(clippy::unwrap_used)]
use super::*;
use serde_json::{Value, json};

#[test]
fn errors_are_in_the_apis_form() {
    let error =
        ApiError { status: 429, message: "a \"b\"\n", kind: Some("tokens"), param: None, code: Some("rate_limit_exceeded") };
    let body: Value = serde_json::from_str(&super::error(&error)).unwrap();
    assert_eq!(body, json!({"error": {"message": "a \"b\"\n", "type": "tokens", "param": null, "code": "rate_limit_exceeded"}}));
}
