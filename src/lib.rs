//! Pointsman's core: it routes LLM requests by the meaning of their prompts and holds tenants to token quotas.
pub mod config;
pub mod dialect;
pub mod domain;
pub mod estimate;
pub mod json;
pub mod ledger;
pub mod model;
pub mod policy;
pub mod prompt;
pub mod quota;
pub mod splice;
pub mod sse;
pub mod tokens;
pub mod usage;
