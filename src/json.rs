//! Reading JSON without building a tree of it.
//!
//! Two readers share one grammar (RFC 8259). [`pull`] walks a request that is wholly in memory and hands out byte spans, so that a field
//! can be spliced. [`push`] takes a response in whatever pieces it arrives and remembers only the path it is on. Neither recurses into a
//! value, copies what nobody asked for, or knows any API.

mod error;
pub mod pull;
pub mod push;
mod raw;
mod run;
mod text;

pub use error::{JsonError, Kind};
pub use pull::Scanner;
pub use push::{Event, Push, Sink};
pub use raw::RawStr;
pub use text::{push_quoted, unescape_into, whole};

/// Values nested deeper than this are refused. Servers in use stop at 128 (serde_json) to about 1,000 (Python), so nothing that an
/// upstream would answer is lost.
pub const MAX_DEPTH: usize = 512;
