#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;

/// Feeds a response cut as given; returns what went on, and the usage.
fn watch(framing: Framing, strip: bool, chunks: &[&[u8]]) -> (String, Option<Tokens>) {
    let mut meter = Meter::new(Dialect::OpenAiChat, framing, strip);
    let mut out = Vec::new();
    for (at, chunk) in chunks.iter().enumerate() {
        match meter.feed(chunk, at + 1 == chunks.len()) {
            Passed::Unchanged => out.extend_from_slice(chunk),
            Passed::Instead(bytes) => out.extend(bytes),
        }
    }
    (String::from_utf8(out).unwrap(), meter.tokens())
}

const BODY: &str = r#"{"id":"x","choices":[{"message":{"content":"usage: {\"prompt_tokens\": 99}"}}],"usage":{"prompt_tokens":12,"completion_tokens":5,
    "total_tokens":17,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2,"prompt_tokens":1}}}"#;

#[test]
fn a_body_reports_its_usage_at_every_cut() {
    let expected = Tokens { input: 12, output: 5, cached_input: 4, cache_creation: 0, reasoning: 2 };
    for at in 0..=BODY.len() {
        let (head, tail) = BODY.as_bytes().split_at(at);
        assert_eq!(watch(Framing::Json, true, &[head, tail]), (BODY.into(), Some(expected)), "cut at {at}");
    }
}

const TEXT_EVENTS: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"h\u{e9}\"}}],\"usage\":null}\n\n: keep-alive\n\ndata: {\"choices\":[],\"prompt_filter_results\":[]}\n\n";
const USAGE_EVENT: &str =
    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3,\"total_tokens\":10}}\n\n";
const DONE_EVENT: &str = "data: [DONE]\n\n";

#[test]
fn a_streams_usage_chunk_is_read_and_taken_out_at_every_cut() {
    let stream = format!("{TEXT_EVENTS}{USAGE_EVENT}{DONE_EVENT}");
    let stripped = format!("{TEXT_EVENTS}{DONE_EVENT}");
    for at in 0..=stream.len() {
        let (head, tail) = stream.as_bytes().split_at(at);
        let (out, tokens) = watch(Framing::Events, true, &[head, tail]);
        assert_eq!(out, stripped, "cut at {at}");
        assert_eq!(tokens.map(|t| t.total()), Some(10));
        assert_eq!(watch(Framing::Events, false, &[head, tail]).0, stream);
    }
    let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
    assert_eq!(watch(Framing::Events, true, &bytes).0, stripped);
}

#[test]
fn line_ends_do_not_matter() {
    for end in ["\r\n", "\r"] {
        let stream = format!("{TEXT_EVENTS}{USAGE_EVENT}{DONE_EVENT}").replace('\n', end);
        let stripped = format!("{TEXT_EVENTS}{DONE_EVENT}").replace('\n', end);
        assert_eq!(watch(Framing::Events, true, &[stream.as_bytes()]).0, stripped);
    }
}

#[test]
fn usage_beside_an_answer_stays() {
    let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":3}}\n\ndata: [DONE]\n\n";
    let (out, tokens) = watch(Framing::Events, true, &[stream.as_bytes()]);
    assert_eq!(out, stream);
    assert_eq!(tokens.map(|t| t.total()), Some(10));
}

#[test]
fn an_event_is_not_kept_back_longer_than_it_must() {
    let mut meter = Meter::new(Dialect::OpenAiChat, Framing::Events, true);
    let answer = b"data: {\"choices\":[{\"delta\":{\"content\":\"x";
    assert_eq!(meter.feed(answer, false), Passed::Unchanged);
    let mut meter = Meter::new(Dialect::OpenAiChat, Framing::Events, true);
    let long = format!("data: {{\"x\":\"{}", "y".repeat(HELD));
    assert_eq!(meter.feed(long.as_bytes(), false), Passed::Unchanged);
    assert_eq!(meter.feed(b"\",\"choices\":[],\"usage\":{}}\n\n", false), Passed::Unchanged);
}

#[test]
fn a_stream_that_ends_in_an_event_loses_nothing() {
    let (out, _) = watch(Framing::Events, true, &[b"data: {\"choi", b""]);
    assert_eq!(out, "data: {\"choi");
}

#[test]
fn nothing_reported_is_unknown() {
    for body in [
        "",
        "{}",
        "not json",
        "{\"usage\":null}",
        "{\"usage\":{\"prompt_tokens\":\"12\",\"total_tokens\":-3}}",
        "{\"usage\":{\"total_tokens\":1e308}}",
    ] {
        assert_eq!(watch(Framing::Json, false, &[body.as_bytes()]).1, None, "{body}");
    }
}

#[test]
fn content_types() {
    for (kind, framing) in [
        ("text/event-stream", Some(Framing::Events)),
        ("Text/Event-Stream; charset=utf-8", Some(Framing::Events)),
        ("application/json", Some(Framing::Json)),
        ("application/problem+json; x=y", Some(Framing::Json)),
        ("application/x-ndjson", Some(Framing::Lines)),
        ("application/vnd.amazon.eventstream", Some(Framing::Frames)),
        ("text/html", None),
        ("", None),
    ] {
        assert_eq!(Framing::of(kind), framing, "{kind}");
    }
}
