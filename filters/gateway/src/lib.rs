//! The proxy-wasm filter: it gathers a request, asks the core what to do, and does it.
//!
//! Nothing is decided here. `host` makes the host calls, `ledger` keeps the accounts in shared data, `stream` carries one request.

// What does not make host calls is built and tested natively too.
#[cfg(any(test, target_family = "wasm"))]
#[cfg_attr(not(target_family = "wasm"), allow(dead_code))]
mod held;
#[cfg(target_family = "wasm")]
mod host;
#[cfg(target_family = "wasm")]
mod ledger;
#[cfg(target_family = "wasm")]
mod root;
#[cfg(target_family = "wasm")]
mod stream;
