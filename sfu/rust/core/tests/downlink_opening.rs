//! What the spacing of the first burst tells of a line: that of its later half.

mod world;

use sluice_media_core::downlink::{Downlink, Feedback};
use world::at;

const BYTES: usize = 1000 - 28;

/// Six packets of a burst, and how many microseconds apart each arrives behind the first.
fn opened(arrivals: &[i64]) -> Downlink {
    let mut downlink = Downlink::new(Feedback::TransportWide, 300_000, at(0));
    downlink.sent(0, 100, at(10)); // a sound before it
    downlink.open(at(20));
    for number in 1..=6 {
        downlink.sent(number, BYTES, at(20));
    }
    downlink.sent(7, BYTES, at(24)); // the next turn
    let told = (1..).zip(arrivals).map(|(number, at)| (number, Some(*at)));
    downlink.feedback(told.chain([(0, Some(0)), (7, Some(900_000))]), at(80));
    downlink
}

#[test]
fn a_line_spreads_it_out_by_what_it_carries() {
    // 8,000 bits each 13.3 ms.
    let arrivals: Vec<i64> = (0..6).map(|index| 5_000 + 13_333 * index).collect();
    let rate = opened(&arrivals).opening().expect("enough was told");
    assert!((598_000..602_000).contains(&rate), "{rate}");
}

#[test]
fn what_arrives_at_once_says_that_anything_goes() {
    let rate = opened(&[5_000; 6]).opening().expect("enough was told");
    assert!(rate > 1_000_000_000, "{rate}");
}

#[test]
fn their_order_is_all_the_same() {
    let rate = opened(&[20_000, 0, 50_000, 10_000, 40_000, 30_000]).opening();
    assert_eq!(rate, Some(800_000));
}

#[test]
fn a_bucket_that_half_of_it_fits_into_fools_nobody() {
    let rate = opened(&[0, 100, 200, 13_533, 26_867, 40_200]).opening();
    assert!(
        rate.is_some_and(|rate| (598_000..602_000).contains(&rate)),
        "{rate:?}"
    );
}

#[test]
fn it_says_nothing_before_all_was_told_of() {
    assert_eq!(opened(&[0, 10_000, 20_000, 30_000, 40_000]).opening(), None);
}

#[test]
fn the_estimate_does_not_rest_on_it() {
    assert_eq!(opened(&[5_000; 6]).estimate(), 300_000);
}
