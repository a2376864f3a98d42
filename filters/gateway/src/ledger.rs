//! The ledger's store: shared data of the gateway under compare-and-swap, so that all workers of one `vm_id` share it.

use crate::host::{self, HostError};
use pointsman::ledger::{Store, StoreError};

/// Shared data.
#[derive(Clone, Copy, Debug)]
pub struct SharedData;

/// A lost race means that another worker's write succeeded, so this many in a row means that something else is wrong.
const RACES: usize = 10_000;
/// No key has this number: they are given out from 1 upwards.
const FIRST: u32 = u32::MAX;

impl Store for SharedData {
    fn update(&mut self, key: &str, change: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>) -> Result<(), StoreError> {
        // A first write must not overwrite another worker's: Envoy inserts under any number when the key is absent, and refuses a number
        // that is not the key's when it is there, save 0, which always overwrites. 0 is for hosts that refuse to insert under another one.
        let mut first = FIRST;
        for _ in 0..RACES {
            let (stored, cas) = match host::shared_get(key) {
                Ok(Some(found)) => found,
                Ok(None) => (Vec::new(), core::mem::take(&mut first)),
                Err(_) => return Err(StoreError { reason: "shared data cannot be read" }),
            };
            let Some(next) = change(&stored) else {
                return Ok(());
            };
            match host::shared_set(key, &next, cas) {
                Ok(()) => return Ok(()),
                Err(HostError::CasMismatch) => {}
                Err(_) => return Err(StoreError { reason: "shared data cannot be written" }),
            }
        }
        Err(StoreError { reason: "shared data is changed by others without end" })
    }
}
