//! Numbers without gaps, and which packet a viewer asks for by one.

mod world;

use std::collections::BTreeMap;

use sluice_media_core::renumber::{HISTORY, Renumber};
use world::Dice;

#[test]
fn what_is_left_out_leaves_no_gap() {
    let mut renumber = Renumber::new(500);
    assert_eq!(renumber.keep(10), Some(500));
    assert_eq!(renumber.leave_out(11), None);
    assert_eq!(renumber.leave_out(12), None);
    assert_eq!(renumber.keep(13), Some(501));
    assert_eq!(renumber.incoming(500), Some(10));
    assert_eq!(renumber.incoming(501), Some(13));
    assert_eq!(renumber.incoming(502), None);
    assert_eq!(renumber.incoming(499), None);
}

#[test]
fn a_stream_may_begin_with_what_is_left_out() {
    let mut renumber = Renumber::new(7);
    assert_eq!(renumber.incoming(7), None);
    assert_eq!(renumber.leave_out(10), None);
    assert_eq!(renumber.keep(11), Some(7));
    assert_eq!(renumber.incoming(7), Some(11));
}

#[test]
fn what_does_not_come_keeps_its_number() {
    let mut renumber = Renumber::new(0);
    renumber.keep(10);
    assert_eq!(renumber.keep(13), Some(3));
    // It is asked for, comes late, and comes again.
    assert_eq!(renumber.incoming(1), Some(11));
    assert_eq!(renumber.keep(12), Some(2));
    assert_eq!(renumber.keep(11), Some(1));
    assert_eq!(renumber.keep(11), Some(1));
    assert_eq!(renumber.keep(14), Some(4));
}

#[test]
fn what_comes_late_and_is_left_out_tells_the_number_that_stays_empty() {
    let mut renumber = Renumber::new(0);
    renumber.keep(10);
    renumber.keep(12);
    assert_eq!(renumber.incoming(1), Some(11));
    assert_eq!(renumber.leave_out(11), Some(1));
    assert_eq!(renumber.incoming(1), None);
    assert_eq!(renumber.incoming(2), Some(12));
}

#[test]
fn what_was_left_out_has_no_number_any_more() {
    let mut renumber = Renumber::new(0);
    renumber.keep(10);
    renumber.leave_out(11);
    renumber.keep(12);
    assert_eq!(renumber.keep(11), None);
    assert_eq!(renumber.leave_out(11), None);
    assert_eq!(renumber.incoming(1), Some(12));
}

#[test]
fn nothing_comes_before_the_first_packet() {
    let mut renumber = Renumber::new(100);
    renumber.keep(5000);
    assert_eq!(renumber.keep(4999), None);
    assert_eq!(renumber.leave_out(4999), None);
    assert_eq!(renumber.incoming(99), None);
}

#[test]
fn what_was_whole_so_far_keeps_its_numbers() {
    let mut renumber = Renumber::after(5000, 100);
    assert_eq!(renumber.incoming(100), Some(5000));
    assert_eq!(renumber.incoming(90), Some(4990));
    assert_eq!(renumber.leave_out(5001), None);
    assert_eq!(renumber.keep(5002), Some(101));
    // Late, and from before.
    assert_eq!(renumber.keep(4998), Some(98));
    assert_eq!(renumber.leave_out(4999), Some(99));
    assert_eq!(renumber.incoming(99), None);
    assert_eq!(renumber.incoming(101), Some(5002));
}

#[test]
fn the_past_is_forgotten() {
    let mut renumber = Renumber::new(0);
    for packet in 0..2 * HISTORY {
        renumber.keep(packet);
    }
    assert_eq!(renumber.incoming(HISTORY), Some(HISTORY));
    assert_eq!(renumber.incoming(HISTORY - 1), None);
    assert_eq!(renumber.keep(HISTORY), Some(HISTORY));
    assert_eq!(renumber.keep(HISTORY - 1), None);
    assert_eq!(renumber.leave_out(HISTORY - 1), None);
    // Which did not touch the packet that has its place now.
    assert_eq!(renumber.incoming(2 * HISTORY - 1), Some(2 * HISTORY - 1));
}

#[test]
fn a_hole_longer_than_the_past_keeps_all_its_numbers() {
    let mut renumber = Renumber::new(0);
    renumber.keep(1);
    renumber.leave_out(2);
    assert_eq!(renumber.keep(1_000_002), Some(1_000_000));
    assert_eq!(renumber.incoming(999_999), Some(1_000_001));
    assert_eq!(
        renumber.keep(1_000_003 - HISTORY),
        Some(1_000_001 - HISTORY)
    );
    assert_eq!(renumber.incoming(0), None);
}

/// What [`Renumber`] does, without forgetting.
struct Model {
    next: u64,
    newest: u64,
    /// Of each packet its number, and whether it was left out late.
    numbers: BTreeMap<u64, (u64, bool)>,
}

impl Model {
    /// True for one that is not late.
    fn advance(&mut self, packet: u64) -> bool {
        if packet <= self.newest {
            return false;
        }
        for missing in self.newest + 1..packet {
            self.numbers.insert(missing, (self.next, false));
            self.next += 1;
        }
        self.newest = packet;
        true
    }

    fn keep(&mut self, packet: u64) -> Option<u64> {
        if self.advance(packet) {
            self.numbers.insert(packet, (self.next, false));
            self.next += 1;
        }
        let (number, is_empty) = self.known(packet)?;
        *is_empty = false;
        Some(number)
    }

    fn leave_out(&mut self, packet: u64) -> Option<u64> {
        if self.advance(packet) {
            return None;
        }
        let (number, is_empty) = self.known(packet)?;
        *is_empty = true;
        Some(number)
    }

    fn known(&mut self, packet: u64) -> Option<(u64, &mut bool)> {
        if packet + HISTORY <= self.newest {
            return None;
        }
        let (number, is_empty) = self.numbers.get_mut(&packet)?;
        Some((*number, is_empty))
    }

    fn incoming(&self, number: u64) -> Option<u64> {
        let mut recent = self
            .numbers
            .range(self.newest.saturating_sub(HISTORY - 1)..);
        let found = recent.find(|(_, (of, _))| *of == number)?;
        (!found.1.1).then_some(*found.0)
    }
}

#[test]
fn it_agrees_with_a_plain_model_whatever_comes() {
    let mut asked = 0;
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let first = dice.below(100_000);
        let start = dice.below(30_000);
        let mut renumber = Renumber::new(start);
        let mut model = Model {
            next: start,
            newest: first,
            numbers: BTreeMap::new(),
        };
        assert_eq!(renumber.leave_out(first), None);
        let share = dice.below(10);
        for _ in 0..800 {
            let packet = match dice.below(20) {
                0 => model.newest + 1 + dice.below(5),
                1 if dice.below(50) == 0 => model.newest + dice.below(2 * HISTORY),
                2 | 3 => model.newest.saturating_sub(dice.below(50)),
                4 => model.newest.saturating_sub(dice.below(2 * HISTORY)),
                _ => model.newest + 1,
            };
            if dice.below(10) < share {
                let expected = model.leave_out(packet);
                assert_eq!(renumber.leave_out(packet), expected, "seed {seed}");
            } else {
                assert_eq!(renumber.keep(packet), model.keep(packet), "seed {seed}");
            }
            let number = model.next.saturating_sub(dice.below(HISTORY + 100));
            let found = renumber.incoming(number);
            assert_eq!(found, model.incoming(number), "seed {seed}: {number}");
            asked += usize::from(found.is_some());
        }
    }
    assert!(asked > 10_000, "{asked}");
}
