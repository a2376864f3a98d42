//! A proxy-wasm host for tests: it loads a module and behaves to it as the gateways do.
//!
//! It knows the ABI 0.2.1, WASI as far as such modules use it, and what each gateway makes of both ([`Profile`]). It knows neither Pointsman's
//! core nor HTTP on the wire: headers, chunks and trailers go in, and what the gateway would have sent on, either way, comes out. Time stands
//! still until a test moves it. A trap is a value ([`Fault`]), after which the VM is dead, as in a gateway.
//!
//! ```text
//! module   bytes → a compiled module, once a process       map      headers, and their form in the ABI
//! host     a VM: started, configured, ticked               stream   what a gateway knows of one request
//! drive    a request and its response, event by event      abi      every host call; guest, its way into the VM's memory
//! profile  what differs between gateways                   state    what host calls read and change
//! ```

#![allow(clippy::disallowed_methods)]

mod abi;
mod drive;
mod guest;
mod host;
mod map;
mod module;
mod profile;
mod state;
mod stream;
mod wasi;

pub use host::{Fault, Host};
pub use map::Map;
pub use module::Module;
pub use profile::Profile;
pub use state::{SharedData, Zone};
pub use stream::{Sent, Stream, Way};
