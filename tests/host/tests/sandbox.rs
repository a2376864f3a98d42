//! What the module may touch, what it weighs, and that nothing a client or an upstream sends makes it trap or grow.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

mod common;

use common::chunking::Chunking;
use common::scenario::{self, Request, Upstream};
use common::wasm::Wasm;
use common::{Gateway, Message};
use pointsman_test_host::{Map, Module};

const POLICY: &str = r#"{"default": {"model": "general"}, "domains": {"math": {"model": "math-7b"}}, "explain": true,
    "tenants": {"from": [{"header": "x-tenant"}]},
    "quotas": {"default": [{"tokens": 1000000, "per": "hour"}], "expected_output_tokens": 100}}"#;

/// Everything that the module imports. A gateway that lacks one of these cannot load it, so an addition is a decision.
const IMPORTS: [&str; 39] = [
    "env.proxy_add_header_map_value",
    "env.proxy_call_foreign_function",
    "env.proxy_close_stream",
    "env.proxy_continue_stream",
    "env.proxy_dequeue_shared_queue",
    "env.proxy_done",
    "env.proxy_enqueue_shared_queue",
    "env.proxy_get_buffer_bytes",
    "env.proxy_get_current_time_nanoseconds",
    "env.proxy_get_header_map_pairs",
    "env.proxy_get_header_map_value",
    "env.proxy_get_property",
    "env.proxy_get_shared_data",
    "env.proxy_get_status",
    "env.proxy_grpc_call",
    "env.proxy_grpc_cancel",
    "env.proxy_grpc_close",
    "env.proxy_grpc_send",
    "env.proxy_grpc_stream",
    "env.proxy_http_call",
    "env.proxy_log",
    "env.proxy_register_shared_queue",
    "env.proxy_remove_header_map_value",
    "env.proxy_replace_header_map_value",
    "env.proxy_resolve_shared_queue",
    "env.proxy_send_local_response",
    "env.proxy_set_buffer_bytes",
    "env.proxy_set_effective_context",
    "env.proxy_set_header_map_pairs",
    "env.proxy_set_property",
    "env.proxy_set_shared_data",
    "env.proxy_set_tick_period_milliseconds",
    "wasi_snapshot_preview1.clock_time_get",
    "wasi_snapshot_preview1.environ_get",
    "wasi_snapshot_preview1.environ_sizes_get",
    "wasi_snapshot_preview1.fd_write",
    "wasi_snapshot_preview1.proc_exit",
    "wasi_snapshot_preview1.random_get",
    "wasi_snapshot_preview1.sched_yield",
];

/// Host calls that a request may cost; the others are imports of the SDK that nothing calls.
const CALLS: [&str; 13] = [
    "proxy_call_foreign_function",
    "proxy_get_buffer_bytes",
    "proxy_get_current_time_nanoseconds",
    "proxy_get_header_map_value",
    "proxy_get_shared_data",
    "proxy_log",
    "proxy_remove_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_send_local_response",
    "proxy_set_buffer_bytes",
    "proxy_set_shared_data",
    "proxy_set_tick_period_milliseconds",
    "random_get",
];

const MATH: &str = r#"{"model":"auto","stream":true,"messages":[{"role":"user","content":"Solve the quadratic equation x^2 - 5x + 6 = 0 by factoring."}]}"#;
const ANSWER: &[u8] = b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"2\"}}]}\n\ndata: {\"choices\":[],\"usage\":{\"total_tokens\":40}}\n\ndata: [DONE]\n\n";

fn request(extra: &[(&str, &[u8])]) -> Map {
    let mut headers: Map = [(":method", "POST"), (":path", "/v1/chat/completions"), (":authority", "a")].into_iter().collect();
    for (name, value) in extra {
        headers.set(name.as_bytes(), value);
    }
    headers
}

fn stream_headers() -> Map {
    [(":status", "200"), ("content-type", "text/event-stream")].into_iter().collect()
}

/// Bytes of Marsaglia's xorshift.
struct Noise(u64);

impl Noise {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % limit
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most + 1)).map(|_| self.below(256) as u8).collect()
    }
}

/// A routed request still works, so the VM is sound.
fn is_sound(gateway: &mut Wasm) {
    let id = gateway.request(request(&[("x-tenant", b"sound")]), &[MATH.as_bytes().to_vec()], None);
    let Message { headers, .. } = gateway.seen(id).upstream.unwrap();
    assert_eq!(headers.text("x-pointsman-domain").as_deref(), Some("math"));
    gateway.answer(id, stream_headers(), &[ANSWER.to_vec()], None, true);
    gateway.close(id);
}

#[test]
fn the_module_imports_no_more_than_it_may_and_weighs_no_more() {
    let module = Module::built().unwrap_or_else(|message| panic!("{message}"));
    assert_eq!(module.imports(), IMPORTS);
    assert!(module.exports().contains(&"proxy_abi_version_0_2_1".to_owned()));
    assert!(module.size() <= 4 << 20, "the module has {} bytes", module.size());
}

