//! Token quotas as pure arithmetic: a window, a moment, and reserve or settle → a new state of the account.
//!
//! It never reads a clock and never stores anything; [`crate::ledger`] keeps accounts. Windows are fixed and aligned to UTC, so every
//! gateway of a fleet agrees where one begins. Amounts are tokens, moments are whole seconds since 1970.
//!
//! What an account promises:
//! - At any moment `used + reserved` passes the limit only by what upstreams used beyond their reserves.
//! - A settled amount is counted once: in the window of its reserve, or, if that is over, the part beyond the reserve in the current one.
//! - A clock that steps back by less than a window changes nothing; by more, the account starts anew in the earlier window.

/// So many tokens per window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Tokens, input and output together. 0 blocks the tenant.
    pub tokens: u64,
    /// The window.
    pub per: Per,
}

/// The length of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// One second.
    Second,
    /// From second 0 of a minute to the next.
    Minute,
    /// From minute 0 of an hour to the next.
    Hour,
    /// From midnight to midnight, UTC.
    Day,
    /// From the first of a month to the first of the next, UTC.
    Month,
}

/// The window that a moment lies in: `start` belongs to it, `end` to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Seconds since 1970.
    pub start: u64,
    /// Seconds since 1970.
    pub end: u64,
}

const DAY: u64 = 86_400;

impl Per {
    /// The word for it in a policy and in a message.
    pub fn name(self) -> &'static str {
        match self {
            Per::Second => "second",
            Per::Minute => "minute",
            Per::Hour => "hour",
            Per::Day => "day",
            Per::Month => "month",
        }
    }

    /// The window that `now` lies in.
    pub fn window(self, now: u64) -> Window {
        let fixed = |length: u64| {
            let start = now - now % length;
            Window { start, end: start.saturating_add(length) }
        };
        match self {
            Per::Second => fixed(1),
            Per::Minute => fixed(60),
            Per::Hour => fixed(3_600),
            Per::Day => fixed(DAY),
            Per::Month => month(now),
        }
    }
}

/// The calendar month of a moment, by the civil-calendar arithmetic of eras of 400 years (146,097 days), which begin on 1 March.
fn month(now: u64) -> Window {
    const DAYS_TO_1970: u64 = 719_468;
    const ERA: u64 = 146_097;
    let days = now / DAY + DAYS_TO_1970;
    let of_era = days % ERA;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / (ERA - 1)) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    // Months counted from March: their lengths repeat every five months, 153 days.
    let index = (5 * of_year + 2) / 153;
    let first_day = |month: u64| (153 * month + 2) / 5;
    // February ends the year of the era; its length follows from the next year's start.
    let leap = (year + 1).is_multiple_of(4) && (!(year + 1).is_multiple_of(100) || (year + 1).is_multiple_of(400));
    let year_length = if leap { 366 } else { 365 };
    let start = days - (of_year - first_day(index));
    let end = days - of_year + if index == 11 { year_length } else { first_day(index + 1) };
    let seconds = |day: u64| day.saturating_sub(DAYS_TO_1970).saturating_mul(DAY);
    Window { start: seconds(start), end: seconds(end) }
}

/// What one tenant has spent of one limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Start of the window that the counts belong to.
    pub window: u64,
    /// Tokens of finished requests.
    pub used: u64,
    /// Tokens set aside for requests under way.
    pub reserved: u64,
}

/// Tokens that were set aside, and in which window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserve {
    /// The limit they were taken from.
    pub limit: Limit,
    /// Start of the window.
    pub window: u64,
    /// How many.
    pub tokens: u64,
}

/// Why tokens were not set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The request asks for more than a whole window has: it never fits.
    Never,
    /// It may fit from this second on, when the next window begins.
    Until(u64),
}

impl Account {
    /// The account as it stands at `now`: a new window starts empty.
    pub fn at(self, per: Per, now: u64) -> Account {
        let window = per.window(now);
        // A clock that stepped back a little stays in the window that has begun; otherwise its tokens could be had twice.
        let stepped_back = self.window > window.start && per.window(self.window.saturating_sub(1)).start <= window.start;
        if self.window == window.start || stepped_back { self } else { Account { window: window.start, used: 0, reserved: 0 } }
    }

    /// Tokens that are neither used nor set aside.
    pub fn remaining(&self, limit: Limit) -> u64 {
        limit.tokens.saturating_sub(self.used).saturating_sub(self.reserved)
    }

    /// The second at which the account's window ends.
    pub fn resets(&self, per: Per) -> u64 {
        per.window(self.window).end
    }

    /// Sets tokens aside. The account must stand at the present moment (see [`Account::at`]).
    pub fn reserve(&mut self, limit: Limit, tokens: u64) -> Result<Reserve, Refusal> {
        if tokens > limit.tokens {
            return Err(Refusal::Never);
        }
        if tokens > self.remaining(limit) {
            return Err(Refusal::Until(self.resets(limit.per)));
        }
        self.reserved = self.reserved.saturating_add(tokens);
        Ok(Reserve { limit, window: self.window, tokens })
    }

    /// Gives a reserve back and counts what was used in its place. The account must stand at the present moment.
    pub fn settle(&mut self, reserve: Reserve, used: u64) {
        if reserve.window == self.window {
            self.reserved = self.reserved.saturating_sub(reserve.tokens);
            self.used = self.used.saturating_add(used);
        } else {
            // The reserve itself was counted in a window that is over; only what went beyond it is still owed.
            self.used = self.used.saturating_add(used.saturating_sub(reserve.tokens));
        }
    }
}

#[cfg(test)]
#[path = "quota/tests.rs"]
mod tests;
