#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::splice::splice;
use serde_json::{Value, json};

fn request(body: &str) -> Request<'_> {
    read(body).unwrap_or_else(|error| panic!("{error} in {body}"))
}

#[test]
fn strings_parts_and_roles() {
    let body = r#"{"model":"auto","messages":[{"role":"system","content":"Be short."},
        {"content":[{"type":"text","text":"What is \u00e9 in "},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},
        {"type":"text","text":"this picture of a long street?"}],"role":"user"},{"role":"assistant","content":null,"tool_calls":[{"id":"x"}]},
        {"role":"tool","content":"result","tool_call_id":"x"}],"max_tokens":50,"n":2}"#;
    let request = request(body);
    assert_eq!(request.prompt.window(), "What is é in \nthis picture of a long street?");
    assert_eq!(request.model.as_deref(), Some("auto"));
    assert_eq!(request.cap, Some(100));
    assert_eq!((request.size.messages, request.size.media), (4, 1));
    assert!(!request.stream && request.ask_usage.is_empty());
}

#[test]
fn a_null_model_and_an_absent_one_name_none() {
    assert_eq!(request(r#"{"messages":[],"model":null}"#).model, None);
    assert_eq!(request(r#"{"messages":[],"model":""}"#).model, None);
    assert_eq!(request(r#"{"messages":[]}"#).model, None);
}

#[test]
fn the_last_of_two_keys_counts_and_both_can_be_replaced() {
    let body = r#"{"model":"a","messages":[{"role":"user","content":"x"}],"mod\u0065l":"b","messages":[{"role":"user","content":"y"}],"stream":true,"stream":false}"#;
    let request = request(body);
    assert_eq!(request.model.as_deref(), Some("b"));
    assert_eq!(request.prompt.window(), "y");
    assert!(!request.stream);
    let edits = request.model_spans.iter().map(|span| Edit { span: span.clone(), text: "\"m\"".into() }).collect();
    let spliced = String::from_utf8(splice(body.as_bytes(), edits)).unwrap();
    assert_eq!(spliced, body.replace("\"a\"", "\"m\"").replace("\"b\"", "\"m\""));
}

#[test]
fn a_stream_asks_for_usage_whatever_its_options_are() {
    // Each: the options as they came, and whether the client asked.
    let cases = [
        ("", false),
        (r#""stream_options":null,"#, false),
        (r#""stream_options":{},"#, false),
        (r#""stream_options":{ },"#, false),
        (r#""stream_options":{"x":1},"#, false),
        (r#""stream_options" : { "include_usage" : false } ,"#, false),
        (r#""stream_options":{"include_usage":null,"x":2},"#, false),
        (r#""stream_options":{"include_usage":true},"#, true),
        (r#""stream_options":{"include_usage":true},"stream_options":{},"#, false),
        (r#""stream_options":{"include_usage":true,"include_usage":false},"#, false),
    ];
    for (options, asked) in cases {
        let body = format!(r#"{{{options}"messages":[],"stream":true}}"#);
        let request = request(&body);
        assert_eq!(request.ask_usage.is_empty(), asked, "{body}");
        let spliced: Value = serde_json::from_slice(&splice(body.as_bytes(), request.ask_usage)).unwrap();
        assert_eq!(spliced["stream_options"]["include_usage"], json!(true), "{body}");
        assert_eq!(spliced["messages"], json!([]));
    }
}

#[test]
fn wrong_types_name_the_field() {
    let cases = [
        ("[]", "the body"),
        (r#"{"messages":{}}"#, "'messages'"),
        (r#"{"messages":["x"]}"#, "'messages[]'"),
        (r#"{"messages":[{"role":"user","content":5}]}"#, "'messages[].content'"),
        (r#"{"messages":[{"role":1}]}"#, "'messages[].role'"),
        (r#"{"messages":[{"role":"user","content":["x"]}]}"#, "'messages[].content[]'"),
        (r#"{"messages":[{"role":"user","content":[{"text":{}}]}]}"#, "'messages[].content[].text'"),
        (r#"{"messages":[],"model":7}"#, "'model'"),
        (r#"{"messages":[],"stream":"yes"}"#, "'stream'"),
        (r#"{"messages":[],"stream_options":[]}"#, "'stream_options'"),
        (r#"{"messages":[],"max_tokens":"50"}"#, "'max_tokens'"),
        (r#"{"model":"x"}"#, "'messages' is missing"),
    ];
    for (body, word) in cases {
        let error = read(body).unwrap_err().to_string();
        assert!(error.contains(word), "{word} is missing in: {error}");
    }
}

#[test]
fn odd_counts_are_left_to_the_upstream() {
    for number in ["-1", "1.5", "1e308", "99999999999999999999", "null"] {
        assert_eq!(request(&format!(r#"{{"messages":[],"max_tokens":{number}}}"#)).cap, None);
    }
    assert_eq!(request(r#"{"messages":[],"max_tokens":18446744073709551615,"n":9}"#).cap, Some(u64::MAX));
}

#[test]
fn every_prefix_is_an_error() {
    let body = r#"{"model":"auto","messages":[{"role":"user","content":[{"type":"text","text":"é\n"}]}],"stream":true,"stream_options":{"include_usage":false}}"#;
    assert!(read(body).is_ok());
    for end in (0..body.len()).filter(|end| body.is_char_boundary(*end)) {
        assert!(read(&body[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn errors_are_in_the_apis_form() {
    let error =
        ApiError { status: 429, message: "a \"b\"\n", kind: Some("tokens"), param: None, code: Some("rate_limit_exceeded") };
    let body: Value = serde_json::from_str(&super::error(&error)).unwrap();
    assert_eq!(body, json!({"error": {"message": "a \"b\"\n", "type": "tokens", "param": null, "code": "rate_limit_exceeded"}}));
}
