//! A viewer whose first burst told something of its link: a fast one gets the largest picture
//! sooner, and one that only looked fast gets no other than without.

mod world;

use sluice_media_core::downlink::Choice;
use world::network::Link;
use world::viewing::{LOWEST, MID, TOP, Viewing};

const SEEDS: std::ops::RangeInclusive<u64> = 1..=5;
const MINUTE: u64 = 60_000;

/// A minute behind bottlenecks of this rate: a queue, buckets into which the first burst fits and
/// does not fit, and a policer.
fn minutes(rate: u64, mut check: impl FnMut(&str, &Viewing)) {
    for seed in SEEDS {
        let link = Link::new(rate, 77 * seed);
        let bucket = |bytes| Link {
            bucket: bytes,
            ..link.clone()
        };
        let policer = Link {
            queue: 0,
            ..bucket(16_000)
        };
        let links = [
            ("a queue", link.clone()),
            ("a small bucket", bucket(3_000)),
            ("a bucket", bucket(16_000)),
            ("a policer", policer),
        ];
        for (name, link) in links {
            let mut viewing = Viewing::opened(link, seed);
            viewing.run(MINUTE);
            let context = format!("{name}, seed {seed}: {:?}", viewing.changes);
            check(&context, &viewing);
            assert!(viewing.longest_wait(1000, MINUTE) <= 300, "{context}");
        }
    }
}

#[test]
fn a_fast_link_gets_the_largest_picture_within_one_second_and_a_half() {
    minutes(10_000_000, |context, viewing| {
        assert_eq!(viewing.chosen(1500), TOP, "{context}");
        assert_eq!(viewing.changes_within(1500, MINUTE), 0, "{context}");
        assert!(viewing.longest_wait(0, MINUTE) < 50, "{context}");
    });
}

#[test]
fn one_that_only_looked_fast_gets_what_it_carries() {
    for (rate, expected) in [(3_000_000, MID), (1_000_000, MID)] {
        minutes(rate, |context, viewing| {
            assert_eq!(viewing.chosen(3000), expected, "{rate}: {context}");
            assert_eq!(viewing.changes_within(3000, MINUTE), 0, "{rate}: {context}");
        });
    }
}

#[test]
fn a_narrow_one_keeps_the_lowest() {
    minutes(600_000, |context, viewing| {
        let near = context.starts_with("a policer") && viewing.chosen(3000) == MID;
        assert!(near || viewing.chosen(3000) == LOWEST, "{context}");
        assert_eq!(viewing.changes_within(3000, MINUTE), 0, "{context}");
    });
}

/// It needs 199 kbit/s with sound and headers; the replay leaves a queue, which takes seconds to
/// empty.
#[test]
fn one_that_carries_the_lowest_only_just_keeps_it() {
    minutes(215_000, |context, viewing| {
        assert_eq!(viewing.changes.len(), 1, "{context}");
        assert_eq!(viewing.choice, LOWEST, "{context}");
    });
}

#[test]
fn a_very_narrow_one_keeps_the_sound() {
    minutes(150_000, |context, viewing| {
        let choice = viewing.choice;
        assert!(choice == Choice::AudioOnly || choice == LOWEST, "{context}");
        assert!(viewing.changes.len() <= 2, "{context}");
    });
}
