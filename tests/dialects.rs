//! Requests and responses of every API, from files: `tests/dialects/NAME.json` says what is read of each.
//!
//! A case is data: a path, a body, and what the core must read; or a response as a list of chunks, and what it must cost. Every body is cut at
//! every byte, which must be an error and never a panic; every response is fed whole, cut once at every byte, and byte by byte.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

use pointsman::dialect::{ApiError, Dialect, Endpoint};
use pointsman::meter::{Framing, Meter, Passed};
use serde::Deserialize;
use serde_json::Value;
use std::fs;
use std::path::Path;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    dialect: String,
    requests: Vec<RequestCase>,
    responses: Vec<ResponseCase>,
    error: ErrorCase,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestCase {
    what: String,
    path: String,
    /// The body: JSON, or a string that is sent as it stands.
    body: Value,
    model: Option<String>,
    /// What the classifier reads.
    #[serde(default)]
    prompt: String,
    #[serde(default)]
    stream: bool,
    cap: Option<u64>,
    #[serde(default)]
    media: u64,
    /// Words of the error, for a body that is refused.
    error: Option<String>,
    /// The path after a rewrite of the model to `chosen`, for the APIs that name it there.
    rewritten: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ResponseCase {
    what: String,
    content_type: String,
    /// The body, joined; a string as it stands, any other JSON in compact form; for binary frames each is one frame's payload.
    body: Vec<Value>,
    /// Input and output tokens; absent when the response reports none.
    tokens: Option<(u64, u64)>,
    #[serde(default)]
    cached: u64,
    #[serde(default)]
    reasoning: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ErrorCase {
    status: u16,
    body: Value,
}

fn files() -> Vec<(Dialect, File)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/dialects");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let file: File = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let dialect = Dialect::ALL.into_iter().find(|dialect| dialect.name() == file.dialect);
        found.push((dialect.unwrap_or_else(|| panic!("{}: no dialect `{}`", path.display(), file.dialect)), file));
    }
    found
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// An Amazon event-stream frame; its checksums are not looked at by what is tested.
fn frame(payload: &str) -> Vec<u8> {
    let header = b"\x0b:event-type\x07\x00\x04test";
    let mut out = ((16 + header.len() + payload.len()) as u32).to_be_bytes().to_vec();
    out.extend((header.len() as u32).to_be_bytes());
    out.extend([0; 4]);
    out.extend(header);
    out.extend(payload.as_bytes());
    out.extend([0; 4]);
    out
}

#[test]
fn every_dialect_has_a_file() {
    let files = files();
    for dialect in Dialect::ALL {
        let (_, file) =
            files.iter().find(|(known, _)| *known == dialect).unwrap_or_else(|| panic!("no file for {}", dialect.name()));
        assert!(file.requests.len() >= 3 && file.responses.len() >= 2, "{} has too few cases", dialect.name());
    }
}

#[test]
fn requests_are_read_as_the_api_defines_them() {
    for (dialect, file) in files() {
        for case in file.requests {
            let name = format!("{}: {}", file.dialect, case.what);
            let endpoint = Endpoint::of_path(&case.path).unwrap_or_else(|| panic!("{name}: no endpoint at {}", case.path));
            assert_eq!(endpoint.dialect, dialect, "{name}");
            let body = text(&case.body);
            let request = match (dialect.read(&body), &case.error) {
                (Ok(request), None) => request,
                (Err(error), Some(words)) => {
                    assert!(error.to_string().contains(words), "{name}: {words:?} is missing in: {error}");
                    continue;
                }
                (Ok(_), Some(words)) => panic!("{name}: accepted, expected the error {words:?}"),
                (Err(error), None) => panic!("{name}: {error}"),
            };
            assert_eq!(request.model.clone().or_else(|| endpoint.model()), case.model, "{name}: model");
            assert_eq!(request.prompt.window(), case.prompt, "{name}: prompt");
            assert_eq!(request.stream, case.stream, "{name}: stream");
            assert_eq!(request.cap, case.cap, "{name}: cap");
            assert_eq!(request.size.media, case.media, "{name}: media");
            assert_eq!(endpoint.with_model("chosen"), case.rewritten, "{name}: path");
        }
    }
}

#[test]
fn a_body_cut_anywhere_is_an_error() {
    for (dialect, file) in files() {
        for case in file.requests.iter().filter(|case| case.error.is_none()) {
            let body = text(&case.body);
            for end in (0..body.trim_end().len()).filter(|end| body.is_char_boundary(*end)) {
                assert!(dialect.read(&body[..end]).is_err(), "{}: {} cut at {end}", file.dialect, case.what);
            }
        }
    }
}

/// Feeds a response in these chunks; the bytes must go on as they came.
fn watch(dialect: Dialect, framing: Framing, chunks: &[&[u8]]) -> Option<(u64, u64, u64, u64)> {
    let mut meter = Meter::new(dialect, framing, false);
    for (at, chunk) in chunks.iter().enumerate() {
        assert_eq!(meter.feed(chunk, at + 1 == chunks.len()), Passed::Unchanged);
    }
    meter.tokens().map(|tokens| (tokens.input, tokens.output, tokens.cached_input, tokens.reasoning))
}

#[test]
fn responses_cost_what_they_report_at_every_cut() {
    for (dialect, file) in files() {
        for case in file.responses {
            let name = format!("{}: {}", file.dialect, case.what);
            let expected = case.tokens.map(|(input, output)| (input, output, case.cached, case.reasoning));
            let Some(framing) = Framing::of(&case.content_type) else {
                assert_eq!(expected, None, "{name}: nothing is read of {}", case.content_type);
                continue;
            };
            let body: Vec<u8> = case
                .body
                .iter()
                .flat_map(|piece| if framing == Framing::Frames { frame(&text(piece)) } else { text(piece).into_bytes() })
                .collect();
            assert_eq!(watch(dialect, framing, &[&body]), expected, "{name}");
            for at in 0..=body.len() {
                assert_eq!(watch(dialect, framing, &[&body[..at], &body[at..]]), expected, "{name}, cut at {at}");
            }
            let bytes: Vec<&[u8]> = body.chunks(1).collect();
            assert_eq!(watch(dialect, framing, &bytes), expected, "{name}, byte by byte");
        }
    }
}

#[test]
fn errors_are_in_the_apis_own_form() {
    for (dialect, file) in files() {
        let error = ApiError {
            status: file.error.status,
            message: "a \"quoted\" word\n",
            kind: None,
            param: Some("field"),
            code: Some("some_code"),
        };
        let body: Value = serde_json::from_str(&dialect.error(&error)).unwrap();
        assert_eq!(body, file.error.body, "{}", file.dialect);
    }
}
