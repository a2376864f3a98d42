#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

fn labels() -> Vec<String> {
    ["math", "law", "other"].map(String::from).to_vec()
}

fn refusal(document: &str) -> String {
    match read(document.as_bytes(), &labels()) {
        Ok(policy) => panic!("accepted as {policy:?}: {document}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_smallest_policy_has_the_documented_defaults() {
    let policy = read(br#"{"default": {"model": "m"}}"#, &labels()).unwrap();
    assert_eq!(policy.auto_models, ["auto"]);
    assert_eq!(policy.headers.domain, "x-pointsman-domain");
    assert_eq!(policy.headers.model, "x-pointsman-model");
    assert_eq!(policy.unreadable, Unreadable::Refuse);
    assert_eq!(policy.tenants.unidentified, Unidentified::Shared);
    assert_eq!(policy.max_body_bytes, 8 << 20);
    assert_eq!(policy.quotas, None);
    assert!(!policy.explain);
}

#[test]
fn a_whole_policy_is_taken() {
    let policy = read(
        br#"{"auto_models": ["auto", "best"], "default": {"model": "g", "headers": {"X-Pool": "general"}}, "threshold": 0.4,
             "domains": {"math": {"model": "m", "threshold": 0.7}}, "explain": true, "paths": {"/x": "openai_chat"}, "unreadable": "pass",
             "tenants": {"from": [{"header": "X-Tenant"}], "unidentified": "free"},
             "quotas": {"default": [{"tokens": 9, "per": "minute"}, {"tokens": 90, "per": "month"}], "tenants": {"a": []}}}"#,
        &labels(),
    )
    .unwrap();
    assert_eq!(policy.routing_headers(), ["x-pointsman-domain", "x-pointsman-model", "x-pool"]);
    assert_eq!(policy.tenants.sources, [TenantSource::Header("x-tenant".into())]);
    assert_eq!(policy.dialect("/x?y=1"), Some(Dialect::OpenAiChat));
    assert_eq!(policy.limits(Some("a")), []);
    assert_eq!(policy.limits(Some("b")).len(), 2);
    assert_eq!(policy.limits(None), []);
}

/// Each: a document, and words that the error must hold: the path, what was found or what was expected.
const REFUSED: &[(&str, &[&str])] = &[
    ("", &["no policy", "`default`"]),
    ("default:\n  model: m\n", &["not YAML", "line 1"]),
    ("{\"default\": {\"model\": \"m\"}", &["EOF"]),
    ("{\"default\": {\"model\": \"m\"}} x", &["trailing"]),
    ("[]", &["expected"]),
    (r#"{}"#, &["`default`"]),
    (r#"{"default": {"model": "m"}, "domain": {}}"#, &["domain", "unknown field", "`domains`"]),
    (r#"{"default": {"modle": "m"}}"#, &["default", "modle", "expected", "`model`"]),
    (r#"{"default": {"model": 5}}"#, &["`default.model`", "integer `5`", "expected a string"]),
    (r#"{"default": {"model": ""}}"#, &["`default.model`"]),
    (r#"{"default": {"model": "m", "threshold": 0.5}}"#, &["`default.threshold`"]),
    (r#"{"default": {"model": "m"}, "threshold": 2}"#, &["`threshold`", "found 2", "0 to 1"]),
    (r#"{"default": {"model": "m"}, "domains": {"maths": {"model": "x"}}}"#, &["`domains.maths`", "`math`"]),
    (r#"{"default": {"model": "m"}, "domains": {"math": {"model": "x"}, "math": {"model": "y"}}}"#, &["`math` stands twice"]),
    (
        r#"{"default": {"model": "m"}, "domains": {"math": {"model": "x", "headers": {"a b": "c"}}}}"#,
        &["`domains.math.headers.a b`"],
    ),
    (r#"{"default": {"model": "m", "headers": {"host": "c"}}}"#, &["`default.headers.host`", "frames"]),
    (r#"{"default": {"model": "m", "headers": {"x": "a\nb"}}}"#, &["`default.headers.x`", "printable ASCII"]),
    (r#"{"default": {"model": "m"}, "headers": {"domain": "x", "model": "X"}}"#, &["`headers.model`", "two different"]),
    (r#"{"default": {"model": "m"}, "paths": {"x": "openai_chat"}}"#, &["`paths.x`"]),
    (r#"{"default": {"model": "m"}, "paths": {"/x": "openai"}}"#, &["`paths./x`", "unknown variant", "openai_chat"]),
    (r#"{"default": {"model": "m"}, "max_body_bytes": 0}"#, &["`max_body_bytes`", "found 0"]),
    (r#"{"default": {"model": "m"}, "unreadable": "ignore"}"#, &["`unreadable`", "`refuse`"]),
    (r#"{"default": {"model": "m"}, "tenants": {"from": [{"cookie": "x"}]}}"#, &["`tenants.from[0]", "cookie", "header"]),
    (r#"{"default": {"model": "m"}, "tenants": {"from": [{"header": "x-pointsman-model"}]}}"#, &["`tenants.from[0].header`"]),
    (r#"{"default": {"model": "m"}, "quotas": {"tenants": {"a": [{"tokens": 1, "per": "hour"}]}}}"#, &["`tenants.from`"]),
    (
        r#"{"default": {"model": "m"}, "quotas": {"default": [{"tokens": -1, "per": "hour"}]}}"#,
        &["`quotas.default[0].tokens`", "-1"],
    ),
    (
        r#"{"default": {"model": "m"}, "quotas": {"default": [{"tokens": 9223372036854775808, "per": "hour"}]}}"#,
        &["`quotas.default[0].tokens`"],
    ),
    (
        r#"{"default": {"model": "m"}, "quotas": {"default": [{"tokens": 1, "per": "week"}]}}"#,
        &["`quotas.default[0].per`", "week", "`month`"],
    ),
    (
        r#"{"default": {"model": "m"}, "quotas": {"default": [{"tokens": 1, "per": "hour"}, {"tokens": 2, "per": "hour"}]}}"#,
        &["`quotas.default[1].per`", "second limit"],
    ),
];

#[test]
fn a_bad_policy_names_the_place_and_what_was_expected() {
    for (document, words) in REFUSED {
        let message = refusal(document);
        for word in *words {
            assert!(message.contains(word), "{word:?} is missing in {message:?} for {document}");
        }
    }
}

#[test]
fn every_prefix_of_a_policy_is_an_error_and_never_a_panic() {
    let whole = r#"{"default": {"model": "m", "headers": {"x": "y"}}, "quotas": {"default": [{"tokens": 9, "per": "minute"}]}}"#;
    for end in 0..whole.len() {
        assert!(read(&whole.as_bytes()[..end], &labels()).is_err());
    }
}
