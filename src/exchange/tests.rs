#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::step::Reply;
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::BTreeMap;

const WEIGHTS: &[u8] = include_bytes!("../../models/weights.safetensors");

#[derive(Default)]
struct Shared(BTreeMap<String, Vec<u8>>);

impl Store for Shared {
    fn update(&mut self, key: &str, change: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>) -> Result<(), StoreError> {
        let stored = self.0.get(key).cloned().unwrap_or_default();
        if let Some(next) = change(&stored) {
            self.0.insert(key.into(), next);
        }
        Ok(())
    }
}

struct Fixed(Cell<u64>);

impl Clock for Fixed {
    fn nanos(&self) -> u64 {
        self.0.get()
    }
}

impl Headers for BTreeMap<&str, &str> {
    fn get(&self, name: &str) -> Option<Vec<u8>> {
        BTreeMap::get(self, name).map(|value| value.as_bytes().to_vec())
    }
}

const POLICY: &str = r#"{"default": {"model": "general"}, "explain": true,
    "domains": {"math": {"model": "math-7b", "headers": {"x-pool": "stem"}}},
    "tenants": {"from": [{"header": "x-tenant"}], "unidentified": "refuse"},
    "quotas": {"default": [{"tokens": 1000, "per": "hour"}], "tenants": {"free": []}, "expected_output_tokens": 100}}"#;

/// A gateway of one worker.
struct World {
    engine: Rc<Engine>,
    store: Shared,
    clock: Fixed,
}

fn world(policy: &str) -> World {
    let model = Model::load(WEIGHTS).unwrap();
    let policy = crate::config::read(policy.as_bytes(), model.labels()).unwrap();
    World { engine: Rc::new(Engine::new(policy, model)), store: Shared::default(), clock: Fixed(Cell::new(3_600_000_000_000)) }
}

fn heads<'a>(extra: &[(&'a str, &'a str)]) -> BTreeMap<&'a str, &'a str> {
    let usual = [(":path", "/v1/chat/completions"), (":method", "POST"), ("content-length", "1"), ("x-tenant", "acme")];
    usual.into_iter().chain(extra.iter().copied()).collect()
}

impl World {
    /// Sends a request whole.
    fn send(&mut self, headers: &BTreeMap<&str, &str>, body: &str) -> (Exchange, Step) {
        let mut exchange = Exchange::new(Rc::clone(&self.engine));
        let step = match exchange.request_headers(headers, false, &mut self.store, &self.clock) {
            Step::Wait => exchange.request_body(body.as_bytes(), &mut self.store, &self.clock),
            other => other,
        };
        (exchange, step)
    }

    /// Answers a request and settles it.
    fn answer(&mut self, exchange: &mut Exchange, status: u16, kind: &str, body: &str) -> (ResponseHeaders, Settled) {
        let head = exchange.response_headers(status, &BTreeMap::from([("content-type", kind)]), &self.clock);
        exchange.response_chunk(body.as_bytes(), true);
        let settled = exchange.finish(&mut self.store, &self.clock).unwrap();
        assert_eq!(exchange.finish(&mut self.store, &self.clock), Ok(Settled::Nothing), "settled twice");
        (head, settled)
    }
}

fn forward(step: Step) -> Forward {
    match step {
        Step::Forward(forward) => forward,
        other => panic!("{other:?}"),
    }
}

fn reply(step: Step) -> Reply {
    match step {
        Step::Reply(reply) => reply,
        other => panic!("{other:?}"),
    }
}

fn set<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

const MATH: &str = r#"{ "model" : "auto", "messages": [{"role": "user", "content": "Solve the quadratic equation x^2 - 5x + 6 = 0 by factoring."}], "max_tokens": 50 }"#;

#[test]
fn a_known_domain_is_routed_and_only_the_model_changes() {
    let mut world = world(POLICY);
    let (_, step) = world.send(&heads(&[("x-pointsman-model", "forged")]), MATH);
    let forward = forward(step);
    let body = String::from_utf8(forward.body.unwrap()).unwrap();
    assert_eq!(body, MATH.replace("\"auto\"", "\"math-7b\""));
    assert_eq!(forward.remove, ["x-pointsman-model", "accept-encoding"]);
    assert_eq!(set(&forward.set, "x-pointsman-domain"), Some("math"));
    assert_eq!(set(&forward.set, "x-pointsman-model"), Some("math-7b"));
    assert_eq!(set(&forward.set, "x-pool"), Some("stem"));
    assert_eq!(set(&forward.set, "content-length"), Some(body.len().to_string().as_str()));
    assert!(forward.reroute);
}

