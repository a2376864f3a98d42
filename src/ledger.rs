//! Accounts of tenants, kept in a shared store under compare-and-swap.
//!
//! All accounts of one tenant lie in one page, so that several limits are taken all or none in one write. Listed tenants have a page
//! each. All others share [`SHARDS`] pages of at most [`PAGE_ACCOUNTS`] accounts, so that the store stays bounded however many tenants a
//! forger invents; accounts whose window is over make room, and tenants beyond that share one account a page. A page holds numbers and hashes,
//! never a tenant's name. It never reads a clock and never decides what a request is charged.

mod page;

use crate::policy::Policy;
use crate::quota::{Limit, Refusal, Reserve};
use page::Page;
use sha2::{Digest, Sha256};

/// Pages that unlisted tenants share.
pub const SHARDS: u64 = 1_024;
/// Accounts in a page at most: 1,024 pages of 64 accounts of 33 bytes are 2.2 MB.
pub const PAGE_ACCOUNTS: usize = 64;

/// A store of byte strings that several writers share.
pub trait Store {
    /// Reads the value at `key` (empty when there is none), lets `change` turn it into the next, and writes that. When another writer came
    /// first, it starts over, so `change` may be called several times and must not keep what it saw. None writes nothing.
    fn update(&mut self, key: &str, change: &mut dyn FnMut(&[u8]) -> Option<Vec<u8>>) -> Result<(), StoreError>;
}

/// The store could not be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreError {
    /// What was tried, and what stood in the way.
    pub reason: &'static str,
}

/// Whose account it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    key: String,
    hash: u64,
}

impl Tenant {
    /// The tenant of that name; None is all requests that name none.
    pub fn of(policy: &Policy, name: Option<&str>) -> Tenant {
        let digest = Sha256::digest(name.unwrap_or_default().as_bytes());
        let word = |at: usize| digest.iter().skip(at * 8).take(8).fold(0u64, |word, byte| word << 8 | u64::from(*byte));
        // 0 is the account that tenants share when a page is full.
        let hash = word(0).max(1);
        match name {
            None => Tenant { key: "pointsman/unidentified".into(), hash },
            Some(name) if policy.lists(name) => {
                Tenant { key: format!("pointsman/tenant/{:016x}{:016x}", word(0), word(1)), hash }
            }
            Some(_) => Tenant { key: format!("pointsman/shard/{:03x}", word(1) % SHARDS), hash },
        }
    }
}

/// How the binding limit of a request stands after its reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The limit of which the least remains.
    pub limit: Limit,
    /// Tokens that remain of it.
    pub remaining: u64,
    /// The second at which its window ends.
    pub resets: u64,
}

/// Tokens set aside for one request: one reserve for each limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    tenant: Tenant,
    reserves: Vec<Reserve>,
    /// How the binding limit stands.
    pub standing: Standing,
}

/// What became of a request for tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Set aside, all of them.
    Held(Hold),
    /// Nothing was set aside, since this limit is spent or too small.
    Refused {
        /// The limit and how it stands.
        standing: Standing,
        /// Not yet, or never.
        refusal: Refusal,
    },
}

/// Sets `tokens` aside of each of the limits, or of none. `limits` must not be empty.
pub fn reserve(store: &mut impl Store, tenant: Tenant, limits: &[Limit], tokens: u64, now: u64) -> Result<Outcome, StoreError> {
    let mut outcome = None;
    store.update(&tenant.key, &mut |stored| {
        let mut page = Page::read(stored, now);
        match take(&mut page, &tenant, limits, tokens, now) {
            Ok(hold) => {
                outcome = hold.map(Outcome::Held);
                Some(page.written())
            }
            Err(refused) => {
                outcome = Some(refused);
                None
            }
        }
    })?;
    outcome.ok_or(StoreError { reason: "no limit was given to reserve from" })
}

fn take(page: &mut Page, tenant: &Tenant, limits: &[Limit], tokens: u64, now: u64) -> Result<Option<Hold>, Outcome> {
    let (mut reserves, mut binding) = (Vec::with_capacity(limits.len()), None::<Standing>);
    for limit in limits {
        let account = page.account(tenant.hash, limit.per, now);
        let reserved = account.reserve(*limit, tokens);
        let standing = Standing { limit: *limit, remaining: account.remaining(*limit), resets: account.resets(limit.per) };
        match reserved {
            Ok(reserve) => reserves.push(reserve),
            Err(refusal) => return Err(Outcome::Refused { standing, refusal }),
        }
        if binding.is_none_or(|other| standing.remaining < other.remaining) {
            binding = Some(standing);
        }
    }
    Ok(binding.map(|standing| Hold { tenant: tenant.clone(), reserves, standing }))
}

/// Gives a hold back and counts what was used in its place: 0 releases it.
pub fn settle(store: &mut impl Store, hold: &Hold, used: u64, now: u64) -> Result<(), StoreError> {
    store.update(&hold.tenant.key, &mut |stored| {
        let mut page = Page::read(stored, now);
        for reserve in &hold.reserves {
            page.account(hold.tenant.hash, reserve.limit.per, now).settle(*reserve, used);
        }
        Some(page.written())
    })
}

#[cfg(test)]
#[path = "ledger/tests.rs"]
mod tests;
