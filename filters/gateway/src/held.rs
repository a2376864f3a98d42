//! Streams whose headers are held, and what to do when the gateway never shows their body.
//!
//! Envoy shows a body to a filter that holds the headers only under `allow_on_headers_stop_iteration`. Without it a held request would hang
//! until its timeout, silently. So until a first body has come, a tick looks for streams that were held too long, and lets them go.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How long a stream is held before its body must have begun, in nanoseconds. Only before the first body is seen, so a slow client is not
/// mistaken for a missing flag for long.
pub const PATIENCE: u64 = 3_000_000_000;
/// How often streams are looked at, in milliseconds.
pub const TICK: u32 = 250;

/// The held streams of one VM, each with what is needed to let it go.
#[derive(Debug)]
pub struct Held<T>(Rc<RefCell<Inner<T>>>);

#[derive(Debug)]
struct Inner<T> {
    /// When each stream began to be held, by its context's number, in nanoseconds.
    since: BTreeMap<u32, (u64, T)>,
    /// A body came while its headers were held: the gateway does what it must.
    works: bool,
}

impl<T> Default for Held<T> {
    fn default() -> Self {
        Held(Rc::new(RefCell::new(Inner { since: BTreeMap::new(), works: false })))
    }
}

impl<T> Clone for Held<T> {
    fn clone(&self) -> Self {
        Held(Rc::clone(&self.0))
    }
}

impl<T> Held<T> {
    /// A stream's headers are held from now on.
    pub fn hold(&self, context: u32, now: u64, stream: T) {
        let mut inner = self.0.borrow_mut();
        if !inner.works {
            inner.since.insert(context, (now, stream));
        }
    }

    /// A stream's body began while its headers were held.
    pub fn body_came(&self, context: u32) {
        let mut inner = self.0.borrow_mut();
        if inner.since.contains_key(&context) {
            inner.works = true;
            inner.since.clear();
        }
    }

    /// A stream is over or was let go.
    pub fn forget(&self, context: u32) {
        self.0.borrow_mut().since.remove(&context);
    }

    /// Whether nothing has to be looked at any more.
    pub fn is_settled(&self) -> bool {
        self.0.borrow().works
    }

    /// Streams that were held too long, which are let go by that.
    pub fn overdue(&self, now: u64) -> Vec<(u32, T)> {
        let mut inner = self.0.borrow_mut();
        let late: Vec<u32> =
            inner.since.iter().filter(|(_, (since, _))| now.saturating_sub(*since) >= PATIENCE).map(|(at, _)| *at).collect();
        late.into_iter().filter_map(|context| inner.since.remove(&context).map(|(_, stream)| (context, stream))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_overdue_once_and_only_until_a_body_came() {
        let held = Held::default();
        held.hold(1, 0, 'a');
        held.hold(2, PATIENCE, 'b');
        assert_eq!(held.overdue(PATIENCE - 1), []);
        assert_eq!(held.overdue(PATIENCE), [(1, 'a')]);
        held.body_came(1);
        assert!(!held.is_settled());
        held.body_came(2);
        assert!(held.is_settled());
        held.hold(3, 0, 'c');
        assert_eq!(held.overdue(u64::MAX), []);
    }
}
