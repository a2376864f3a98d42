//! Pointsman's core: it routes LLM requests by the meaning of their prompts and holds tenants to token quotas.
pub mod json;
pub mod sse;
pub mod usage;