#[test]
fn ten_thousand_streams_leave_no_trace() {
    let mut gateway = Wasm::new(POLICY);
    gateway.reset(1_764_071_400);
    let mut settled = 0;
    for round in 0..10_000 {
        let tenant = format!("tenant-{}", round % 3_000);
        let id = gateway.request(request(&[("x-tenant", tenant.as_bytes())]), &Chunking::Halves.cut(MATH.as_bytes()), None);
        // One in five is broken off, and one in five never answered.
        match round % 5 {
            0 => gateway.answer(id, stream_headers(), &[ANSWER[..70].to_vec()], None, false),
            1 => {}
            _ => gateway.answer(id, stream_headers(), &Chunking::Halves.cut(ANSWER), None, true),
        }
        gateway.close(id);
        if round == 1_000 {
            settled = gateway.host.memory();
        }
    }
    assert_eq!(gateway.host.memory(), settled, "linear memory grew after 1,000 streams");
    let (keys, bytes) = gateway.stored();
    assert!(keys <= 1_024 && bytes < 3 << 20, "shared data has {keys} keys and {bytes} bytes");
    let unknown: Vec<_> = gateway.host.counts().keys().filter(|name| !CALLS.contains(name)).collect();
    assert!(unknown.is_empty(), "calls that no request should make: {unknown:?}");
    is_sound(&mut gateway);
    println!("after 10,000 streams: {} KiB of linear memory, {keys} keys with {bytes} bytes", settled >> 10);
}

#[test]
fn noise_never_traps() {
    let mut gateway = Wasm::new(POLICY);
    let mut noise = Noise(0x5eed);
    let kinds = ["application/json", "text/event-stream", "application/x-ndjson", "application/vnd.amazon.eventstream"];
    let names = [
        ":path",
        "content-length",
        "content-encoding",
        "x-tenant",
        "content-type",
        "x-pointsman-model",
        "\u{ff}\u{1}",
        "upgrade",
    ];
    for round in 0..1_500 {
        let mut headers = request(&[]);
        for _ in 0..noise.below(3) {
            let name = names[noise.below(names.len())];
            headers.set(name.as_bytes(), &noise.bytes(40));
        }
        let body = match round % 3 {
            0 => noise.bytes(300),
            // A sound body with noise in it.
            _ => {
                let mut body = MATH.as_bytes().to_vec();
                let at = noise.below(body.len());
                body.splice(at..at, noise.bytes(4));
                body
            }
        };
        let id = gateway.request(headers, &Chunking::Random(round).cut(&body), None);
        if gateway.seen(id).answered.is_none() {
            let status = noise.below(700).to_string();
            let kind = kinds[noise.below(kinds.len())];
            let mut heads: Map = [(":status", status.as_str()), ("content-type", kind)].into_iter().collect();
            if round % 7 == 0 {
                heads.set(b":status", &noise.bytes(4));
            }
            let mut answer = ANSWER.to_vec();
            let at = noise.below(answer.len());
            answer.splice(at..at, noise.bytes(200));
            gateway.answer(id, heads, &Chunking::Random(round + 1).cut(&answer), None, round % 2 == 0);
        }
        gateway.close(id);
    }
    is_sound(&mut gateway);
}

#[test]
fn bodies_that_are_cut_off_never_trap() {
    for (_, scenario) in scenario::all() {
        let mut gateway = Wasm::new(&scenario.policy.to_string());
        gateway.reset(scenario.clock);
        for case in &scenario.exchanges {
            let Some(request) = &case.request else { continue };
            cut(&mut gateway, request, case.upstream.as_ref());
        }
    }
}

/// Cuts the request at every seventh byte, and then, with the request whole, the answer.
fn cut(gateway: &mut Wasm, request: &Request, upstream: Option<&Upstream>) {
    let body = request.bytes();
    for end in (0..body.len()).step_by(7) {
        let id = gateway.request(request.headers(), &Chunking::Halves.cut(&body[..end]), None);
        gateway.close(id);
    }
    let Some(upstream) = upstream else { return };
    let answer = upstream.pieces().concat();
    for end in (0..answer.len()).step_by(7) {
        let id = gateway.request(request.headers(), std::slice::from_ref(&body), None);
        if gateway.seen(id).answered.is_none() {
            gateway.answer(id, upstream.headers(), &Chunking::Halves.cut(&answer[..end]), None, end % 2 == 0);
        }
        gateway.close(id);
    }
}

#[test]
fn a_request_burns_so_much() {
    let mut gateway = Wasm::new(POLICY);
    println!("fuel, about one unit an instruction: {} to start and configure", gateway.host.fuel());
    for size in [100, 1_000, 10_000, 100_000, 1_000_000] {
        let words = "solve the equation by factoring ".repeat(size / 32 + 1);
        let body = format!(r#"{{"model":"auto","messages":[{{"role":"user","content":"{}"}}]}}"#, &words[..size]);
        let before = gateway.host.fuel();
        let id = gateway.request(request(&[("x-tenant", size.to_string().as_bytes())]), &[body.into_bytes()], None);
        let asked = gateway.host.fuel() - before;
        gateway.answer(id, stream_headers(), &Chunking::Halves.cut(ANSWER), None, true);
        gateway.close(id);
        println!("  {size:>9} bytes of prompt: {asked:>11}, its answer: {}", gateway.host.fuel() - before - asked);
        // Reading is linear and classifying bounded; a request that costs more than this has gone through its body several times.
        assert!(asked < 8_000_000 + 300 * size as u64, "{asked} for {size} bytes");
    }
}
