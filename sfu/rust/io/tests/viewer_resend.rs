//! Which requests for a resend are granted.

use std::time::{Duration, Instant};

use sluice_media_io::viewer::resend::Resends;

/// Bytes that may be resent at once.
const BURST: usize = 96 * 1024;
const ROUND_TRIP: Option<Duration> = Some(Duration::from_millis(100));

struct World {
    resends: Resends,
    start: Instant,
}

fn world() -> World {
    let start = Instant::now();
    World {
        resends: Resends::new(start),
        start,
    }
}

impl World {
    fn grant(&mut self, number: u16, bytes: usize, ms: u64) -> bool {
        let now = self.start + Duration::from_millis(ms);
        self.resends.grant(number, bytes, ROUND_TRIP, now)
    }

    /// Resend packets of 1000 bytes, each with a number of its own, for as long as it goes.
    fn drain(&mut self, ms: u64) -> usize {
        let numbers = 0..1000;
        numbers.take_while(|n| self.grant(*n, 1000, ms)).count()
    }
}

#[test]
fn a_packet_goes_again_once_a_round_trip() {
    let mut world = world();
    let granted: Vec<u64> = (0..400)
        .step_by(10)
        .filter(|ms| world.grant(7, 100, *ms))
        .collect();
    assert_eq!(granted, [0, 100, 200, 300]);
}

#[test]
fn before_a_round_trip_was_measured_a_short_one_is_believed() {
    let mut world = world();
    let mut grant = |ms| {
        let now = world.start + Duration::from_millis(ms);
        world.resends.grant(7, 100, None, now)
    };
    assert!(grant(0) && !grant(39) && grant(40));
}

#[test]
fn other_packets_do_not_wait_for_it() {
    let mut world = world();
    assert!((0..128).all(|number| world.grant(number, 10, 0)));
    assert!((0..128).all(|number| !world.grant(number, 10, 99)));
    assert!(world.grant(128, 10, 99));
    assert!(world.grant(u16::MAX, 10, 99) && !world.grant(u16::MAX, 10, 100));
}

#[test]
fn a_large_picture_may_be_resent_at_once_and_then_nothing() {
    let mut world = world();
    assert_eq!(world.drain(0), BURST / 1000);
    assert!(!world.grant(5000, 1000, 10_000));
}

#[test]
fn resends_take_their_share_of_what_is_sent_and_no_more() {
    let mut world = world();
    world.drain(0);
    let mut resent = 0;
    for number in 1000..2000u16 {
        world.resends.sent(1000);
        if world.grant(number, 1000, u64::from(number)) {
            resent += 1;
        }
    }
    assert!((148..=151).contains(&resent), "{resent}");
}

#[test]
fn a_viewer_that_reports_loss_gets_as_much_more_up_to_a_bound() {
    for (lost, share) in [(0.0, 150), (0.1, 250), (0.25, 400), (0.9, 400), (-1.0, 150)] {
        let mut world = world();
        world.drain(0);
        world.resends.reported(lost);
        let grants = (1000..2000u16).filter(|number| {
            world.resends.sent(1000);
            world.grant(*number, 1000, u64::from(*number))
        });
        let resent = grants.count();
        assert!(resent.abs_diff(share) <= 2, "{lost}: {resent}");
    }
}

#[test]
fn a_viewer_without_loss_again_is_back_at_the_usual_share() {
    let mut world = world();
    world.resends.reported(0.2);
    world.resends.reported(0.0);
    world.drain(0);
    (0..100).for_each(|_| world.resends.sent(1000));
    assert_eq!(world.drain(1000), 15);
}

#[test]
fn what_was_not_used_is_saved_up_to_one_burst() {
    let mut world = world();
    (0..100_000).for_each(|_| world.resends.sent(1500));
    assert_eq!(world.drain(0), BURST / 1000);
}

#[test]
fn a_packet_that_was_refused_for_its_bytes_may_go_when_there_are_some() {
    let mut world = world();
    world.drain(0);
    assert!(!world.grant(5000, 1400, 1));
    (0..10).for_each(|_| world.resends.sent(1000));
    // Not a round trip later: it never went.
    assert!(world.grant(5000, 1400, 2));
}

#[test]
fn a_narrow_line_gets_no_more_at_once_than_it_carries_in_a_moment() {
    let mut world = world();
    world.resends.limit(6_000.0);
    assert_eq!(world.drain(0), 6);
    // It is a bound, and no gift.
    world.resends.limit(50_000.0);
    assert!(!world.grant(5000, 1000, 1));
    (0..100).for_each(|_| world.resends.sent(1000));
    world.resends.limit(6_000.0);
    assert_eq!(world.drain(1000), 6);
}