#[test]
fn an_explicit_model_is_left_alone() {
    let mut world = world(POLICY);
    let (mut exchange, step) = world.send(&heads(&[]), &MATH.replace("auto", "gpt-x"));
    let forward = forward(step);
    assert_eq!(forward.body, None);
    assert_eq!(set(&forward.set, "x-pointsman-model"), Some("gpt-x"));
    assert_eq!(set(&forward.set, "x-pointsman-domain"), None);
    let (head, _) = world.answer(&mut exchange, 200, "application/json", "{}");
    assert_eq!(set(&head.set, "x-pointsman-reason"), Some("explicit"));
}

#[test]
fn a_model_that_cannot_stand_in_a_header_is_put_into_none() {
    let mut world = world(POLICY);
    let (mut exchange, step) = world.send(&heads(&[]), &MATH.replace("auto", "x\\r\\nset-cookie: a=b"));
    assert!(forward(step).set.iter().all(|(name, _)| name != "x-pointsman-model"));
    let (head, _) = world.answer(&mut exchange, 200, "application/json", "{}");
    assert!(head.set.iter().all(|(name, value)| name != "x-pointsman-model" && !value.contains('\n')));
}

#[test]
fn two_models_become_one() {
    let mut world = world(POLICY);
    let doubled = r#"{"model":"a","messages":[{"role":"user","content":"x"}],"model":"b"}"#;
    let body = forward(world.send(&heads(&[]), doubled).1).body.unwrap();
    assert_eq!(String::from_utf8(body).unwrap(), doubled.replace("\"a\"", "\"b\""));
}

