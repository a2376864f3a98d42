//! One value of the store: a few accounts, as fixed little-endian records.

use super::PAGE_ACCOUNTS;
use crate::quota::{Account, Per};

/// Version of the record form. A value of another version is taken for empty: it was written by another release of the module.
const VERSION: u8 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    tenant: u64,
    per: Per,
    account: Account,
}

/// The accounts of a page, at one moment.
#[derive(Debug, Default)]
pub(super) struct Page {
    entries: Vec<Entry>,
    /// What [`Page::account`] hands out should the page have no entry at all, which cannot be.
    spare: Account,
}

/// Tenants that no room is left for.
const SHARED: u64 = 0;

impl Page {
    /// Reads a stored value and drops accounts whose window is over.
    pub(super) fn read(stored: &[u8], now: u64) -> Page {
        let mut rest = match stored.split_first() {
            Some((&VERSION, rest)) => rest,
            _ => return Page::default(),
        };
        let mut entries = Vec::new();
        while let Some(entry) = entry(&mut rest) {
            let live = Entry { account: entry.account.at(entry.per, now), ..entry };
            if live.account.window == entry.account.window {
                entries.push(entry);
            }
        }
        Page { entries, spare: Account::default() }
    }

    /// The value to store.
    pub(super) fn written(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(1 + self.entries.len() * 33);
        out.push(VERSION);
        for Entry { tenant, per, account } in &self.entries {
            out.extend_from_slice(&tenant.to_le_bytes());
            out.push(code(*per));
            for number in [account.window, account.used, account.reserved] {
                out.extend_from_slice(&number.to_le_bytes());
            }
        }
        out
    }

    /// The tenant's account for that window length, as it stands at `now`; it is opened when there is none.
    pub(super) fn account(&mut self, tenant: u64, per: Per, now: u64) -> &mut Account {
        let at = self.position(tenant, per).or_else(|| self.open(tenant, per)).or_else(|| self.position(SHARED, per));
        let at = at.unwrap_or_else(|| {
            self.entries.push(Entry { tenant: SHARED, per, account: Account::default() });
            self.entries.len() - 1
        });
        let account = match self.entries.get_mut(at) {
            Some(entry) => &mut entry.account,
            None => &mut self.spare,
        };
        *account = account.at(per, now);
        account
    }

    fn position(&self, tenant: u64, per: Per) -> Option<usize> {
        self.entries.iter().position(|entry| entry.tenant == tenant && entry.per == per)
    }

    fn open(&mut self, tenant: u64, per: Per) -> Option<usize> {
        if self.entries.len() >= PAGE_ACCOUNTS {
            return None;
        }
        self.entries.push(Entry { tenant, per, account: Account::default() });
        Some(self.entries.len() - 1)
    }
}

fn code(per: Per) -> u8 {
    match per {
        Per::Second => 0,
        Per::Minute => 1,
        Per::Hour => 2,
        Per::Day => 3,
        Per::Month => 4,
    }
}

fn entry(rest: &mut &[u8]) -> Option<Entry> {
    let tenant = number(rest)?;
    let (per, after) = rest.split_first()?;
    *rest = after;
    let per = [Per::Second, Per::Minute, Per::Hour, Per::Day, Per::Month].into_iter().find(|known| code(*known) == *per)?;
    let account = Account { window: number(rest)?, used: number(rest)?, reserved: number(rest)? };
    Some(Entry { tenant, per, account })
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let (bytes, after) = rest.split_first_chunk::<8>()?;
    *rest = after;
    Some(u64::from_le_bytes(*bytes))
}
