//! A VM in a gateway: it is started, configured, ticked, and called into.

use crate::module::Module;
use crate::profile::Profile;
use crate::state::{State, Zone};
use crate::{abi, wasi};
use core::fmt;
use std::collections::BTreeMap;
use wasmtime::{Instance, Linker, Store, StoreLimitsBuilder, Val};

/// The VM's end: no callback comes back after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The callback that it happened in.
    pub callback: String,
    /// What the engine said.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the VM ended in {}: {}", self.callback, self.message)
    }
}

impl core::error::Error for Fault {}

/// The root context's number; streams are numbered from the next one.
pub(crate) const ROOT: u32 = 1;

/// A VM with one plugin in it.
pub struct Host {
    pub(crate) store: Store<State>,
    instance: Instance,
    pub(crate) next: u32,
    pub(crate) buffer_limit: usize,
    fuel: u64,
    next_tick: u64,
    dead: Option<Fault>,
}

impl Host {
    /// Starts a VM at a moment, in nanoseconds since 1970. `shared` is the shared data of its `vm_id`; None is a gateway that has none.
    pub fn start(module: &Module, profile: Profile, shared: Option<Zone>, now: u64) -> Result<Host, Fault> {
        let fault = |callback: &str, error: wasmtime::Error| Fault { callback: callback.into(), message: format!("{error:#}") };
        let mut linker = Linker::new(&module.engine);
        abi::link(&mut linker).and_then(|()| wasi::link(&mut linker)).map_err(|error| fault("the linker", error))?;
        let limits = StoreLimitsBuilder::new().memory_size(profile.memory()).build();
        let mut store = Store::new(&module.engine, State::new(profile, limits, shared));
        store.limiter(|state| &mut state.limits);
        store.data_mut().now = now;
        store.set_fuel(profile.fuel()).map_err(|error| fault("the start", error))?;
        let instance = linker.instantiate(&mut store, &module.compiled).map_err(|error| fault("the start", error))?;
        let mut host = Host { store, instance, next: ROOT + 1, buffer_limit: usize::MAX, fuel: 0, next_tick: 0, dead: None };
        for start in ["_initialize", "_start"] {
            host.call(start, 0, &[])?;
        }
        host.call("proxy_on_context_create", ROOT, &[0])?;
        host.call("proxy_on_vm_start", ROOT, &[0])?;
        Ok(host)
    }

    /// Configures the plugin; false is a configuration that it refuses.
    pub fn configure(&mut self, configuration: &[u8]) -> Result<bool, Fault> {
        self.store.data_mut().configuration = Some(configuration.to_vec());
        let accepted = self.call("proxy_on_configure", ROOT, &[configuration.len() as u32]);
        self.store.data_mut().configuration = None;
        self.next_tick = self.store.data().now + self.period();
        Ok(accepted? != 0)
    }

    /// Moves time on, with the ticks that fall into it.
    pub fn advance(&mut self, nanos: u64) -> Result<(), Fault> {
        let until = self.store.data().now.saturating_add(nanos);
        while self.period() > 0 && self.next_tick <= until {
            self.store.data_mut().now = self.next_tick;
            self.call("proxy_on_tick", ROOT, &[])?;
            self.after()?;
            // Ticks that no module could have noticed are passed over.
            self.next_tick += self.period().max((until - self.next_tick) / 10);
        }
        self.store.data_mut().now = until;
        Ok(())
    }

    /// Sets how much of a held request the gateway keeps before it answers 413: Envoy's `per_connection_buffer_limit_bytes`.
    pub fn set_buffer_limit(&mut self, bytes: usize) {
        self.buffer_limit = bytes;
    }

    /// Sets the time without ticks, backwards too.
    pub fn set_clock(&mut self, now: u64) {
        self.store.data_mut().now = now;
        self.next_tick = now + self.period();
    }

    fn period(&self) -> u64 {
        u64::from(self.store.data().tick) * 1_000_000
    }

    /// Calls an export, if the module has it; a missing one, and one without a result, answers 0.
    pub(crate) fn call(&mut self, export: &str, context: u32, params: &[u32]) -> Result<u32, Fault> {
        if let Some(fault) = &self.dead {
            return Err(fault.clone());
        }
        let Some(func) = self.instance.get_func(&mut self.store, export) else {
            return Ok(0);
        };
        self.store.data_mut().current = context;
        let own = if export.starts_with('_') { None } else { Some(context) };
        let params: Vec<Val> = own.iter().chain(params).map(|param| Val::I32(*param as i32)).collect();
        let mut results = vec![Val::I32(0); func.ty(&self.store).results().len()];
        let budget = self.store.data().profile.fuel();
        let called = self.store.set_fuel(budget).and_then(|()| func.call(&mut self.store, &params, &mut results));
        self.fuel += budget - self.store.get_fuel().unwrap_or(0);
        if let Err(error) = called {
            let fault = Fault { callback: export.into(), message: format!("{error:#}") };
            self.dead = Some(fault.clone());
            return Err(fault);
        }
        Ok(results.first().and_then(Val::i32).unwrap_or(0) as u32)
    }

    /// Lines that were logged since the last call, each with its level: 0 trace, 1 debug, 2 info, 3 warn, 4 error, 5 critical.
    pub fn take_log(&mut self) -> Vec<(u32, String)> {
        core::mem::take(&mut self.store.data_mut().log)
    }

    /// How often each host call was made.
    pub fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.store.data().counts
    }

    /// Size of the linear memory, in bytes.
    pub fn memory(&mut self) -> usize {
        self.instance.get_memory(&mut self.store, "memory").map_or(0, |memory| memory.data_size(&self.store))
    }

    /// Fuel that callbacks have burnt so far, about one unit an instruction.
    pub fn fuel(&self) -> u64 {
        self.fuel
    }

    /// Sets a property, by its path.
    pub fn set_property(&mut self, path: &[&str], value: &[u8]) {
        self.store.data_mut().properties.insert(path.join("\0").into_bytes(), value.to_vec());
    }

    /// A property, by its path.
    pub fn property(&self, path: &[&str]) -> Option<&[u8]> {
        self.store.data().properties.get(path.join("\0").as_bytes()).map(Vec::as_slice)
    }
}
