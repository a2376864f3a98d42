//! The VM's memory, as host calls read and write it.

use crate::state::State;
use wasmtime::{Caller, Error, Extern, Memory, format_err};

/// Statuses of the ABI.
pub(crate) mod status {
    pub const OK: u32 = 0;
    pub const NOT_FOUND: u32 = 1;
    pub const BAD_ARGUMENT: u32 = 2;
    pub const PARSE_FAILURE: u32 = 4;
    pub const INVALID_MEMORY_ACCESS: u32 = 6;
    pub const EMPTY: u32 = 7;
    pub const CAS_MISMATCH: u32 = 8;
    pub const UNIMPLEMENTED: u32 = 12;
}

/// Why a host call is not done.
pub(crate) enum Refusal {
    /// The module is told so.
    Status(u32),
    /// The VM ends.
    Trap(Error),
}

/// What a host call comes to.
pub(crate) type Answer<T = ()> = Result<T, Refusal>;

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Trap(error)
    }
}

pub(crate) fn refused<T>(status: u32) -> Answer<T> {
    Err(Refusal::Status(status))
}

/// The VM that makes a host call, and that call's arguments.
pub(crate) struct Guest<'a> {
    pub caller: Caller<'a, State>,
    pub args: Vec<u64>,
}

impl Guest<'_> {
    /// An argument; the linker made sure that there are as many as the call has.
    pub fn arg(&self, at: usize) -> u32 {
        self.args.get(at).copied().unwrap_or_default() as u32
    }

    pub fn state(&mut self) -> &mut State {
        self.caller.data_mut()
    }

    fn memory(&mut self) -> Answer<Memory> {
        match self.caller.get_export("memory") {
            Some(Extern::Memory(memory)) => Ok(memory),
            _ => Err(format_err!("the module exports no memory").into()),
        }
    }

    /// The bytes that the arguments `at` and `at + 1` name.
    pub fn bytes(&mut self, at: usize) -> Answer<Vec<u8>> {
        let (start, size) = (self.arg(at) as usize, self.arg(at + 1) as usize);
        self.read(start, size)
    }

    /// The same, as text for a log.
    pub fn text(&mut self, at: usize) -> Answer<String> {
        Ok(String::from_utf8_lossy(&self.bytes(at)?).into_owned())
    }

    pub fn read(&mut self, start: usize, size: usize) -> Answer<Vec<u8>> {
        let memory = self.memory()?;
        let found = start.checked_add(size).and_then(|end| memory.data(&self.caller).get(start..end).map(<[u8]>::to_vec));
        found.ok_or(Refusal::Status(status::INVALID_MEMORY_ACCESS))
    }

    pub fn write(&mut self, start: u32, bytes: &[u8]) -> Answer {
        let memory = self.memory()?;
        let start = start as usize;
        let place = start.checked_add(bytes.len()).and_then(|end| memory.data_mut(&mut self.caller).get_mut(start..end));
        match place {
            Some(place) => place.copy_from_slice(bytes),
            None => return refused(status::INVALID_MEMORY_ACCESS),
        }
        Ok(())
    }

    /// Writes a number to where the argument `at` points.
    pub fn put(&mut self, at: usize, number: u32) -> Answer {
        self.write(self.arg(at), &number.to_le_bytes())
    }

    /// Hands bytes over in memory that the module allocates; the arguments `at` and `at + 1` say where to write the place and the size.
    pub fn give(&mut self, at: usize, bytes: &[u8]) -> Answer {
        let mut place = 0;
        if !bytes.is_empty() {
            let allocate = self.caller.get_export("proxy_on_memory_allocate").and_then(Extern::into_func);
            let allocate = allocate.ok_or_else(|| format_err!("the module exports no proxy_on_memory_allocate"))?;
            place = allocate.typed::<u32, u32>(&self.caller)?.call(&mut self.caller, bytes.len() as u32)?;
            self.write(place, bytes)?;
        }
        self.put(at, place)?;
        self.put(at + 1, bytes.len() as u32)
    }
}
