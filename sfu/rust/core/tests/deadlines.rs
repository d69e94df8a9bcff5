//! Who must be woken when.

mod world;

use std::collections::HashMap;

use sluice_media_core::deadlines::Deadlines;
use world::{Dice, at};

#[test]
fn the_soonest_is_due_first_and_nobody_before_their_time() {
    let mut deadlines = Deadlines::default();
    deadlines.set(1, at(30));
    deadlines.set(2, at(10));
    deadlines.set(3, at(20));
    assert_eq!(deadlines.soonest(), Some(at(10)));
    assert_eq!(deadlines.pop_due(at(9)), None);
    assert_eq!(deadlines.pop_due(at(20)), Some(2));
    assert_eq!(deadlines.pop_due(at(20)), Some(3));
    assert_eq!(deadlines.pop_due(at(20)), None);
    assert_eq!(deadlines.len(), 1);
    assert_eq!(deadlines.pop_due(at(1000)), Some(1));
    assert!(deadlines.is_empty() && deadlines.soonest().is_none());
}

#[test]
fn a_moved_deadline_is_due_at_its_new_time_only() {
    let mut deadlines = Deadlines::new();
    deadlines.set(1, at(10));
    deadlines.set(1, at(50));
    assert_eq!(deadlines.soonest(), Some(at(50)));
    assert_eq!(deadlines.pop_due(at(49)), None);
    deadlines.set(1, at(20));
    assert_eq!(deadlines.pop_due(at(20)), Some(1));
    assert_eq!(deadlines.pop_due(at(1000)), None);
}

#[test]
fn a_deadline_moved_there_and_back_is_due_once() {
    let mut deadlines = Deadlines::new();
    deadlines.set(1, at(10));
    deadlines.set(1, at(20));
    deadlines.set(1, at(10));
    assert_eq!(deadlines.pop_due(at(10)), Some(1));
    assert_eq!(deadlines.pop_due(at(1000)), None);
}

#[test]
fn a_removed_deadline_is_never_due_and_can_be_set_anew() {
    let mut deadlines = Deadlines::new();
    deadlines.set(1, at(10));
    deadlines.set(2, at(20));
    deadlines.remove(&1);
    deadlines.remove(&7);
    assert_eq!(deadlines.soonest(), Some(at(20)));
    deadlines.set(1, at(10));
    assert_eq!(deadlines.pop_due(at(10)), Some(1));
    assert_eq!(deadlines.pop_due(at(10)), None);
}

#[test]
fn two_at_the_same_moment_are_both_due() {
    let mut deadlines = Deadlines::new();
    deadlines.set(1, at(10));
    deadlines.set(2, at(10));
    let mut due = [deadlines.pop_due(at(10)), deadlines.pop_due(at(10))];
    due.sort();
    assert_eq!(due, [Some(1), Some(2)]);
}

#[test]
fn many_random_moves_end_like_a_plain_table() {
    let mut deadlines = Deadlines::new();
    let mut table: HashMap<u64, u64> = HashMap::new();
    let mut dice = Dice(3);
    let mut now = 0;
    for _ in 0..50_000 {
        let key = dice.below(300);
        match dice.below(10) {
            0 => {
                table.remove(&key);
                deadlines.remove(&key);
            }
            1 => {
                now += dice.below(30);
                while let Some(key) = deadlines.pop_due(at(now)) {
                    let due = table.remove(&key).expect("a key of the table");
                    assert!(due <= now);
                }
                assert!(table.values().all(|due| *due > now));
            }
            _ => {
                let due = now + dice.below(1000);
                table.insert(key, due);
                deadlines.set(key, at(due));
            }
        }
        assert_eq!(deadlines.len(), table.len());
        let soonest = table.values().min().map(|due| at(*due));
        assert_eq!(deadlines.soonest(), soonest);
    }
}
