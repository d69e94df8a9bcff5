//! Each check proves and chooses a path once.

use sluice_media_core::checks::Checks;
use sluice_media_core::demux::Transaction;
use sluice_media_core::routes::Path;

fn path(port: u16) -> Path {
    Path::Udp(([192, 0, 2, 1], port).into())
}

fn transaction(number: u8) -> Transaction {
    [number; 12]
}

#[test]
fn a_check_that_was_answered_is_overheard_on_every_other_path() {
    let mut checks = Checks::default();
    assert!(!checks.is_overheard(transaction(1), path(1)));
    assert!(checks.answered(transaction(1), path(1)));
    assert!(checks.is_overheard(transaction(1), path(2)));
    assert!(!checks.is_overheard(transaction(1), path(1)));
    assert!(!checks.is_overheard(transaction(2), path(2)));
}

#[test]
fn a_check_that_is_sent_again_says_nothing_that_is_new() {
    let mut checks = Checks::default();
    assert!(checks.answered(transaction(1), path(1)));
    assert!(checks.answered(transaction(2), path(2)));
    assert!(!checks.answered(transaction(1), path(1)));
    assert!(!checks.answered(transaction(2), path(2)));
}

#[test]
fn the_last_64_are_remembered_and_no_more() {
    let mut checks = Checks::default();
    for number in 0..=64 {
        assert!(checks.answered(transaction(number), path(1)));
    }
    assert!(!checks.is_overheard(transaction(0), path(2)));
    for number in 1..=64 {
        assert!(
            checks.is_overheard(transaction(number), path(2)),
            "{number}"
        );
    }
}
