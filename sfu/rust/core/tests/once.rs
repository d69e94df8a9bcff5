//! Each number once.

mod world;

use std::collections::HashSet;

use sluice_media_core::once::Once;
use world::Dice;

/// How far behind the newest a number may come late.
const SPAN: u64 = 512;

#[test]
fn a_number_is_used_once() {
    let mut once = Once::default();
    for number in 100..2000 {
        assert!(once.take(number));
        assert!(!once.take(number));
    }
}

#[test]
fn the_first_number_may_be_any() {
    for first in [0, 1, 511, 512, 513, 32_767, 1 << 40] {
        let mut once = Once::default();
        assert!(once.take(first));
        assert!(!once.take(first));
        assert!(once.take(first + 1));
    }
}

#[test]
fn a_late_number_takes_its_place_once() {
    let mut once = Once::default();
    for number in [10, 14, 12] {
        assert!(once.take(number));
    }
    assert!(once.take(11) && once.take(13));
    for number in 10..15 {
        assert!(!once.take(number));
    }
}

#[test]
fn what_is_too_old_to_tell_is_refused_though_it_was_never_used() {
    let mut once = Once::default();
    assert!(once.take(10_000));
    assert!(once.take(10_000 - SPAN + 1));
    assert!(!once.take(10_000 - SPAN));
    assert!(!once.take(0));
}

#[test]
fn a_leap_forgets_nothing_that_still_counts() {
    for leap in [SPAN - 1, SPAN, SPAN + 1, 10 * SPAN] {
        let mut once = Once::default();
        for number in 1000..1600 {
            assert!(once.take(number));
        }
        let newest = 1599 + leap;
        assert!(once.take(newest));
        for number in 1000..1600 {
            assert!(!once.take(number), "{number} after a leap of {leap}");
        }
        // What the leap passed over is free, as far as the window reaches.
        for number in newest - SPAN + 1..newest {
            assert_eq!(once.take(number), number > 1599, "{number}");
        }
    }
}

#[test]
fn it_agrees_with_a_set_of_all_numbers_on_any_order() {
    for seed in 0..50 {
        let mut dice = Dice(seed);
        let mut once = Once::default();
        let (mut all, mut newest) = (HashSet::new(), dice.below(1 << 15));
        for _ in 0..5000 {
            let number = match dice.below(20) {
                0 => newest + dice.below(3 * SPAN),
                1 => newest.saturating_sub(dice.below(2 * SPAN)),
                2..8 => newest.saturating_sub(dice.below(20)),
                _ => newest + 1,
            };
            let newer = all.is_empty() || number > newest;
            let fits = newer || newest - number < SPAN;
            let fresh = fits && !all.contains(&number);
            assert_eq!(once.take(number), fresh, "{number}, newest {newest}");
            if fresh {
                all.insert(number);
                newest = newest.max(number);
            }
        }
    }
}
