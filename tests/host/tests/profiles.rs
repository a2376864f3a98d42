//! What the module does on each gateway, as far as it can run there.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

use pointsman_test_host::{Host, Map, Module, Profile, Stream, Way, Zone};

const POLICY: &str = r#"{"default": {"model": "general"}, "domains": {"math": {"model": "math-7b"}}, "explain": true, "unreadable": "pass",
    "quotas": {"default": [{"tokens": 1000, "per": "hour"}], "expected_output_tokens": 100}}"#;
const MATH: &[u8] =
    br#"{"model":"auto","messages":[{"role":"user","content":"Solve the quadratic equation x^2 - 5x + 6 = 0 by factoring."}]}"#;
const SECOND: u64 = 1_000_000_000;

fn host(profile: Profile, shared: Option<Zone>) -> Host {
    let module = Module::built().unwrap_or_else(|message| panic!("{message}"));
    let mut host = Host::start(module, profile, shared, 1_764_071_400 * SECOND).unwrap();
    assert!(host.configure(POLICY.as_bytes()).unwrap(), "{:?}", host.take_log());
    host
}

fn headers(extra: &[(&str, &str)]) -> Map {
    let length = MATH.len().to_string();
    let usual = [(":method", "POST"), (":path", "/v1/chat/completions"), ("content-length", length.as_str())];
    usual.into_iter().chain(extra.iter().copied()).collect()
}

fn ask(host: &mut Host) -> u32 {
    let id = host.request(headers(&[]), false).unwrap();
    host.body(id, Way::Request, &MATH[..40], false).unwrap();
    host.body(id, Way::Request, &MATH[40..], true).unwrap();
    id
}

fn sent(host: &Host, id: u32) -> Option<&Map> {
    host.stream(id).and_then(|stream: &Stream| stream.upstream().headers.as_ref())
}

fn errors(host: &mut Host) -> Vec<String> {
    host.take_log().into_iter().filter(|(level, _)| *level >= 3).map(|(_, line)| line).collect()
}

#[test]
fn envoy_with_the_flag_needs_no_timer_after_the_first_body() {
    let mut host = host(Profile::EnvoyWithFlag, Some(Zone::default()));
    let id = ask(&mut host);
    assert_eq!(sent(&host, id).unwrap().text("x-pointsman-model").as_deref(), Some("math-7b"));
    assert!(host.stream(id).unwrap().rerouted);
    host.advance(10 * SECOND).unwrap();
    assert_eq!(host.counts()["proxy_set_tick_period_milliseconds"], 2, "set once and stopped once");
    assert_eq!(errors(&mut host), Vec::<String>::new());
}

#[test]
fn envoy_without_the_flag_lets_requests_go_after_a_while_and_says_why() {
    let mut host = host(Profile::EnvoyWithoutFlag, Some(Zone::default()));
    let id = ask(&mut host);
    host.advance(SECOND / 2).unwrap();
    assert_eq!(sent(&host, id), None, "held until its patience ends");
    host.advance(5 * SECOND).unwrap();
    let headers = sent(&host, id).unwrap();
    assert_eq!(headers.text("x-pointsman-model"), None);
    let upstream = host.stream(id).unwrap().upstream();
    assert_eq!((upstream.body().as_slice(), upstream.ended), (MATH, true));
    let said = errors(&mut host);
    assert!(said.len() == 1 && said[0].contains("allow_on_headers_stop_iteration"), "{said:?}");
    host.response(id, [(":status", "200")].into_iter().collect(), true).unwrap();
    let client = host.close(id).unwrap().client().clone();
    assert_eq!(client.headers.unwrap().text("x-pointsman-reason").as_deref(), Some("unseen"));
    let again = ask(&mut host);
    host.advance(5 * SECOND).unwrap();
    assert!(sent(&host, again).is_some());
    assert_eq!(errors(&mut host), Vec::<String>::new(), "it is told once");
}

#[test]
fn a_body_beyond_the_gateways_own_buffer_is_its_affair() {
    let mut host = host(Profile::EnvoyWithFlag, Some(Zone::default()));
    host.set_buffer_limit(100);
    let id = host.request(headers(&[]), false).unwrap();
    host.body(id, Way::Request, &MATH[..80], false).unwrap();
    host.body(id, Way::Request, &MATH[80..], true).unwrap();
    let stream = host.close(id).unwrap();
    assert_eq!(stream.client().headers.as_ref().unwrap().text(":status").as_deref(), Some("413"));
    assert_eq!((stream.upstream().headers.as_ref(), errors(&mut host)), (None, Vec::new()));
    assert_eq!(host.counts().get("proxy_set_shared_data"), None, "nothing was reserved");
}

