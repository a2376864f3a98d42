//! What host calls read and change: the VM's side of the gateway.

use crate::profile::Profile;
use crate::stream::{Stream, Way};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use wasmtime::StoreLimits;

/// Shared data: what all VMs of one `vm_id` see. A number goes with each value.
#[derive(Debug, Default)]
pub struct SharedData {
    values: BTreeMap<Vec<u8>, (Vec<u8>, u32)>,
    last: u32,
}

/// Shared data that several VMs hold.
pub type Zone = Rc<RefCell<SharedData>>;

impl SharedData {
    /// The value at a key, and its number.
    pub fn get(&self, key: &[u8]) -> Option<(Vec<u8>, u32)> {
        self.values.get(key).cloned()
    }

    /// Replaces a value; false is a number that is not the present one's. `exact` is nginx's way, see [`Profile`].
    pub fn set(&mut self, key: &[u8], value: &[u8], cas: u32, exact: bool) -> bool {
        let present = self.values.get(key).map(|(_, number)| *number);
        let allowed = match present {
            _ if exact => cas == present.unwrap_or(0),
            Some(number) => cas == 0 || cas == number,
            None => true,
        };
        if allowed {
            self.last += 1;
            self.values.insert(key.to_vec(), (value.to_vec(), self.last));
        }
        allowed
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.values.clear();
    }

    /// How many keys there are, and how many bytes they and their values have.
    pub fn size(&self) -> (usize, usize) {
        (self.values.len(), self.values.iter().map(|(key, (value, _))| key.len() + value.len()).sum())
    }
}

/// What a gateway does after a callback has returned, since it never calls a VM from within one of its calls.
#[derive(Debug)]
pub(crate) enum Deferred {
    /// Lets a stream go on.
    Resume(u32, Way),
    /// Answers the client.
    Reply { stream: u32, status: u32, headers: crate::Map, body: Vec<u8> },
    /// Ends a stream.
    Close(u32),
}

/// The state behind a VM.
pub(crate) struct State {
    pub profile: Profile,
    pub limits: StoreLimits,
    /// The plugin's configuration; Some while it is configured.
    pub configuration: Option<Vec<u8>>,
    /// Nanoseconds since 1970.
    pub now: u64,
    /// Period of ticks in milliseconds; 0 is none.
    pub tick: u32,
    /// None is a gateway without shared data.
    pub shared: Option<Zone>,
    pub queues: BTreeMap<Vec<u8>, u32>,
    pub queued: BTreeMap<u32, VecDeque<Vec<u8>>>,
    pub metrics: Vec<(Vec<u8>, i64)>,
    pub properties: BTreeMap<Vec<u8>, Vec<u8>>,
    pub log: Vec<(u32, String)>,
    pub counts: BTreeMap<&'static str, u64>,
    pub streams: BTreeMap<u32, Stream>,
    /// The context that calls are made for.
    pub current: u32,
    /// The callback of the log runs, in which headers can be read and nothing be changed.
    pub logging: bool,
    pub deferred: VecDeque<Deferred>,
    /// State of the generator behind `random_get`, so that every run is the same.
    pub random: u64,
}

impl State {
    pub fn new(profile: Profile, limits: StoreLimits, shared: Option<Zone>) -> State {
        State {
            profile,
            limits,
            configuration: None,
            now: 0,
            tick: 0,
            shared,
            queues: BTreeMap::new(),
            queued: BTreeMap::new(),
            metrics: Vec::new(),
            properties: BTreeMap::new(),
            log: Vec::new(),
            counts: BTreeMap::new(),
            streams: BTreeMap::new(),
            current: 0,
            logging: false,
            deferred: VecDeque::new(),
            random: 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// The stream that calls are made for.
    pub fn stream(&mut self) -> Option<&mut Stream> {
        self.streams.get_mut(&self.current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envoy_inserts_under_any_number_and_nginx_under_its_own_only() {
        let mut envoy = SharedData::default();
        assert!(envoy.set(b"k", b"1", 77, false));
        assert!(!envoy.set(b"k", b"2", 77, false));
        assert!(envoy.set(b"k", b"3", 1, false) && envoy.set(b"k", b"4", 0, false));
        let mut nginx = SharedData::default();
        assert!(!nginx.set(b"k", b"1", 77, true) && nginx.set(b"k", b"1", 0, true));
        assert!(!nginx.set(b"k", b"2", 0, true) && nginx.set(b"k", b"2", 1, true));
        assert_eq!(nginx.get(b"k"), Some((b"2".to_vec(), 2)));
    }
}
