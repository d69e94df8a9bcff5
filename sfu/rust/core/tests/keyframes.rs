//! When a publisher is asked for a keyframe.

mod world;

use std::time::Duration;

use sluice_media_core::keyframes::KeyframeGate;
use world::at;

const GAP: Duration = Duration::from_millis(500);
const AGE: Duration = Duration::from_secs(4);

fn gate() -> KeyframeGate {
    KeyframeGate::new(at(0), AGE)
}

/// The times in `0..until` (in steps of 10 ms) at which it asks.
fn asks(
    gate: &mut KeyframeGate,
    until: u64,
    mut each: impl FnMut(&mut KeyframeGate, u64),
) -> Vec<u64> {
    (0..until)
        .step_by(10)
        .filter(|ms| {
            each(gate, *ms);
            gate.poll(at(*ms), GAP)
        })
        .collect()
}

#[test]
fn it_asks_at_once_and_once_when_somebody_cannot_decode() {
    let mut gate = gate();
    assert!(!gate.poll(at(0), GAP));
    gate.want();
    assert!(gate.poll(at(1), GAP));
    assert!(!gate.poll(at(2), GAP));
    assert!(!gate.poll(at(1000), GAP));
}

#[test]
fn a_thousand_wishes_are_one_request_and_the_next_comes_after_the_gap() {
    let mut gate = gate();
    let storm = asks(&mut gate, 2000, |gate, _| {
        for _ in 0..1000 {
            gate.want();
        }
    });
    assert_eq!(storm, [0, 500, 1000, 1500]);
}

#[test]
fn a_wish_within_the_gap_is_not_forgotten() {
    let mut gate = gate();
    gate.want();
    assert!(gate.poll(at(0), GAP));
    gate.want();
    assert!(!gate.poll(at(499), GAP));
    assert!(gate.poll(at(500), GAP));
}

#[test]
fn a_keyframe_fulfils_every_wish() {
    let mut gate = gate();
    gate.want();
    gate.keyframe(at(10));
    assert!(!gate.poll(at(11), GAP));
}

#[test]
fn it_asks_of_its_own_accord_when_the_last_keyframe_is_old() {
    let mut gate = gate();
    assert!(!gate.poll(at(3999), GAP));
    assert!(gate.poll(at(4000), GAP));
    gate.keyframe(at(4050));
    assert!(!gate.poll(at(8049), GAP));
    assert!(gate.poll(at(8050), GAP));
}

#[test]
fn a_publisher_that_sends_keyframes_in_time_is_never_asked() {
    let mut gate = gate();
    let asked = asks(&mut gate, 20_000, |gate, ms| {
        if ms % 2000 == 0 {
            gate.keyframe(at(ms));
        }
    });
    assert_eq!(asked, [] as [u64; 0]);
}

#[test]
fn a_publisher_that_does_not_answer_is_asked_once_an_age() {
    let mut gate = gate();
    assert_eq!(
        asks(&mut gate, 16_001, |_, _| {}),
        [4000, 8000, 12_000, 16_000]
    );
}

#[test]
fn a_wish_is_heard_in_spite_of_an_unanswered_request() {
    let mut gate = gate();
    assert!(gate.poll(at(4000), GAP));
    gate.want();
    assert!(!gate.poll(at(4499), GAP));
    assert!(gate.poll(at(4500), GAP));
}

#[test]
fn the_gap_may_change_from_one_look_to_the_next() {
    let mut gate = gate();
    gate.want();
    assert!(gate.poll(at(0), GAP));
    gate.want();
    // It became the largest layer meanwhile, whose keyframes cost the most.
    assert!(!gate.poll(at(999), 2 * GAP));
    assert!(gate.poll(at(1000), 2 * GAP));
    gate.want();
    assert!(gate.poll(at(1500), GAP));
}
