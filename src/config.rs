//! The policy document: its serde schema, and the way from a document to a [`Policy`] or to an error that names the place.
//!
//! Unknown members are refused, since a typo that is ignored is a rule that silently does not apply. Wire types never leave this file.

mod check;

use crate::dialect::Dialect;
use crate::policy::{HeaderNames, Policy, Quotas, Target, TenantSource, Tenants, Unidentified, Unreadable};
use crate::quota::{Limit, Per};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use std::collections::BTreeMap;

pub use check::ConfigError;

/// Reads a policy document.
///
/// `labels` are the domains that the model knows. The error names the path in the document, what was found there and what was expected.
pub fn read(document: &[u8], labels: &[String]) -> Result<Policy, ConfigError> {
    if document.iter().all(u8::is_ascii_whitespace) {
        return Err(ConfigError::at(
            "",
            "no policy was given; expected a JSON object with at least `default`, as {\"default\": {\"model\": \"…\"}}",
        ));
    }
    let json = &mut serde_json::Deserializer::from_slice(document);
    let wire: WirePolicy = serde_path_to_error::deserialize(&mut *json).map_err(|error| {
        let path = error.path().to_string();
        let hint = if error.inner().is_syntax() && !looks_like_json(document) { "; the policy is JSON, not YAML" } else { "" };
        ConfigError::at(if path == "." { "" } else { &path }, format!("{}{hint}", error.inner()))
    })?;
    json.end().map_err(|error| ConfigError::at("", error.to_string()))?;
    check::policy(wire.into(), labels)
}

fn looks_like_json(document: &[u8]) -> bool {
    document.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WirePolicy {
    #[serde(default = "auto_models")]
    auto_models: Vec<String>,
    default: WireTarget,
    threshold: Option<f32>,
    #[serde(default)]
    domains: Entries<WireTarget>,
    #[serde(default)]
    headers: WireHeaders,
    #[serde(default)]
    explain: bool,
    #[serde(default)]
    paths: Entries<WireDialect>,
    #[serde(default)]
    unreadable: WireUnreadable,
    #[serde(default = "max_body_bytes")]
    max_body_bytes: usize,
    #[serde(default)]
    tenants: WireTenants,
    quotas: Option<WireQuotas>,
}

fn auto_models() -> Vec<String> {
    vec!["auto".into()]
}

/// 8 MiB: a long conversation with a few images; the reader's copy of it is the filter's largest allocation.
fn max_body_bytes() -> usize {
    8 << 20
}

/// As many output tokens as a chat answer has at the median, roughly; a policy with longer answers says so.
fn expected_output_tokens() -> u64 {
    256
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireTarget {
    model: String,
    #[serde(default)]
    headers: Entries<String>,
    threshold: Option<f32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WireHeaders {
    domain: String,
    model: String,
}

impl Default for WireHeaders {
    fn default() -> Self {
        WireHeaders { domain: "x-pointsman-domain".into(), model: "x-pointsman-model".into() }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireDialect {
    OpenaiChat,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum WireUnreadable {
    #[default]
    Refuse,
    Pass,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct WireTenants {
    from: Vec<WireSource>,
    unidentified: WireUnidentified,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireSource {
    Header(String),
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "snake_case")]
enum WireUnidentified {
    Refuse,
    #[default]
    Shared,
    Free,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireQuotas {
    #[serde(default)]
    default: Vec<WireLimit>,
    #[serde(default)]
    tenants: Entries<Vec<WireLimit>>,
    #[serde(default = "expected_output_tokens")]
    expected_output_tokens: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireLimit {
    tokens: u64,
    per: WirePer,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum WirePer {
    Second,
    Minute,
    Hour,
    Day,
    Month,
}

/// An object whose keys are names of the user's own. A name that stands twice is refused: JSON readers keep the last silently.
struct Entries<T>(BTreeMap<String, T>);

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Entries(BTreeMap::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Unique<T>(core::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Unique<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, T>()? {
                    if entries.contains_key(&name) {
                        return Err(A::Error::custom(format_args!("`{name}` stands twice, expected it once")));
                    }
                    entries.insert(name, value);
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(Unique(core::marker::PhantomData))
    }
}

impl<T> Entries<T> {
    fn map<U>(self, mut each: impl FnMut(T) -> U) -> BTreeMap<String, U> {
        self.0.into_iter().map(|(name, value)| (name, each(value))).collect()
    }
}

impl From<WirePolicy> for Policy {
    fn from(wire: WirePolicy) -> Self {
        Policy {
            auto_models: wire.auto_models,
            default: wire.default.into(),
            threshold: wire.threshold,
            domains: wire.domains.map(Target::from),
            headers: HeaderNames { domain: wire.headers.domain, model: wire.headers.model },
            explain: wire.explain,
            paths: wire.paths.map(|WireDialect::OpenaiChat| Dialect::OpenAiChat).into_iter().collect(),
            unreadable: match wire.unreadable {
                WireUnreadable::Refuse => Unreadable::Refuse,
                WireUnreadable::Pass => Unreadable::Pass,
            },
            max_body_bytes: wire.max_body_bytes,
            tenants: wire.tenants.into(),
            quotas: wire.quotas.map(Quotas::from),
        }
    }
}

impl From<WireTarget> for Target {
    fn from(wire: WireTarget) -> Self {
        Target { model: wire.model, headers: wire.headers.0.into_iter().collect(), threshold: wire.threshold }
    }
}

impl From<WireTenants> for Tenants {
    fn from(wire: WireTenants) -> Self {
        Tenants {
            sources: wire.from.into_iter().map(|WireSource::Header(name)| TenantSource::Header(name)).collect(),
            unidentified: match wire.unidentified {
                WireUnidentified::Refuse => Unidentified::Refuse,
                WireUnidentified::Shared => Unidentified::Shared,
                WireUnidentified::Free => Unidentified::Free,
            },
        }
    }
}

impl From<WireQuotas> for Quotas {
    fn from(wire: WireQuotas) -> Self {
        let limits = |list: Vec<WireLimit>| list.into_iter().map(Limit::from).collect();
        Quotas {
            default: limits(wire.default),
            tenants: wire.tenants.map(limits),
            expected_output_tokens: wire.expected_output_tokens,
        }
    }
}

impl From<WireLimit> for Limit {
    fn from(wire: WireLimit) -> Self {
        let per = match wire.per {
            WirePer::Second => Per::Second,
            WirePer::Minute => Per::Minute,
            WirePer::Hour => Per::Hour,
            WirePer::Day => Per::Day,
            WirePer::Month => Per::Month,
        };
        Limit { tokens: wire.tokens, per }
    }
}

#[cfg(test)]
#[path = "config/tests.rs"]
mod tests;
