//! Viewers that tell less: a bitrate, or only how much was lost.

mod world;

use std::time::Duration;

use sluice_media_core::downlink::{Choice, Downlink, Feedback};
use world::at;
use world::network::Link;
use world::sender::{AUDIO, Sender};
use world::viewing::{LOWEST, MID, TOP, Viewing};

const SEEDS: std::ops::RangeInclusive<u64> = 1..=4;

fn watch(kind: Feedback, link: Link, seed: u64, until: u64) -> Viewing {
    let mut viewing = Viewing::new(kind, link, seed);
    viewing.run(until);
    viewing
}

/// The receiver's own estimate grows by 8 % a second, and padding makes room for it to grow.
#[test]
fn a_receiver_that_names_more_and_more_gets_it() {
    for seed in SEEDS {
        let link = Link::new(10_000_000, seed);
        let viewing = watch(Feedback::Remb, link, seed, 60_000);
        let context = format!("seed {seed}: {:?}", viewing.changes);
        assert_eq!(viewing.chosen(20_000), MID, "{context}");
        assert_eq!(viewing.chosen(45_000), TOP, "{context}");
        assert_eq!(viewing.changes.len(), 3, "{context}");
    }
}

#[test]
fn a_named_limit_is_followed_down_and_up() {
    for seed in SEEDS {
        let link = Link {
            steps: vec![(50_000_000, 300_000), (70_000_000, 10_000_000)],
            ..Link::new(10_000_000, seed)
        };
        let viewing = watch(Feedback::Remb, link, seed, 120_000);
        let context = format!("seed {seed}: {:?}", viewing.changes);
        assert_eq!(viewing.chosen(49_900), TOP, "{context}");
        assert!(viewing.share(MID, 53_000, 70_000) == 0.0, "{context}");
        assert_eq!(viewing.chosen(119_000), TOP, "{context}");
    }
}

#[test]
fn a_small_link_is_never_overfilled_for_long() {
    for seed in SEEDS {
        let link = Link::new(600_000, seed);
        let viewing = watch(Feedback::Remb, link, seed, 60_000);
        let context = format!("seed {seed}: {:?}", viewing.changes);
        assert_eq!(viewing.changes, [(0, LOWEST)], "{context}");
    }
}

#[test]
fn a_named_rate_counts_up_to_one_and_a_half_times_what_is_sent() {
    let mut downlink = Downlink::new(Feedback::Remb, 100_000, at(0));
    for ms in (0..2000).step_by(10) {
        downlink.sent(ms as u16, 1250 - 28, at(ms));
    }
    downlink.remb(u64::MAX, at(2000));
    let estimate = downlink.estimate();
    assert!((1_400_000..1_600_000).contains(&estimate), "{estimate}");
    downlink.remb(0, at(2010));
    assert_eq!(downlink.estimate(), 10_000);
}

#[test]
fn whoever_tells_nothing_gets_the_largest() {
    let mut downlink = Downlink::new(Feedback::None, 300_000, at(0));
    for ms in (0..10_000).step_by(100) {
        downlink.sent(ms as u16, 1200, at(ms));
        downlink.report(0.01, None, at(ms));
        assert_eq!(downlink.choose(&Sender::layers(), AUDIO, at(ms)), TOP);
        assert_eq!(downlink.wake_at(), None);
    }
}

#[test]
fn whoever_tells_only_of_loss_gets_less_when_much_is_lost() {
    for seed in SEEDS {
        let viewing = watch(Feedback::None, Link::new(1_000_000, seed), seed, 30_000);
        let context = format!("seed {seed}: {:?}", viewing.changes);
        assert_eq!(viewing.chosen(900), TOP, "{context}");
        assert_eq!(viewing.chosen(4000), MID, "{context}");
        assert_eq!(viewing.changes_within(4000, 30_000), 0, "{context}");
        let viewing = watch(Feedback::None, Link::new(100_000, seed), seed, 20_000);
        assert_eq!(viewing.choice, Choice::AudioOnly);
    }
}

#[test]
fn a_report_of_nonsense_moves_nothing() {
    let mut downlink = Downlink::new(Feedback::None, 300_000, at(0));
    for lost in [f32::NAN, f32::INFINITY, -1.0] {
        downlink.report(lost, Some(Duration::MAX), at(10));
        assert_eq!(downlink.choose(&Sender::layers(), AUDIO, at(10)), TOP);
    }
}
