//! Feedback that lies gains nothing, and breaks nothing.

mod world;

use sluice_media_core::downlink::{Downlink, Feedback};
use world::sender::{AUDIO, Sender};
use world::{Dice, at};

const START: u64 = 100_000;

fn downlink() -> Downlink {
    Downlink::new(Feedback::TransportWide, START, at(0))
}

/// Ten seconds of a megabit, told of as `arrival` says (number, ms sent). The largest estimate.
fn largest(arrival: impl Fn(u64, u64) -> Option<i64>) -> u64 {
    let mut downlink = downlink();
    let mut largest = 0;
    for number in 0..1000 {
        let ms = number * 10;
        downlink.sent(number as u16, 1250 - 28, at(ms));
        if number % 10 == 9 {
            let told = (number - 9..=number).map(|told| (told as u16, arrival(told, told * 10)));
            downlink.feedback(told, at(ms + 20));
            largest = largest.max(downlink.estimate());
        }
    }
    largest
}

#[test]
fn honest_feedback_proves_what_was_sent() {
    let largest = largest(|_, ms| Some(ms as i64 * 1000));
    assert!((950_000..1_600_000).contains(&largest), "{largest}");
}

#[test]
fn arrival_times_cannot_prove_more_than_was_sent() {
    let all_at_once = largest(|_, _| Some(5));
    let backwards = largest(|_, ms| Some(-(ms as i64) * 1000));
    let far_apart = largest(|number, _| Some((number as i64 % 2) * i64::MAX));
    let extreme = largest(|number, _| Some(if number % 3 == 0 { i64::MIN } else { i64::MAX }));
    let squeezed = largest(|_, ms| Some(ms as i64));
    for estimate in [all_at_once, backwards, far_apart, extreme, squeezed] {
        assert!(estimate < 1_700_000, "{estimate}");
    }
}

#[test]
fn packets_that_were_never_sent_are_counted_and_nothing_else() {
    let mut downlink = downlink();
    for ms in 0..100 {
        let told = (0..1000).map(|number| (number, Some(i64::from(number))));
        downlink.feedback(told, at(ms * 50));
    }
    assert_eq!(downlink.estimate(), START);
    assert_eq!(downlink.counters.unknown, 100_000);
}

#[test]
fn a_packet_counts_once() {
    let mut once = downlink();
    let mut often = downlink();
    for number in 0..500_u16 {
        let ms = u64::from(number) * 10;
        let told = |count: usize| (0..count).map(move |_| (number, Some(ms as i64 * 1000)));
        for (downlink, count) in [(&mut once, 1), (&mut often, 50)] {
            downlink.sent(number, 1000, at(ms));
            downlink.feedback(told(count), at(ms + 10));
        }
    }
    assert_eq!(once.estimate(), often.estimate());
    assert_eq!(once.counters.repeated, 0);
    assert_eq!(often.counters.repeated, 500 * 49);
}

#[test]
fn a_packet_called_lost_and_then_arrived_is_no_loss() {
    let mut downlink = downlink();
    for number in 0..1000_u16 {
        let ms = u64::from(number) * 10;
        downlink.sent(number, 1222, at(ms));
        downlink.feedback([(number, None)].into_iter(), at(ms + 5));
        downlink.feedback([(number, Some(ms as i64 * 1000))].into_iter(), at(ms + 9));
    }
    assert!(downlink.estimate() > 900_000, "{}", downlink.estimate());
    assert_eq!(downlink.counters.repeated, 0);
}

#[test]
fn numbers_wrap_around() {
    let mut downlink = downlink();
    for count in 0..200_000_u64 {
        let number = count as u16;
        downlink.sent(number, 1222, at(count));
        downlink.feedback(
            [(number, Some(count as i64 * 1000))].into_iter(),
            at(count + 1),
        );
    }
    assert_eq!(downlink.counters.unknown, 0);
    assert!(downlink.estimate() > 9_000_000, "{}", downlink.estimate());
}

#[test]
fn nonsense_breaks_nothing() {
    for seed in 0..20 {
        let mut dice = Dice(seed);
        let mut downlink = downlink();
        let mut now = 0;
        let mut number = 0_u16;
        let mut sent = 0;
        for _ in 0..5000 {
            now += dice.below(30);
            for _ in 0..dice.below(4) {
                let bytes = dice.below(2000) as usize;
                downlink.sent(number, bytes, at(now));
                number = number.wrapping_add(1);
                sent += bytes + 28;
            }
            let lines = dice.below(20);
            let bits = dice.below(64) as u32;
            let told: Vec<(u16, Option<i64>)> = (0..lines)
                .map(|_| {
                    let far = (dice.roll() << 32 | dice.roll()) as i64 >> bits;
                    let about = number.wrapping_sub(dice.below(100) as u16);
                    (about, (dice.below(4) > 0).then_some(far))
                })
                .collect();
            downlink.feedback(told.into_iter(), at(now));
            if dice.below(10) == 0 {
                downlink.choose(&Sender::layers(), AUDIO, at(now));
            }
            sent += downlink.padding(at(now));
        }
        let rate = sent as u64 * 8 * 1000 / now.max(1);
        assert!(
            downlink.estimate() < 4 * rate,
            "{} {rate}",
            downlink.estimate()
        );
    }
}

#[test]
fn a_viewer_is_small() {
    assert!(
        size_of::<Downlink>() + 1024 * 8 < 12_000,
        "{}",
        size_of::<Downlink>()
    );
}
