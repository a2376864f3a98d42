//! Pointsman's core: it routes LLM requests by the meaning of their prompts and holds tenants to token quotas.
//!
//! It is pure and knows no gateway, no clock, no file and no thread: time, weights and configuration arrive as arguments. A request goes
//! through it as an [`exchange::Exchange`], which takes events and returns [`step::Step`]s:
//!
//! ```text
//! dialect  a body → its model, turns, caps          json, splice   spans of a body, and edits of them
//! prompt   the turns → the text to classify         sse, frames    a stream → events
//! tokens, model, domain   text → features → scores → a decision
//! route    a decision and the policy → a target     config, policy the document, the rules
//! quota, ledger   windows; accounts in a store      meter, usage   a response → what it cost
//! ```
//!
//! Arrows point down: the exchange calls the stages, and stages do not call each other. ARCHITECTURE.md has the whole map and its invariants.

pub mod config;
pub mod dialect;
pub mod domain;
pub mod estimate;
pub mod exchange;
pub mod frames;
pub mod json;
pub mod ledger;
pub mod meter;
pub mod model;
pub mod policy;
pub mod prompt;
pub mod quota;
pub mod reply;
pub mod route;
pub mod splice;
pub mod sse;
pub mod step;
pub mod tokens;
pub mod usage;
