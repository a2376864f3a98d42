#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use proptest::prelude::*;

const HOUR: Limit = Limit { tokens: 1_000, per: Per::Hour };

#[test]
fn months_are_calendar_months() {
    // Each: a moment, the first second of its month, the first second of the next.
    let cases = [
        (0, 0, 31 * DAY),
        (951_782_399, 949_363_200, 951_868_800), // 2000-02-28T23:59:59Z, a leap year by the rule of 400
        (951_868_799, 949_363_200, 951_868_800), // 2000-02-29T23:59:59Z
        (951_868_800, 951_868_800, 954_547_200), // 2000-03-01
        (1_709_164_800, 1_706_745_600, 1_709_251_200), // 2024-02-29
        (1_735_689_599, 1_733_011_200, 1_735_689_600), // 2024-12-31T23:59:59Z
        (1_740_787_199, 1_738_368_000, 1_740_787_200), // 2025-02-28T23:59:59Z
        (4_107_542_399, 4_105_123_200, 4_107_542_400), // 2100-02-28T23:59:59Z, no leap year by the rule of 100
    ];
    for (now, start, end) in cases {
        assert_eq!(Per::Month.window(now), Window { start, end }, "{now}");
    }
}

#[test]
fn never_is_told_apart_from_not_yet() {
    let mut account = Account::default().at(Per::Hour, 7_200);
    assert_eq!(account.reserve(HOUR, 1_001), Err(Refusal::Never));
    let reserve = account.reserve(HOUR, 600).unwrap();
    assert_eq!(account.reserve(HOUR, 401), Err(Refusal::Until(10_800)));
    account.settle(reserve, 100);
    assert_eq!(account.remaining(HOUR), 900);
    assert!(account.reserve(HOUR, 900).is_ok());
}

#[test]
fn a_reserve_of_a_past_window_owes_only_its_overrun() {
    let mut account = Account::default().at(Per::Hour, 0);
    let reserve = account.reserve(HOUR, 300).unwrap();
    let mut next = account.at(Per::Hour, 3_600);
    assert_eq!(next, Account { window: 3_600, used: 0, reserved: 0 });
    next.settle(reserve, 250);
    assert_eq!(next.used, 0);
    next.settle(reserve, 310);
    assert_eq!(next.used, 10);
}

#[test]
fn a_clock_that_steps_back_a_little_opens_no_second_window() {
    let account = Account { window: 7_200, used: 1_000, reserved: 0 };
    assert_eq!(account.at(Per::Hour, 7_199), account);
    assert_eq!(account.at(Per::Hour, 3_600), account);
    assert_eq!(account.at(Per::Hour, 3_599).window, 0);
}

fn per() -> impl Strategy<Value = Per> {
    prop_oneof![Just(Per::Second), Just(Per::Minute), Just(Per::Hour), Just(Per::Day), Just(Per::Month)]
}

#[derive(Clone, Debug)]
enum Event {
    Reserve(u64),
    /// Which of the open reserves, and how much of it was used, in per cent.
    Settle(usize, u64),
    /// The clock goes on, or back when negative; seconds.
    Step(i64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (0..1_500u64).prop_map(Event::Reserve),
        3 => (any::<usize>(), 0..=100u64).prop_map(|(at, share)| Event::Settle(at, share)),
        1 => (-60..4_000i64).prop_map(Event::Step),
    ]
}

proptest! {
    #[test]
    fn windows_tile_the_time(per in per(), now in 0..=u64::from(u32::MAX) * 4) {
        let window = per.window(now);
        prop_assert!(window.start <= now && now < window.end);
        prop_assert_eq!(per.window(window.end).start, window.end);
        prop_assert_eq!(per.window(window.end - 1), window);
    }

    /// Upstreams that stay within their reserves never take a window over its limit, whatever the order and the clock, and nothing stays
    /// reserved when all has settled.
    #[test]
    fn no_sequence_overspends(start in 0..100_000u64, events in prop::collection::vec(event(), 1..200)) {
        let (mut now, mut account, mut open) = (start, Account::default(), Vec::new());
        let (mut latest, mut spent) = (0, std::collections::BTreeMap::<u64, u64>::new());
        for event in events {
            account = account.at(HOUR.per, now);
            prop_assert!(account.window >= latest, "a window was opened twice");
            latest = account.window;
            match event {
                Event::Reserve(tokens) => if let Ok(reserve) = account.reserve(HOUR, tokens) {
                    open.push(reserve);
                },
                Event::Settle(at, share) if !open.is_empty() => {
                    let reserve = open.swap_remove(at % open.len());
                    let used = reserve.tokens * share / 100;
                    account.settle(reserve, used);
                    *spent.entry(reserve.window).or_default() += used;
                }
                Event::Settle(..) => {}
                Event::Step(by) => now = now.saturating_add_signed(by),
            }
            prop_assert!(account.used + account.reserved <= HOUR.tokens);
        }
        account = account.at(HOUR.per, now);
        for reserve in open {
            account.settle(reserve, reserve.tokens);
            *spent.entry(reserve.window).or_default() += reserve.tokens;
        }
        prop_assert_eq!(account.reserved, 0);
        prop_assert!(spent.values().all(|used| *used <= HOUR.tokens));
        prop_assert_eq!(account.used, spent.get(&account.window).copied().unwrap_or(0));
    }

    #[test]
    fn overruns_are_owed_in_full(reserves in prop::collection::vec((1..200u64, 0..500u64), 1..20)) {
        let mut account = Account::default();
        let mut open = Vec::new();
        for (tokens, used) in reserves {
            if let Ok(reserve) = account.reserve(HOUR, tokens) {
                open.push((reserve, used));
            }
        }
        let total: u64 = open.iter().map(|(_, used)| used).sum();
        for (reserve, used) in open {
            account.settle(reserve, used);
        }
        prop_assert_eq!(account, Account { window: 0, used: total, reserved: 0 });
    }
}