#[test]
fn streams_interleave() {
    let mut host = host(Profile::EnvoyWithFlag, Some(Zone::default()));
    let streams: Vec<u32> = (0..5).map(|_| host.request(headers(&[]), false).unwrap()).collect();
    for (at, chunk) in MATH.chunks(10).enumerate() {
        for id in &streams {
            host.body(*id, Way::Request, chunk, (at + 1) * 10 >= MATH.len()).unwrap();
        }
    }
    for id in streams.into_iter().rev() {
        host.response(id, [(":status", "200"), ("content-type", "application/json")].into_iter().collect(), false).unwrap();
        host.body(id, Way::Response, br#"{"usage":{"total_tokens":10}}"#, true).unwrap();
        let stream = host.close(id).unwrap();
        assert_eq!(stream.upstream().headers.as_ref().unwrap().text("x-pointsman-model").as_deref(), Some("math-7b"));
    }
    let id = ask(&mut host);
    host.response(id, [(":status", "200")].into_iter().collect(), true).unwrap();
    let headers = host.close(id).unwrap().client().headers.clone().unwrap();
    let number = |name: &str| headers.text(name).unwrap().parse::<u64>().unwrap();
    assert_eq!(number("x-ratelimit-remaining-tokens") + number("x-pointsman-reserved"), 1_000 - 5 * 10);
}

#[test]
fn two_workers_share_the_accounts() {
    let zone = Zone::default();
    let mut workers = [host(Profile::EnvoyWithFlag, Some(zone.clone())), host(Profile::EnvoyWithFlag, Some(zone))];
    let mut left = Vec::new();
    for round in 0..4 {
        let worker = &mut workers[round % 2];
        let id = ask(worker);
        worker.response(id, [(":status", "200"), ("content-type", "text/plain")].into_iter().collect(), true).unwrap();
        let client = worker.close(id).unwrap().client().clone();
        left.push(client.headers.unwrap().text("x-ratelimit-remaining-tokens").unwrap().parse::<u64>().unwrap());
    }
    let cost = 1_000 - left[0];
    assert_eq!(left, [1_000 - cost, 1_000 - 2 * cost, 1_000 - 3 * cost, 1_000 - 4 * cost]);
}

/// A request that is decided in its headers: what is compressed is not read.
fn compressed(host: &mut Host, extra: &[(&str, &str)]) -> Result<u32, pointsman_test_host::Fault> {
    let all: Vec<_> = [("content-encoding", "gzip")].into_iter().chain(extra.iter().copied()).collect();
    let id = host.request(headers(&all), false)?;
    host.body(id, Way::Request, b"\x1f\x8b", true)?;
    Ok(id)
}

#[test]
fn nginx_ends_the_vm_where_it_lacks_what_is_called() {
    // Today's filter calls for clear_route_cache whatever the gateway is; a profile of its own has to come first.
    let mut lacking = host(Profile::Nginx, Some(Zone::default()));
    let fault = compressed(&mut lacking, &[("x-pointsman-model", "forged")]).unwrap_err();
    assert!(fault.callback == "proxy_on_request_headers" && fault.message.contains("clear_route_cache"), "{fault}");
    assert_eq!(lacking.request(headers(&[]), false).unwrap_err(), fault, "a dead VM stays dead");
    let mut unzoned = host(Profile::Nginx, None);
    let fault = compressed(&mut unzoned, &[]).unwrap_err();
    assert!(fault.message.contains("zone"), "{fault}");
}

#[test]
fn nginx_keeps_accounts_under_its_exact_compare_and_swap() {
    let mut host = host(Profile::Nginx, Some(Zone::default()));
    for _ in 0..3 {
        let id = compressed(&mut host, &[]).unwrap();
        assert_eq!(host.stream(id).unwrap().upstream().body(), b"\x1f\x8b");
        host.close(id).unwrap();
    }
    assert_eq!(errors(&mut host), Vec::<String>::new());
}

#[test]
fn a_pause_in_the_headers_hangs_on_nginx() {
    let mut host = host(Profile::Nginx, Some(Zone::default()));
    let id = ask(&mut host);
    assert_eq!(sent(&host, id), None);
}

#[test]
fn apisix_has_no_timer_and_no_accounts() {
    let mut host = host(Profile::Apisix, None);
    assert!(errors(&mut host)[0].contains("no timer"));
    let id = compressed(&mut host, &[]).unwrap();
    let client = host.stream(id).unwrap().client().clone();
    assert_eq!(client.headers.unwrap().text(":status").as_deref(), Some("503"));
    assert!(String::from_utf8(client.chunks.concat()).unwrap().contains("quota"));
}

#[test]
fn the_module_starts_within_what_google_gives() {
    let module = Module::built().unwrap();
    let mut host = Host::start(module, Profile::Google, None, 0).unwrap();
    assert!(host.configure(br#"{"default": {"model": "general"}, "domains": {"math": {"model": "math-7b"}}}"#).unwrap());
    assert!(host.memory() < 16 << 20, "{} bytes of linear memory", host.memory());
}

#[test]
fn a_policy_that_is_wrong_is_refused_with_its_place() {
    let module = Module::built().unwrap();
    let mut host = Host::start(module, Profile::EnvoyWithFlag, Some(Zone::default()), 0).unwrap();
    assert!(!host.configure(br#"{"default": {"modle": "x"}}"#).unwrap());
    let said = errors(&mut host);
    assert!(said.len() == 1 && said[0].contains("default") && said[0].contains("modle"), "{said:?}");
}
