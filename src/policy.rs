//! The validated, immutable policy: what to do with each request. It knows no serde; [`crate::config`] makes it from a document.

use crate::dialect::Dialect;
use crate::quota::Limit;
use std::collections::BTreeMap;

/// What the platform team decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Values of the request's `model` that mean: choose for me.
    pub auto_models: Vec<String>,
    /// Where a request goes whose domain is unsure or has no entry of its own.
    pub default: Target,
    /// Confidence from which a domain counts as known, 0 to 1; None leaves it to the model's own, which was fitted on validation data.
    pub threshold: Option<f32>,
    /// Where a request of a domain goes, by the model's label.
    pub domains: BTreeMap<String, Target>,
    /// Names of the routing headers.
    pub headers: HeaderNames,
    /// Whether responses carry headers that explain the decision.
    pub explain: bool,
    /// Whole paths that speak an API, besides the paths that everybody knows.
    pub paths: Vec<(String, Dialect)>,
    /// What happens to a body that cannot be read as the API's request.
    pub unreadable: Unreadable,
    /// The longest body that is read, in bytes.
    pub max_body_bytes: usize,
    /// How a tenant is identified.
    pub tenants: Tenants,
    /// Token quotas; None counts nothing.
    pub quotas: Option<Quotas>,
}

/// A model and what goes with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The name that the upstream knows.
    pub model: String,
    /// Headers to set on the request.
    pub headers: Vec<(String, String)>,
    /// This domain's own threshold, 0 to 1.
    pub threshold: Option<f32>,
}

/// Names of the headers that routes match on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderNames {
    /// Carries the domain's label.
    pub domain: String,
    /// Carries the model's name.
    pub model: String,
}

/// What happens to a body that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// The client gets an error in its API's own form.
    Refuse,
    /// The request goes on as it came, to whatever the gateway's routes say; its tenant is charged all the same.
    Pass,
}

/// How a tenant is identified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenants {
    /// Tried in order; the first that is present and not empty names the tenant.
    pub sources: Vec<TenantSource>,
    /// What a request gets that none of them names.
    pub unidentified: Unidentified,
}

/// Where a tenant's name stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TenantSource {
    /// In a request header, whose name is lower case.
    Header(String),
}

/// What a request without a tenant gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unidentified {
    /// An error.
    Refuse,
    /// The default quota, one for all of them together.
    Shared,
    /// No limit.
    Free,
}

/// Limits per tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Limits of every tenant that is not listed; each has its own count.
    pub default: Vec<Limit>,
    /// Limits of listed tenants, in place of the default.
    pub tenants: BTreeMap<String, Vec<Limit>>,
    /// Output tokens reserved for a request that names no maximum.
    pub expected_output_tokens: u64,
}

impl Policy {
    /// Every header that routes may match on, which a client must not be able to forge: the two routing headers and all that targets set.
    pub fn routing_headers(&self) -> Vec<&str> {
        let targets = self.domains.values().chain([&self.default]);
        let mut names: Vec<&str> = targets.flat_map(|target| target.headers.iter().map(|(name, _)| name.as_str())).collect();
        names.extend([self.headers.domain.as_str(), self.headers.model.as_str()]);
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The dialect spoken at `path`, which may have a query.
    pub fn dialect(&self, path: &str) -> Option<Dialect> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let extra = self.paths.iter().find(|(own, _)| own == path).map(|(_, dialect)| *dialect);
        extra.or_else(|| Dialect::of_path(path))
    }

    /// Whether a request for `model` leaves the choice to the policy.
    pub fn is_auto(&self, model: &str) -> bool {
        self.auto_models.iter().any(|auto| auto == model)
    }

    /// The limits of a tenant; None is a request that no tenant source named.
    pub fn limits(&self, tenant: Option<&str>) -> &[Limit] {
        let Some(quotas) = &self.quotas else {
            return &[];
        };
        match tenant {
            Some(name) => quotas.tenants.get(name).unwrap_or(&quotas.default),
            None if self.tenants.unidentified == Unidentified::Shared => &quotas.default,
            None => &[],
        }
    }

    /// Whether the policy lists the tenant by name.
    pub fn lists(&self, tenant: &str) -> bool {
        self.quotas.as_ref().is_some_and(|quotas| quotas.tenants.contains_key(tenant))
    }
}
