//! What serde's types cannot say about a policy: names that exist, headers that can be sent, limits that can bind.

use crate::policy::{Policy, Target, TenantSource};
use crate::quota::Limit;
use core::fmt;

/// Why a policy is refused, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The place in the document, as `domains.math.model`; empty for the document itself.
    pub path: String,
    /// What was found and what was expected.
    pub message: String,
}

impl ConfigError {
    pub(super) fn at(path: impl Into<String>, message: impl Into<String>) -> Self {
        ConfigError { path: path.into(), message: message.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            write!(f, "the policy is refused: {}", self.message)
        } else {
            write!(f, "the policy is refused at `{}`: {}", self.path, self.message)
        }
    }
}

impl core::error::Error for ConfigError {}

type Checked = Result<(), ConfigError>;

/// 10^15 tokens: more than any provider sells, and far from where sums of such numbers overflow.
const MOST_TOKENS: u64 = 1_000_000_000_000_000;

/// 64 MiB: the body is copied into the module's memory, which a gateway multiplies by its workers and never gives back.
const MOST_BODY_BYTES: usize = 64 << 20;

/// Headers that carry the message itself; setting them to a constant breaks or smuggles requests.
const FRAMING: [&str; 8] =
    ["connection", "content-encoding", "content-length", "host", "te", "trailer", "transfer-encoding", "upgrade"];

pub(super) fn policy(mut policy: Policy, labels: &[String]) -> Result<Policy, ConfigError> {
    for (at, name) in policy.auto_models.iter().enumerate() {
        not_empty(&format!("auto_models[{at}]"), name)?;
    }
    threshold("threshold", policy.threshold)?;
    target("default", &mut policy.default)?;
    if policy.default.threshold.is_some() {
        return Err(ConfigError::at(
            "default.threshold",
            "the default has no domain to be sure of; expected a threshold at the top or in a domain",
        ));
    }
    for (label, rule) in &mut policy.domains {
        if !labels.contains(label) {
            let known = labels.join("`, `");
            return Err(ConfigError::at(
                format!("domains.{label}"),
                format!("the model knows no such domain, expected one of `{known}`"),
            ));
        }
        target(&format!("domains.{label}"), rule)?;
    }
    header_name("headers.domain", &mut policy.headers.domain)?;
    header_name("headers.model", &mut policy.headers.model)?;
    if policy.headers.domain == policy.headers.model {
        return Err(ConfigError::at("headers.model", "the same header as `headers.domain`, expected two different ones"));
    }
    for (path, _) in &policy.paths {
        if !path.starts_with('/') || path.contains(['?', '#']) {
            return Err(ConfigError::at(format!("paths.{path}"), "expected a path that starts with `/` and has no query"));
        }
    }
    if policy.max_body_bytes == 0 || policy.max_body_bytes > MOST_BODY_BYTES {
        let found = policy.max_body_bytes;
        return Err(ConfigError::at("max_body_bytes", format!("found {found}, expected 1 to {MOST_BODY_BYTES} bytes")));
    }
    tenants(&mut policy)?;
    quotas(&policy)?;
    Ok(policy)
}

fn not_empty(path: &str, text: &str) -> Checked {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err(ConfigError::at(path, format!("found {text:?}, expected a name without control characters")));
    }
    Ok(())
}

fn threshold(path: &str, value: Option<f32>) -> Checked {
    match value {
        Some(value) if !(0.0..=1.0).contains(&value) => {
            Err(ConfigError::at(path, format!("found {value}, expected a number from 0 to 1")))
        }
        _ => Ok(()),
    }
}

fn target(path: &str, target: &mut Target) -> Checked {
    not_empty(&format!("{path}.model"), &target.model)?;
    header_value(&format!("{path}.model"), &target.model)?;
    threshold(&format!("{path}.threshold"), target.threshold)?;
    for (name, value) in &mut target.headers {
        let path = format!("{path}.headers.{name}");
        header_name(&path, name)?;
        header_value(&path, value)?;
    }
    Ok(())
}

/// Checks a header's name and makes it lower case, as HTTP/2 sends it.
fn header_name(path: &str, name: &mut String) -> Checked {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(ConfigError::at(path, format!("found {name:?}, expected the name of a header")));
    }
    name.make_ascii_lowercase();
    if FRAMING.contains(&name.as_str()) {
        return Err(ConfigError::at(path, format!("`{name}` frames the message, expected another header")));
    }
    Ok(())
}

fn header_value(path: &str, value: &str) -> Checked {
    if value.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Ok(());
    }
    Err(ConfigError::at(path, format!("found {value:?}, expected printable ASCII, since it is sent as a header")))
}

fn tenants(policy: &mut Policy) -> Checked {
    let routing: Vec<String> = policy.routing_headers().into_iter().map(String::from).collect();
    for (at, source) in policy.tenants.sources.iter_mut().enumerate() {
        let TenantSource::Header(name) = source;
        let path = format!("tenants.from[{at}].header");
        header_name(&path, name)?;
        if routing.contains(name) {
            return Err(ConfigError::at(
                path,
                format!("`{name}` is a routing header, which is removed from requests; expected another one"),
            ));
        }
    }
    if policy.tenants.sources.is_empty() && policy.quotas.as_ref().is_some_and(|quotas| !quotas.tenants.is_empty()) {
        return Err(ConfigError::at(
            "tenants.from",
            "`quotas.tenants` lists tenants, but nothing says where a request names its tenant; expected [{\"header\": \"…\"}]",
        ));
    }
    Ok(())
}

fn quotas(policy: &Policy) -> Checked {
    let Some(quotas) = &policy.quotas else {
        return Ok(());
    };
    limits("quotas.default", &quotas.default)?;
    for (tenant, list) in &quotas.tenants {
        not_empty("quotas.tenants", tenant)?;
        limits(&format!("quotas.tenants.{tenant}"), list)?;
    }
    if quotas.expected_output_tokens > MOST_TOKENS {
        let found = quotas.expected_output_tokens;
        return Err(ConfigError::at("quotas.expected_output_tokens", format!("found {found}, expected at most {MOST_TOKENS}")));
    }
    Ok(())
}

fn limits(path: &str, list: &[Limit]) -> Checked {
    for (at, limit) in list.iter().enumerate() {
        if limit.tokens > MOST_TOKENS {
            return Err(ConfigError::at(
                format!("{path}[{at}].tokens"),
                format!("found {}, expected at most {MOST_TOKENS}", limit.tokens),
            ));
        }
        let earlier = list.get(..at).unwrap_or_default();
        if earlier.iter().any(|other| other.per == limit.per) {
            let per = limit.per.name();
            return Err(ConfigError::at(
                format!("{path}[{at}].per"),
                format!("a second limit per {per}, expected one, since only the smaller could bind"),
            ));
        }
    }
    Ok(())
}
