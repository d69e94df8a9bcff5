//! Which requests for a resend are granted.

use std::time::{Duration, Instant};

use sluice_media_io::viewer::resend::Resends;

const TRIP: Option<Duration> = Some(Duration::from_millis(50));
const BYTES: usize = 1000;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn a_packet_goes_again_once_a_round_trip() {
    let start = Instant::now();
    let mut resends = Resends::new(start);
    let granted: Vec<u64> = (0..200)
        .filter(|at| resends.grant(7, BYTES, TRIP, start + ms(*at)))
        .collect();
    assert_eq!(granted, [0, 50, 100, 150]);
}

#[test]
fn asking_for_many_gains_none_of_them_a_second_time() {
    let start = Instant::now();
    let mut resends = Resends::new(start);
    let mut granted = vec![0; 1024];
    for _ in 0..10 {
        for number in 0..1024_u16 {
            let free = resends.grant(number, 1, TRIP, start + ms(10));
            granted[usize::from(number)] += usize::from(free);
        }
    }
    assert!(granted.iter().all(|times| *times <= 1));
    assert_eq!(granted.iter().sum::<usize>(), 256);
}

#[test]
fn a_round_trip_of_nothing_or_for_ever_is_not_believed() {
    let start = Instant::now();
    let mut resends = Resends::new(start);
    assert!(resends.grant(1, BYTES, Some(Duration::ZERO), start));
    assert!(!resends.grant(1, BYTES, Some(Duration::ZERO), start + ms(4)));
    assert!(resends.grant(1, BYTES, Some(Duration::ZERO), start + ms(5)));
    let age = Some(Duration::from_secs(60_000));
    assert!(!resends.grant(1, BYTES, age, start + ms(2004)));
    assert!(resends.grant(1, BYTES, age, start + ms(2005)));
}

/// The share of `media` bytes that goes again when everything is asked for all the time, and the
/// viewer reports this loss.
fn share(reported: f32) -> f64 {
    let start = Instant::now();
    let mut resends = Resends::new(start);
    resends.reported(reported);
    let (mut media, mut resent) = (0, 0);
    for number in 0..20_000_u64 {
        resends.sent(BYTES);
        let now = start + ms(number);
        for lost in number.saturating_sub(200)..=number {
            let free = resends.grant(lost as u16, BYTES, TRIP, now);
            // The first seconds use up what may go at once.
            resent += usize::from(free && number > 2000) * BYTES;
        }
        media += usize::from(number > 2000) * BYTES;
    }
    resent as f64 / media as f64
}

#[test]
fn resends_are_a_bounded_share_of_the_media() {
    let expected = [(0.0, 0.15), (0.1, 0.25), (0.25, 0.4), (1.0, 0.4)];
    for (reported, most) in expected {
        let share = share(reported);
        assert!(
            (most - 0.01..=most + 0.001).contains(&share),
            "{reported}: {share}"
        );
    }
}
