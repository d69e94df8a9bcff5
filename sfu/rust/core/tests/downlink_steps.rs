//! A viewer behind a link that changes.

mod world;

use sluice_media_core::downlink::{Choice, Feedback};
use world::network::Link;
use world::viewing::{LOWEST, MID, TOP, Viewing};

const SEEDS: std::ops::RangeInclusive<u64> = 1..=6;

/// Ten megabits, so many from 20 to 40 seconds, and ten again.
fn steps(rate: u64, seed: u64) -> Link {
    Link {
        steps: vec![(20_000_000, rate), (40_000_000, 10_000_000)],
        ..Link::new(10_000_000, 77 * seed)
    }
}

fn watch(link: Link, seed: u64) -> Viewing {
    let mut viewing = Viewing::new(Feedback::TransportWide, link, seed);
    viewing.run(70_000);
    viewing
}

#[test]
fn a_fall_to_300_kilobits_is_followed_at_once_and_its_end_soon() {
    for seed in SEEDS {
        let viewing = watch(steps(300_000, seed), seed);
        let context = format!("seed {seed}: {:?}", viewing.changes);
        assert_eq!(viewing.chosen(19_900), TOP, "{context}");
        assert_eq!(viewing.chosen(22_000), LOWEST, "{context}");
        assert_eq!(viewing.changes_within(22_000, 40_000), 0, "{context}");
        assert_eq!(viewing.chosen(55_000), TOP, "{context}");
        assert_eq!(viewing.changes_within(55_000, 70_000), 0, "{context}");
        assert!(viewing.longest_wait(21_000, 70_000) <= 200, "{context}");
    }
}

#[test]
fn a_policer_that_comes_and_goes_is_followed_by_what_is_lost() {
    for seed in SEEDS {
        let link = Link {
            bucket: 16_000,
            queue: 0,
            ..steps(300_000, seed)
        };
        let viewing = watch(link, seed);
        let context = format!("seed {seed}: {:?}", viewing.changes);
        assert_eq!(viewing.chosen(22_000), LOWEST, "{context}");
        assert_eq!(viewing.changes_within(22_000, 40_000), 0, "{context}");
        assert_eq!(viewing.chosen(55_000), TOP, "{context}");
    }
}

#[test]
fn where_no_picture_fits_sound_remains_and_the_picture_comes_back() {
    for seed in SEEDS {
        let viewing = watch(steps(150_000, seed), seed);
        let context = format!("seed {seed}: {:?}", viewing.changes);
        assert_eq!(viewing.chosen(24_000), Choice::AudioOnly, "{context}");
        assert_eq!(viewing.changes_within(24_000, 40_000), 0, "{context}");
        assert_eq!(viewing.chosen(55_000), TOP, "{context}");
    }
}

/// A queue of one and a half seconds, as slow links have them: it must empty, and what a probe
/// fills of it is less.
#[test]
fn a_bloated_queue_is_emptied() {
    for seed in SEEDS {
        let link = Link {
            queue: 1_500_000,
            ..steps(300_000, seed)
        };
        let viewing = watch(link, seed);
        let context = format!(
            "seed {seed}: {:?} {:?}",
            viewing.changes,
            &viewing.waits[200..300]
        );
        assert!(viewing.chosen(21_500) == LOWEST, "{context}");
        assert!(viewing.longest_wait(26_000, 70_000) < 1100, "{context}");
        assert_eq!(viewing.chosen(55_000), TOP, "{context}");
    }
}

#[test]
fn a_step_to_a_megabit_leads_to_the_middle() {
    for seed in SEEDS {
        let viewing = watch(steps(1_000_000, seed), seed);
        let context = format!("seed {seed}: {:?}", viewing.changes);
        assert_eq!(viewing.chosen(23_000), MID, "{context}");
        assert!(viewing.share(MID, 23_000, 40_000) > 0.6, "{context}");
        assert_eq!(viewing.chosen(55_000), TOP, "{context}");
    }
}

/// What was sent in silence may have been lost: less goes out, but a picture stays.
#[test]
fn silence_lowers_carefully_and_is_forgotten_when_it_ends() {
    for seed in SEEDS {
        let mut viewing = Viewing::new(
            Feedback::TransportWide,
            Link::new(10_000_000, 77 * seed),
            seed,
        );
        viewing.silent = Some((20_000, 30_000));
        viewing.run(50_000);
        let context = format!("seed {seed}: {:?}", viewing.changes);
        assert_eq!(viewing.chosen(21_500), TOP, "{context}");
        assert_eq!(viewing.chosen(29_900), LOWEST, "{context}");
        assert_eq!(viewing.chosen(40_000), TOP, "{context}");
    }
}
