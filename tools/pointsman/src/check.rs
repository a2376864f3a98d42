//! `pointsman check`: reads a policy as the module would, and says what a platform team should know about it.

use pointsman::policy::{Policy, TenantSource, Unidentified};
use std::io::Write;

/// Checks one policy document and writes what was found; an error is why it is refused.
pub fn run(document: &[u8], labels: &[String], out: &mut impl Write) -> Result<(), Box<dyn std::error::Error>> {
    let policy = pointsman::config::read(document, labels)?;
    writeln!(
        out,
        "ok: {} of {} domains have a model of their own, the others go to '{}'",
        policy.domains.len(),
        labels.len(),
        policy.default.model
    )?;
    for note in notes(&policy, labels) {
        writeln!(out, "note: {note}")?;
    }
    Ok(())
}

fn notes(policy: &Policy, labels: &[String]) -> Vec<String> {
    let mut notes = Vec::new();
    let unnamed: Vec<&str> = labels.iter().filter(|label| !policy.domains.contains_key(*label)).map(String::as_str).collect();
    if !unnamed.is_empty() {
        notes.push(format!("no entry in `domains` for: {}", unnamed.join(", ")));
    }
    if policy.quotas.is_some() {
        for (at, TenantSource::Header(name)) in policy.tenants.sources.iter().enumerate() {
            notes.push(format!(
                "`tenants.from[{at}]`: a client can send the header `{name}` itself, and so spend another tenant's quota or invent tenants; \
                 have the gateway set it from what it has verified, and remove it from what comes in"
            ));
        }
        if policy.tenants.sources.is_empty() && policy.tenants.unidentified == Unidentified::Shared {
            notes.push("`tenants.from` is empty: all clients share one count".into());
        }
        if policy.tenants.unidentified == Unidentified::Free {
            notes.push("`tenants.unidentified` is \"free\": a client that names no tenant is not limited".into());
        }
    }
    if policy.auto_models.is_empty() {
        notes.push("`auto_models` is empty: only requests without a model are routed".into());
    }
    notes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn output(document: &str) -> String {
        let mut out = Vec::new();
        run(document.as_bytes(), &["law".into(), "math".into()], &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_header_that_clients_can_forge_is_named() {
        let text = output(
            r#"{"default": {"model": "g"}, "domains": {"law": {"model": "l"}}, "tenants": {"from": [{"header": "x-team"}]}, "quotas": {}}"#,
        );
        assert!(text.contains("`x-team`"), "{text}");
        assert!(text.contains("for: math"), "{text}");
        assert!(text.starts_with("ok: 1 of 2"), "{text}");
    }

    #[test]
    fn without_quotas_nothing_is_said_of_tenants() {
        assert!(!output(r#"{"default": {"model": "g"}}"#).contains("tenants"));
    }
}
