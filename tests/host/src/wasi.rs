//! WASI, as far as modules of this kind use it: the clock stands where the test put it, chance is the same in every run, and there is nothing
//! else of a world.

use crate::guest::{Answer, Guest, Refusal};
use crate::state::State;
use wasmtime::{Caller, Linker, Result, format_err};

const SUCCESS: i32 = 0;
const FAULT: i32 = 21;

/// Makes the calls known to a linker.
pub(crate) fn link(linker: &mut Linker<State>) -> Result<()> {
    const WASI: &str = "wasi_snapshot_preview1";
    linker.func_wrap(WASI, "random_get", |caller: Caller<'_, State>, place: u32, size: u32| {
        serve(caller, "random_get", |guest| {
            let bytes: Vec<u8> = (0..size).map(|_| next(&mut guest.state().random)).collect();
            guest.write(place, &bytes)
        })
    })?;
    linker.func_wrap(WASI, "environ_sizes_get", |caller: Caller<'_, State>, count: u32, size: u32| {
        serve(caller, "environ_sizes_get", |guest| {
            guest.write(count, &[0; 4])?;
            guest.write(size, &[0; 4])
        })
    })?;
    linker
        .func_wrap(WASI, "environ_get", |caller: Caller<'_, State>, _: u32, _: u32| serve(caller, "environ_get", |_| Ok(())))?;
    linker.func_wrap(WASI, "clock_time_get", |caller: Caller<'_, State>, _: u32, _: u64, place: u32| {
        serve(caller, "clock_time_get", |guest| {
            let now = guest.state().now;
            guest.write(place, &now.to_le_bytes())
        })
    })?;
    linker.func_wrap(WASI, "fd_write", |caller: Caller<'_, State>, _: u32, list: u32, count: u32, written: u32| {
        serve(caller, "fd_write", |guest| write(guest, list, count, written))
    })?;
    linker.func_wrap(WASI, "sched_yield", |caller: Caller<'_, State>| serve(caller, "sched_yield", |_| Ok(())))?;
    linker.func_wrap(WASI, "proc_exit", |code: u32| -> Result<()> { Err(format_err!("the module exited with {code}")) })?;
    Ok(())
}

fn serve(mut caller: Caller<'_, State>, name: &'static str, call: impl FnOnce(&mut Guest<'_>) -> Answer) -> Result<i32> {
    *caller.data_mut().counts.entry(name).or_default() += 1;
    match call(&mut Guest { caller, args: Vec::new() }) {
        Ok(()) => Ok(SUCCESS),
        Err(Refusal::Status(_)) => Ok(FAULT),
        Err(Refusal::Trap(error)) => Err(error),
    }
}

/// Standard output and errors go to the log, as gateways do it.
fn write(guest: &mut Guest<'_>, list: u32, count: u32, written: u32) -> Answer {
    let number =
        |bytes: &[u8], at: usize| bytes.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |word| u32::from_le_bytes(*word));
    let mut text = Vec::new();
    let vectors = guest.read(list as usize, (count as usize).saturating_mul(8))?;
    for vector in vectors.chunks(8) {
        text.extend(guest.read(number(vector, 0) as usize, number(vector, 4) as usize)?);
    }
    guest.write(written, &(text.len() as u32).to_le_bytes())?;
    guest.state().log.push((2, String::from_utf8_lossy(&text).trim_end().to_owned()));
    Ok(())
}

/// A byte of Marsaglia's xorshift.
fn next(state: &mut u64) -> u8 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 32) as u8
}
