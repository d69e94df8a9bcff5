//! A viewer of an encoding with layers inside: the best part of it that fits.

mod world;

use sluice_media_core::downlink::{Choice, Feedback};
use world::network::Link;
use world::sender::rung;
use world::viewing::Viewing;

const SEEDS: std::ops::RangeInclusive<u64> = 1..=5;
const MINUTE: u64 = 60_000;

/// A minute behind a link of this rate.
fn minute(rate: u64, mut check: impl FnMut(&str, &Viewing)) {
    for seed in SEEDS {
        let link = Link::new(rate, 77 * seed);
        let mut viewing = Viewing::scalable(Feedback::TransportWide, link, seed);
        viewing.run(MINUTE);
        let context = format!("{rate} bit/s, seed {seed}: {:?}", viewing.changes);
        check(&context, &viewing);
        assert!(viewing.longest_wait(1000, MINUTE) <= 200, "{context}");
    }
}

fn size(choice: Choice) -> Option<u8> {
    match choice {
        Choice::Layer(rung) => Some(rung.spatial),
        _ => None,
    }
}

#[test]
fn with_room_enough_it_climbs_rung_by_rung_to_the_whole_and_stays() {
    minute(10_000_000, |context, viewing| {
        let climbed: Vec<Choice> = viewing.changes.iter().map(|(_, to)| *to).collect();
        let rungs = [rung(0, 1), rung(1, 0), rung(1, 1), rung(2, 0), rung(2, 1)];
        assert_eq!(climbed, rungs.map(Choice::Layer), "{context}");
        assert!(viewing.settled(MINUTE) < 6000, "{context}");
    });
}

#[test]
fn between_two_sizes_the_larger_plays_with_half_its_pictures() {
    minute(2_300_000, |context, viewing| {
        let within = (6000..MINUTE).step_by(100);
        assert!(
            within.clone().all(|ms| size(viewing.chosen(ms)) == Some(2)),
            "{context}"
        );
        let half = within.filter(|ms| viewing.chosen(*ms) == Choice::Layer(rung(2, 0)));
        assert!(half.count() > 500, "{context}");
    });
}

#[test]
fn the_whole_of_a_size_that_fits_is_kept() {
    minute(1_000_000, |context, viewing| {
        assert_eq!(viewing.chosen(6000), Choice::Layer(rung(1, 1)), "{context}");
        assert_eq!(viewing.changes_within(6000, MINUTE), 0, "{context}");
    });
}

#[test]
fn the_smallest_picture_plays_on_a_link_that_carries_nothing_larger() {
    minute(250_000, |context, viewing| {
        let mut within = (0..MINUTE).step_by(100);
        assert!(
            within.all(|ms| size(viewing.chosen(ms)) == Some(0)),
            "{context}"
        );
    });
}

#[test]
fn where_only_half_the_smallest_pictures_fit_they_play() {
    for seed in SEEDS {
        let link = Link {
            steps: vec![(20_000_000, 180_000)],
            ..Link::new(3_600_000, 77 * seed)
        };
        let mut viewing = Viewing::scalable(Feedback::TransportWide, link, seed);
        viewing.run(MINUTE);
        let context = format!("seed {seed}: {:?}", viewing.changes);
        assert_eq!(
            viewing.chosen(19_900),
            Choice::Layer(rung(2, 1)),
            "{context}"
        );
        let mut within = (40_000..MINUTE).step_by(100);
        let least = |ms| viewing.chosen(ms) == Choice::Layer(rung(0, 0));
        assert!(within.clone().any(least), "{context}");
        assert!(
            within.all(|ms| size(viewing.chosen(ms)) == Some(0)),
            "{context}"
        );
    }
}
