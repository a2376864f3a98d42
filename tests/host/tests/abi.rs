//! The host itself, seen through a filter of a few lines (`guest.wat`): what each gateway answers and does.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use pointsman_test_host::{Host, Map, Module, Profile, Way, Zone};

const BAD_ARGUMENT: u8 = 2;

fn host(profile: Profile) -> Host {
    let bytes = wat::parse_str(include_str!("guest.wat")).unwrap();
    Host::start(&Module::new(&bytes).unwrap(), profile, Some(Zone::default()), 0).unwrap()
}

/// So many headers.
fn headers(count: usize) -> Map {
    (0..count).map(|at| (format!("h{at}"), "")).collect()
}

fn told(host: &Host, name: &str) -> u8 {
    host.property(&[name]).unwrap()[0]
}

fn upstream(host: &Host, stream: u32) -> (Option<String>, Vec<u8>, bool) {
    let sent = host.stream(stream).unwrap().upstream();
    (sent.headers.as_ref().map(|headers| headers.text("x-late").unwrap_or_default()), sent.body(), sent.ended)
}

#[test]
fn envoy_with_the_flag_shows_a_held_body_grow_and_lets_headers_change() {
    let mut host = host(Profile::EnvoyWithFlag);
    let stream = host.request(headers(4), false).unwrap();
    for (chunk, size) in [("abc", 3), ("de", 5)] {
        host.body(stream, Way::Request, chunk.as_bytes(), false).unwrap();
        assert_eq!((told(&host, "sizes"), told(&host, "late-header")), (size, 0));
        assert_eq!(upstream(&host, stream), (None, Vec::new(), false));
    }
    host.body(stream, Way::Request, b"", true).unwrap();
    // Five bytes are there: Envoy refuses to replace three of them.
    assert_eq!((told(&host, "read"), told(&host, "written")), (5, BAD_ARGUMENT));
    assert_eq!(upstream(&host, stream), (Some("1".into()), b"abcde".to_vec(), true));
}

#[test]
fn envoy_refuses_header_calls_once_headers_went_on() {
    let mut host = host(Profile::EnvoyWithFlag);
    let stream = host.request(headers(3), false).unwrap();
    assert_eq!(upstream(&host, stream), (Some(String::new()), Vec::new(), false));
    host.body(stream, Way::Request, b"ab", true).unwrap();
    // Two bytes are there, so that three replace all of them.
    assert_eq!((told(&host, "late-header"), told(&host, "written")), (BAD_ARGUMENT, 0));
    assert_eq!(upstream(&host, stream), (Some(String::new()), b"hello, world".to_vec(), true));
}

#[test]
fn envoy_without_the_flag_shows_no_body_while_headers_are_held() {
    let mut host = host(Profile::EnvoyWithoutFlag);
    let stream = host.request(headers(4), false).unwrap();
    host.body(stream, Way::Request, b"abc", true).unwrap();
    assert_eq!((host.property(&["sizes"]), upstream(&host, stream)), (None, (None, Vec::new(), false)));
}

#[test]
fn nginx_shows_the_body_whole_and_writes_as_much_of_it_as_is_named() {
    let mut host = host(Profile::Nginx);
    let mut request = headers(2);
    request.add(b"content-length", b"5");
    let stream = host.request(request, false).unwrap();
    host.body(stream, Way::Request, b"abc", false).unwrap();
    assert_eq!((host.property(&["sizes"]), upstream(&host, stream)), (None, (None, Vec::new(), false)));
    host.body(stream, Way::Request, b"de", true).unwrap();
    assert_eq!((told(&host, "sizes"), told(&host, "late-header"), told(&host, "written")), (5, 0, 0));
    assert_eq!(upstream(&host, stream), (Some("1".into()), b"hel".to_vec(), true));
    let sent = host.stream(stream).unwrap().upstream().headers.clone().unwrap();
    assert_eq!(sent.text("content-length").as_deref(), Some("3"), "nginx corrects it by itself");
}

#[test]
fn nginx_reads_nothing_of_a_body_that_it_spooled() {
    let mut host = host(Profile::Nginx);
    let stream = host.request(headers(3), false).unwrap();
    host.body(stream, Way::Request, &[b'x'; 20 << 10], true).unwrap();
    assert_eq!(told(&host, "read"), 0);
}

#[test]
fn nginx_does_not_say_that_no_body_follows_and_the_others_do() {
    for (profile, said) in [(Profile::EnvoyWithFlag, 1), (Profile::EnvoyWithoutFlag, 1), (Profile::Nginx, 0)] {
        let mut host = host(profile);
        let stream = host.request(headers(3), true).unwrap();
        assert_eq!((told(&host, "end-in-headers"), upstream(&host, stream).2), (said, true), "{profile:?}");
    }
}

#[test]
fn a_grpc_call_ends_the_vm_on_nginx_only() {
    assert!(host(Profile::EnvoyWithFlag).request(headers(5), true).is_ok());
    assert!(host(Profile::Apisix).request(headers(5), true).is_ok());
    let mut nginx = host(Profile::Nginx);
    assert!(nginx.request(headers(5), true).unwrap_err().message.contains("proxy_grpc_call"));
    assert!(nginx.request(headers(3), true).is_err(), "a dead VM stays dead");
}

#[test]
fn apisix_writes_no_body() {
    const UNIMPLEMENTED: u8 = 12;
    let mut host = host(Profile::Apisix);
    let stream = host.request(headers(3), false).unwrap();
    host.body(stream, Way::Request, b"ab", true).unwrap();
    assert_eq!(told(&host, "written"), UNIMPLEMENTED);
    assert_eq!(upstream(&host, stream).1, b"ab");
}

#[test]
fn google_gives_little_memory() {
    let big = wat::parse_str(r#"(module (memory (export "memory") 257))"#).unwrap();
    let module = Module::new(&big).unwrap();
    assert!(Host::start(&module, Profile::Google, None, 0).is_err(), "257 pages are more than 16 MiB");
    assert!(Host::start(&module, Profile::EnvoyWithFlag, None, 0).is_ok());
}

#[test]
fn google_gives_little_time() {
    let spins = wat::parse_str(
        r#"(module (memory (export "memory") 1) (func (export "proxy_on_vm_start") (param i32 i32) (result i32)
        (loop (br 0)) (i32.const 1)))"#,
    );
    let module = Module::new(&spins.unwrap()).unwrap();
    let fault = Host::start(&module, Profile::Google, None, 0).err().unwrap();
    assert!(fault.callback == "proxy_on_vm_start" && fault.message.contains("fuel"), "{fault}");
}
