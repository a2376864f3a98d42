//! Pointsman's core: it routes LLM requests by the meaning of their prompts and holds tenants to token quotas.
pub mod config;
pub mod dialect;
pub mod estimate;
pub mod frames;
pub mod json;
pub mod ledger;
pub mod meter;
pub mod policy;
pub mod prompt;
pub mod quota;
pub mod reply;
pub mod route;
pub mod splice;
pub mod sse;
pub mod step;
pub mod usage;
