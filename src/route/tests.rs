#![allow(clippy::unwrap_used)]
use super::*;

fn policy(threshold: &str) -> Policy {
    let document = format!(
        r#"{{"default": {{"model": "g"}}, {threshold}
        "domains": {{"math": {{"model": "m", "threshold": 0.8}}, "law": {{"model": "l"}}}}}}"#
    );
    crate::config::read(document.as_bytes(), &["math", "law", "other"].map(String::from)).unwrap()
}

#[test]
fn the_nearest_threshold_counts() {
    let (own, fitted) = (policy(r#""threshold": 0.6,"#), policy(""));
    let cases = [(&own, "math", 0.8), (&own, "law", 0.6), (&own, "other", 0.6), (&fitted, "math", 0.8), (&fitted, "law", 0.5)];
    for (policy, label, expected) in cases {
        assert_eq!(threshold(policy, label, 0.5), expected, "{label}");
    }
}

#[test]
fn a_domain_without_an_entry_is_known_and_goes_to_the_default() {
    let policy = policy("");
    let chosen = |sure| {
        let (target, reason) = choose(&policy, sure);
        (target.model.as_str(), reason)
    };
    assert_eq!(chosen(Some("law")), ("l", Reason::Classified));
    assert_eq!(chosen(Some("other")), ("g", Reason::Classified));
    assert_eq!(chosen(None), ("g", Reason::Unsure));
}
