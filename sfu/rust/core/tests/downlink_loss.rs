//! Loss, jitter and packets out of order on a link that has room.

mod world;

use sluice_media_core::downlink::{Choice, Feedback};
use world::network::{Bursts, Link};
use world::viewing::{LOWEST, MID, TOP, Viewing};

const SEEDS: std::ops::RangeInclusive<u64> = 1..=6;
const MINUTE: u64 = 60_000;

fn free(seed: u64) -> Link {
    Link::new(10_000_000, 77 * seed)
}

fn watch(link: Link, seed: u64) -> Viewing {
    let mut viewing = Viewing::new(Feedback::TransportWide, link, seed);
    viewing.run(MINUTE);
    viewing
}

#[test]
fn one_in_a_hundred_lost_changes_nothing() {
    for seed in SEEDS {
        let viewing = watch(
            Link {
                loss: 10,
                ..free(seed)
            },
            seed,
        );
        let context = format!("seed {seed}: {:?}", viewing.changes);
        assert_eq!(viewing.chosen(3000), TOP, "{context}");
        assert_eq!(viewing.changes_within(3000, MINUTE), 0, "{context}");
    }
}

#[test]
fn five_in_a_hundred_lost_leave_a_middle_layer_at_least() {
    for seed in SEEDS {
        let viewing = watch(
            Link {
                loss: 50,
                ..free(seed)
            },
            seed,
        );
        let context = format!("seed {seed}: {:?}", viewing.changes);
        assert!(viewing.share(MID, 5000, MINUTE) > 0.999, "{context}");
        assert!(viewing.changes_within(5000, MINUTE) <= 1, "{context}");
        assert!(*viewing.estimates[30..].iter().min().unwrap() > 700_000);
    }
}

#[test]
fn ten_in_a_hundred_lost_make_nothing_flicker() {
    for seed in SEEDS {
        let viewing = watch(
            Link {
                loss: 100,
                ..free(seed)
            },
            seed,
        );
        let context = format!("seed {seed}: {:?}", viewing.changes);
        assert!(viewing.share(LOWEST, 1000, MINUTE) == 1.0, "{context}");
        assert!(viewing.changes_within(5000, MINUTE) <= 4, "{context}");
    }
}

#[test]
fn twenty_in_a_hundred_lost_lead_to_the_lowest_and_not_to_nothing() {
    for seed in SEEDS {
        let viewing = watch(
            Link {
                loss: 200,
                ..free(seed)
            },
            seed,
        );
        let context = format!("seed {seed}: {:?}", viewing.changes);
        assert_eq!(viewing.chosen(15_000), LOWEST, "{context}");
        assert_eq!(viewing.changes_within(15_000, MINUTE), 0, "{context}");
    }
}

#[test]
fn a_worse_second_at_twenty_in_a_hundred_takes_nobodys_picture() {
    let mut without = Vec::new();
    for seed in 1..=100 {
        let link = Link {
            loss: 200,
            ..free(seed)
        };
        let viewing = watch(link, seed);
        if viewing.share(LOWEST, 1000, MINUTE) < 1.0 {
            without.push((seed, viewing.changes));
        }
    }
    assert!(without.is_empty(), "{} of 100: {without:?}", without.len());
}

#[test]
fn bursts_of_loss_now_and_then_push_nobody_down() {
    let bursts = Bursts {
        begin: 3,
        end: 200,
        bad: false,
    };
    for seed in SEEDS {
        let link = Link {
            bursts: Some(bursts.clone()),
            ..free(seed)
        };
        let viewing = watch(link, seed);
        let context = format!("seed {seed}: {:?}", viewing.changes);
        assert_eq!(viewing.chosen(5000), TOP, "{context}");
        assert_eq!(viewing.changes_within(5000, MINUTE), 0, "{context}");
    }
}

#[test]
fn jitter_and_packets_out_of_order_push_nobody_down() {
    for seed in SEEDS {
        for shuffles in [false, true] {
            let link = Link {
                jitter: 30_000,
                reorder: 50,
                shuffles,
                ..free(seed)
            };
            let viewing = watch(link, seed);
            let context = format!("seed {seed}, {shuffles}: {:?}", viewing.changes);
            assert_eq!(viewing.chosen(10_000), TOP, "{context}");
            let order: Vec<Choice> = viewing.changes.iter().map(|(_, to)| *to).collect();
            assert!(order.is_sorted_by_key(rank), "{context}");
        }
    }
}

#[test]
fn lost_feedback_pushes_nobody_down() {
    for seed in SEEDS {
        let mut viewing = Viewing::new(Feedback::TransportWide, free(seed), seed);
        viewing.feedback_loss = 200;
        viewing.run(MINUTE);
        let context = format!("seed {seed}: {:?}", viewing.changes);
        assert_eq!(viewing.chosen(10_000), TOP, "{context}");
        let order: Vec<Choice> = viewing.changes.iter().map(|(_, to)| *to).collect();
        assert!(order.is_sorted_by_key(rank), "{context}");
        // Estimates never exceed what a probe or the picture sent, plus what is allowed ahead.
        assert!(*viewing.estimates.iter().max().unwrap() < 8_000_000);
    }
}

fn rank(choice: &Choice) -> u64 {
    match choice {
        Choice::Layer(rung) => rung.source.0,
        _ => 0,
    }
}
