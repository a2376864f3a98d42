//! `tests/scenarios/NAME.json`: one behaviour a file, as a policy and exchanges that share the accounts and the clock.
//!
//! Bodies stand as JSON, which is sent in compact form, or as a string, which is sent as it stands, or as hex.

use super::Map;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The behaviour, in a sentence.
    pub what: String,
    pub policy: Value,
    /// When it begins, in seconds since 1970.
    #[serde(default = "ten_to_noon")]
    pub clock: u64,
    pub exchanges: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Seconds that pass beforehand.
    #[serde(default)]
    pub advance: u64,
    pub request: Option<Request>,
    /// In place of a request: the number of an exchange above that was left without an answer, and gets it now.
    pub resume: Option<usize>,
    /// The upstream's answer; without one, the exchange stays open.
    pub upstream: Option<Upstream>,
    #[serde(default)]
    pub expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    #[serde(default = "post")]
    pub method: String,
    #[serde(default = "chat")]
    pub path: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub body: Option<Value>,
    pub hex: Option<String>,
    /// Whether content-length is sent.
    #[serde(default = "yes")]
    pub length: bool,
    pub trailers: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    pub status: Option<u16>,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub body: Option<Value>,
    pub hex: Option<String>,
    /// Server-sent events: JSON is put behind `data: `; a string is sent as it stands.
    #[serde(default)]
    pub events: Vec<Value>,
    /// JSON documents, a line each.
    #[serde(default)]
    pub lines: Vec<Value>,
    /// Payloads of Amazon's binary frames.
    #[serde(default)]
    pub frames: Vec<Value>,
    pub trailers: Option<BTreeMap<String, String>>,
    /// The upstream, or the client, goes away behind so many bytes of the body.
    pub breaks_after: Option<usize>,
    /// The client goes away before there is an answer.
    #[serde(default)]
    pub gone: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// Nothing is changed on either way.
    #[serde(default)]
    pub untouched: bool,
    /// The gateway answers with this status, and nothing goes upstream.
    pub refused: Option<u16>,
    #[serde(default)]
    pub upstream: Sent,
    #[serde(default)]
    pub client: Got,
    /// Tokens that remain to the tenant, with those of this request: the sum of two response headers.
    pub room: Option<u64>,
    /// Numbers of exchanges whose reserves are to be taken off `room`, so that no scenario depends on how prompts are estimated.
    #[serde(default)]
    pub less: Vec<usize>,
    /// Numbers of exchanges whose reserves are to be added to `room`.
    #[serde(default)]
    pub plus: Vec<usize>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    pub path: Option<String>,
    /// Values of headers; null is a header that is not there.
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// What was replaced in the body, in its order: each is a text that stands there, and what stands there afterwards. All other bytes are
    /// as the client sent them.
    #[serde(default)]
    pub edits: Vec<(String, String)>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct Got {
    #[serde(default)]
    pub headers: BTreeMap<String, Option<String>>,
    /// Values in a refusal's body, by JSON pointer.
    #[serde(default)]
    pub json: BTreeMap<String, Value>,
    /// Words in a refusal's body.
    #[serde(default)]
    pub words: Vec<String>,
    /// Numbers of the pieces (events, lines, frames) that the client does not get.
    #[serde(default)]
    pub without: Vec<usize>,
}

fn ten_to_noon() -> u64 {
    1_764_071_400
}

fn post() -> String {
    "POST".into()
}

fn chat() -> String {
    "/v1/chat/completions".into()
}

fn yes() -> bool {
    true
}

/// All scenarios, by name.
pub fn all() -> Vec<(String, Scenario)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let text = fs::read_to_string(&path).unwrap();
            let scenario = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            found.push((path.file_stem().unwrap().to_string_lossy().into_owned(), scenario));
        }
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    found
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

/// An Amazon event-stream frame; its checksums are looked at by nobody here.
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

impl Request {
    pub fn bytes(&self) -> Vec<u8> {
        self.hex.as_deref().map(bytes).or_else(|| self.body.as_ref().map(|body| text(body).into_bytes())).unwrap_or_default()
    }

    pub fn headers(&self) -> Map {
        let mut headers: Map =
            [(":method", self.method.as_str()), (":path", &self.path), (":authority", "llm.example"), (":scheme", "http")]
                .into_iter()
                .collect();
        let body = self.bytes();
        if !body.is_empty() {
            headers.set(b"content-type", b"application/json");
            if self.length {
                headers.set(b"content-length", body.len().to_string().as_bytes());
            }
        }
        for (name, value) in &self.headers {
            headers.set(name.as_bytes(), value.as_bytes());
        }
        headers
    }
}

impl Upstream {
    /// The body's pieces, of which there is one unless it is a stream.
    pub fn pieces(&self) -> Vec<Vec<u8>> {
        let event = |value: &Value| match value {
            Value::String(text) => text.clone().into_bytes(),
            other => format!("data: {other}\n\n").into_bytes(),
        };
        let whole = self.hex.as_deref().map(bytes).or_else(|| self.body.as_ref().map(|body| text(body).into_bytes()));
        let stream = self.events.iter().map(event);
        let stream = stream.chain(self.lines.iter().map(|line| format!("{}\n", text(line)).into_bytes()));
        whole.into_iter().chain(stream).chain(self.frames.iter().map(|payload| frame(&text(payload)))).collect()
    }

    pub fn headers(&self) -> Map {
        let kind = match self {
            Upstream { events, .. } if !events.is_empty() => "text/event-stream",
            Upstream { lines, .. } if !lines.is_empty() => "application/x-ndjson",
            Upstream { frames, .. } if !frames.is_empty() => "application/vnd.amazon.eventstream",
            _ => "application/json",
        };
        let mut headers: Map =
            [(":status", self.status.unwrap_or(200).to_string().as_str()), ("content-type", kind)].into_iter().collect();
        if self.body.is_some() || self.hex.is_some() {
            headers.set(b"content-length", self.pieces().concat().len().to_string().as_bytes());
        }
        for (name, value) in &self.headers {
            headers.set(name.as_bytes(), value.as_bytes());
        }
        headers
    }
}
