//! What the suites of this crate share: scenarios as they are written, and the two ways to run them.

#![allow(dead_code, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

pub mod check;
pub mod chunking;
pub mod native;
pub mod scenario;
pub mod wasm;

use pointsman_test_host::Map;

/// A request or a response as one side got it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    pub headers: Map,
    pub body: Vec<u8>,
    pub trailers: Option<Map>,
    pub ended: bool,
}

/// What both sides got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    pub upstream: Option<Message>,
    pub client: Option<Message>,
    /// The gateway answered itself, with this word for its log.
    pub answered: Option<String>,
}

/// Something that requests go through.
pub trait Gateway {
    /// Forgets all accounts, and sets the time to so many seconds since 1970.
    fn reset(&mut self, now: u64);
    /// Moves time on.
    fn advance(&mut self, seconds: u64);
    /// Sends a request, its body in these chunks; the number is the exchange's.
    fn request(&mut self, headers: Map, chunks: &[Vec<u8>], trailers: Option<Map>) -> usize;
    /// What there is to see of an exchange that is not over.
    fn seen(&mut self, exchange: usize) -> Seen;
    /// Answers, the body in these chunks; `whole` is false when the upstream breaks off behind the last.
    fn answer(&mut self, exchange: usize, headers: Map, chunks: &[Vec<u8>], trailers: Option<Map>, whole: bool);
    /// Everything is over.
    fn close(&mut self, exchange: usize) -> Seen;
}
