#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::quota::Per;
use std::collections::BTreeMap;

/// A store that loses every third race: another writer's change comes first, and `change` is called again.
#[derive(Default)]
struct Shared {
    values: BTreeMap<String, Vec<u8>>,
    calls: usize,
}

impl Store for Shared {
    fn update(&mut self, key: &str, change: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>) -> Result<(), StoreError> {
        self.calls += 1;
        let stored = self.values.get(key).cloned().unwrap_or_default();
        if self.calls.is_multiple_of(3) {
            change(&stored);
        }
        if let Some(next) = change(&stored) {
            self.values.insert(key.into(), next);
        }
        Ok(())
    }
}

fn policy() -> Policy {
    let document = br#"{"default": {"model": "m"}, "tenants": {"from": [{"header": "t"}]}, "quotas": {"tenants": {"gold": []}}}"#;
    crate::config::read(document, &[]).unwrap()
}

fn held(outcome: Outcome) -> Hold {
    match outcome {
        Outcome::Held(hold) => hold,
        refused => panic!("{refused:?}"),
    }
}

const MINUTE: Limit = Limit { tokens: 100, per: Per::Minute };
const HOUR: Limit = Limit { tokens: 150, per: Per::Hour };

#[test]
fn several_limits_are_taken_all_or_none() {
    let (policy, mut store) = (policy(), Shared::default());
    let tenant = || Tenant::of(&policy, Some("gold"));
    let first = held(reserve(&mut store, tenant(), &[MINUTE, HOUR], 80, 0).unwrap());
    assert_eq!(first.standing, Standing { limit: MINUTE, remaining: 20, resets: 60 });
    settle(&mut store, &first, 90, 1).unwrap();
    // The minute is new, the hour has 60 left: nothing may be taken from the minute either.
    let refused = reserve(&mut store, tenant(), &[MINUTE, HOUR], 70, 60).unwrap();
    assert_eq!(
        refused,
        Outcome::Refused { standing: Standing { limit: HOUR, remaining: 60, resets: 3_600 }, refusal: Refusal::Until(3_600) }
    );
    let second = held(reserve(&mut store, tenant(), &[MINUTE, HOUR], 60, 60).unwrap());
    assert_eq!(second.standing, Standing { limit: HOUR, remaining: 0, resets: 3_600 });
}

#[test]
fn tenants_do_not_share_unless_they_are_nobody() {
    let (policy, mut store) = (policy(), Shared::default());
    for name in ["gold", "a", "b"] {
        let hold = held(reserve(&mut store, Tenant::of(&policy, Some(name)), &[MINUTE], 100, 0).unwrap());
        assert_eq!(hold.standing.remaining, 0);
    }
    held(reserve(&mut store, Tenant::of(&policy, None), &[MINUTE], 60, 0).unwrap());
    let again = reserve(&mut store, Tenant::of(&policy, None), &[MINUTE], 60, 0).unwrap();
    assert!(matches!(again, Outcome::Refused { .. }));
}

#[test]
fn invented_tenants_leave_the_store_bounded_and_listed_ones_untouched() {
    let (policy, mut store) = (policy(), Shared::default());
    held(reserve(&mut store, Tenant::of(&policy, Some("gold")), &[MINUTE, HOUR], 10, 0).unwrap());
    for at in 0..200_000 {
        let tenant = Tenant::of(&policy, Some(&format!("forged-{at}")));
        if let Outcome::Held(hold) = reserve(&mut store, tenant, &[MINUTE], 1, 0).unwrap() {
            settle(&mut store, &hold, 1, 0).unwrap();
        }
    }
    let bytes: usize = store.values.values().map(Vec::len).sum();
    assert!(store.values.len() as u64 <= SHARDS + 1);
    assert!(bytes <= 3_000_000, "{bytes} bytes");
    let gold = held(reserve(&mut store, Tenant::of(&policy, Some("gold")), &[MINUTE, HOUR], 10, 0).unwrap());
    assert_eq!(gold.standing.remaining, 80);
    // A minute later all of them have made room.
    let hold = held(reserve(&mut store, Tenant::of(&policy, Some("new")), &[MINUTE], 100, 60).unwrap());
    assert_eq!(hold.standing.remaining, 0);
}

#[test]
fn a_foreign_or_damaged_value_is_no_trap() {
    let (policy, mut store) = (policy(), Shared::default());
    let tenant = Tenant::of(&policy, Some("gold"));
    for value in [vec![], vec![9; 40], vec![1], vec![1; 34], vec![1; 500], vec![255; 3]] {
        store.values.insert(tenant.key.clone(), value);
        held(reserve(&mut store, tenant.clone(), &[MINUTE], 1, 4_000_000_000).unwrap());
    }
}