#[test]
fn a_body_without_model_gets_one() {
    let mut world = world(POLICY);
    let (_, step) = world.send(&heads(&[]), r#"{"messages":[]}"#);
    assert_eq!(forward(step).body.unwrap(), br#"{"model":"general","messages":[]}"#);
}

#[test]
fn what_is_not_llm_traffic_is_not_touched() {
    let mut world = world(POLICY);
    for extra in [(":path", "/v1/models"), (":method", "GET"), ("upgrade", "websocket"), (":path", "/")] {
        assert_eq!(world.send(&heads(&[extra]), MATH).1, Step::Continue, "{extra:?}");
    }
    let (_, step) = world.send(&heads(&[(":path", "/v1/models"), ("x-pool", "stem")]), "");
    assert_eq!(step, Step::Forward(Forward { remove: vec!["x-pool".into()], reroute: true, ..Forward::default() }));
}

#[test]
fn usage_is_charged_and_the_rest_given_back() {
    let mut world = world(POLICY);
    for spent in [0, 40, 80] {
        let (mut exchange, step) = world.send(&heads(&[]), MATH);
        forward(step);
        let usage = r#"{"usage":{"prompt_tokens":30,"completion_tokens":10,"total_tokens":40}}"#;
        let (head, settled) = world.answer(&mut exchange, 200, "application/json", usage);
        assert_eq!(settled, Settled::Reported(40));
        let number = |name: &str| set(&head.set, name).unwrap().parse::<u64>().unwrap();
        assert_eq!(number("x-ratelimit-remaining-tokens") + number("x-pointsman-reserved"), 1_000 - spent);
        assert_eq!(number("x-ratelimit-limit-tokens"), 1_000);
        assert_eq!(set(&head.set, "x-ratelimit-reset-tokens"), Some("1h0m0s"));
    }
}

#[test]
fn failures_release_and_silence_stands_at_the_estimate() {
    let mut world = world(POLICY);
    let remaining = |world: &mut World| {
        let (mut exchange, step) = world.send(&heads(&[]), MATH);
        forward(step);
        let (head, _) = world.answer(&mut exchange, 500, "text/plain", "down");
        let number = |name: &str| set(&head.set, name).unwrap().parse::<u64>().unwrap();
        number("x-ratelimit-remaining-tokens") + number("x-pointsman-reserved")
    };
    assert_eq!(remaining(&mut world), 1_000);
    assert_eq!(remaining(&mut world), 1_000);
    // Nobody waits for the answer any more: it was never seen.
    let (mut gone, _) = world.send(&heads(&[]), MATH);
    let Ok(Settled::Estimated(tokens)) = gone.finish(&mut world.store, &world.clock) else { panic!("not estimated") };
    assert_eq!(remaining(&mut world), 1_000 - tokens);
    let (mut mute, _) = world.send(&heads(&[]), MATH);
    assert_eq!(world.answer(&mut mute, 200, "text/html", "<p>").1, Settled::Estimated(tokens));
    assert_eq!(remaining(&mut world), 1_000 - 2 * tokens);
}

#[test]
fn a_spent_quota_is_refused_and_comes_back() {
    let mut world = world(POLICY);
    let hungry = MATH.replace("50", "900");
    forward(world.send(&heads(&[]), &hungry).1);
    let refused = reply(world.send(&heads(&[]), &hungry).1);
    assert_eq!(refused.status, 429);
    assert_eq!(set(&refused.headers, "retry-after"), Some("3600"));
    let body: Value = serde_json::from_str(&refused.body).unwrap();
    assert_eq!(body["error"]["code"], "rate_limit_exceeded");
    forward(world.send(&heads(&[("x-tenant", "other")]), &hungry).1);
    forward(world.send(&heads(&[("x-tenant", "free")]), &hungry).1);
    world.clock.0.set(7_200_000_000_000);
    forward(world.send(&heads(&[]), &hungry).1);
    let never = reply(world.send(&heads(&[]), &MATH.replace("50", "5000")).1);
    assert_eq!(serde_json::from_str::<Value>(&never.body).unwrap()["error"]["code"], "request_too_large");
}

#[test]
fn a_stream_is_asked_for_usage_and_the_client_sees_nothing_of_it() {
    let mut world = world(POLICY);
    let streamed = MATH.replace("\"max_tokens\"", "\"stream\": true, \"max_tokens\"");
    let (mut exchange, step) = world.send(&heads(&[]), &streamed);
    let body: Value = serde_json::from_slice(&forward(step).body.unwrap()).unwrap();
    assert_eq!(body["stream_options"], json!({"include_usage": true}));
    let kind = BTreeMap::from([("content-type", "text/event-stream"), ("content-length", "9")]);
    let head = exchange.response_headers(200, &kind, &world.clock);
    assert_eq!(head.remove, ["content-length"]);
    assert!(exchange.watches_response());
    let usage = b"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n";
    assert_eq!(exchange.response_chunk(usage, false), Passed::Instead(Vec::new()));
    assert_eq!(exchange.response_chunk(b"data: [DONE]\n\n", true), Passed::Unchanged);
    assert_eq!(exchange.finish(&mut world.store, &world.clock), Ok(Settled::Reported(7)));
}

#[test]
fn bad_bodies_are_refused_or_let_pass_as_the_policy_says() {
    let cases: [(&[u8], u16); 6] =
        [(b"", 400), (b"{", 400), (b"\xff\xfe", 400), (b"[]", 400), (b"{\"messages\":7}", 400), (b"{\"model\":\"auto\"}", 400)];
    let mut passing = world(&POLICY.replacen('{', "{\"unreadable\": \"pass\", \"max_body_bytes\": 500,", 1));
    let mut refusing = world(&POLICY.replacen('{', "{\"max_body_bytes\": 500,", 1));
    for (body, status) in cases {
        let mut exchange = Exchange::new(Rc::clone(&refusing.engine));
        assert_eq!(exchange.request_headers(&heads(&[]), false, &mut refusing.store, &refusing.clock), Step::Wait);
        let refused = reply(exchange.request_body(body, &mut refusing.store, &refusing.clock));
        assert_eq!(refused.status, status);
        assert!(serde_json::from_str::<Value>(&refused.body).unwrap()["error"]["message"].is_string());
        let mut exchange = Exchange::new(Rc::clone(&passing.engine));
        exchange.request_headers(&heads(&[]), false, &mut passing.store, &passing.clock);
        let passed = forward(exchange.request_body(body, &mut passing.store, &passing.clock));
        assert_eq!((passed.body, passed.set.len()), (None, 0));
    }
    for (extra, status) in [(("content-encoding", "gzip"), 415), (("content-length", "501"), 413), (("x-tenant", " "), 401)] {
        assert_eq!(reply(refusing.send(&heads(&[extra]), MATH).1).status, status);
    }
    let long = format!("{{\"messages\":[],\"x\":\"{}\"}}", "y".repeat(500));
    assert_eq!(reply(refusing.send(&heads(&[]), &long).1).status, 413);
    assert_eq!(forward(passing.send(&heads(&[]), &long).1).body, None);
}
