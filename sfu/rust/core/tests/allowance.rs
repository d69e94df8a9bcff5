//! How much a stranger may send.

mod world;

use sluice_media_core::allowance::Allowance;
use world::at;

fn taken(allowance: &mut Allowance, tries: usize, ms: u64) -> usize {
    (0..tries).filter(|_| allowance.take(at(ms))).count()
}

#[test]
fn a_burst_is_taken_at_once_and_no_more() {
    let mut allowance = Allowance::new(20.0, 20.0, at(0));
    assert_eq!(taken(&mut allowance, 50, 0), 20);
}

#[test]
fn it_fills_at_its_rate() {
    let mut allowance = Allowance::new(20.0, 20.0, at(0));
    taken(&mut allowance, 20, 0);
    assert_eq!(taken(&mut allowance, 5, 49), 0);
    assert_eq!(taken(&mut allowance, 5, 100), 2);
    assert_eq!(taken(&mut allowance, 50, 600), 10);
}

#[test]
fn it_never_holds_more_than_a_burst() {
    let mut allowance = Allowance::new(20.0, 5.0, at(0));
    assert_eq!(taken(&mut allowance, 50, 1_000_000), 5);
}

#[test]
fn one_a_second_is_given_for_ever_to_whoever_keeps_to_it() {
    let mut allowance = Allowance::new(1.0, 1.0, at(0));
    assert_eq!(
        (0..1000).filter(|s| allowance.take(at(s * 1000))).count(),
        1000
    );
}

#[test]
fn a_refused_try_costs_nothing() {
    let mut allowance = Allowance::new(1.0, 1.0, at(0));
    assert!(allowance.take(at(0)));
    assert_eq!(taken(&mut allowance, 100, 500), 0);
    assert!(allowance.take(at(1000)));
}

#[test]
fn time_that_goes_back_gives_nothing() {
    let mut allowance = Allowance::new(10.0, 1.0, at(1000));
    assert!(allowance.take(at(1000)));
    assert!(!allowance.take(at(500)));
}

#[test]
fn to_ask_whether_there_is_one_takes_none() {
    let mut allowance = Allowance::new(1.0, 1.0, at(0));
    assert!((0..10).all(|_| allowance.has_one(at(0))));
    assert!(allowance.take(at(0)));
    assert!(!allowance.has_one(at(900)) && allowance.has_one(at(1000)));
}
