//! A histogram that many threads write.

use std::thread;

use sluice_media_io::histogram::Histogram;

const BOUNDS: &[f64] = &[0.001, 0.01, 1.0];

#[test]
fn a_value_counts_under_the_first_bound_that_is_not_below_it() {
    let histogram = Histogram::new(BOUNDS);
    for value in [0.0, 0.001, 0.0011, 0.01, 0.5, 1.0, 1.1, 1e9] {
        histogram.observe(value);
    }
    assert_eq!(histogram.counts(), [2, 2, 2, 2]);
    assert_eq!(histogram.bounds(), BOUNDS);
}

#[test]
fn an_empty_histogram_has_a_place_for_each_bound_and_one_above() {
    let histogram = Histogram::new(BOUNDS);
    assert_eq!((histogram.counts(), histogram.sum()), (vec![0; 4], 0.0));
}

#[test]
fn the_sum_is_exact_to_the_millionth() {
    let histogram = Histogram::new(BOUNDS);
    histogram.observe(0.000_25);
    histogram.observe(2.5);
    histogram.observe_many(0.5, 3);
    assert_eq!(histogram.counts(), [1, 0, 3, 1]);
    assert!((histogram.sum() - 4.000_25).abs() < 1e-9);
}

#[test]
fn nothing_is_lost_between_threads() {
    let histogram = Histogram::new(BOUNDS);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..10_000).for_each(|_| histogram.observe(0.002)));
        }
    });
    assert_eq!(histogram.counts(), [0, 40_000, 0, 0]);
    assert!((histogram.sum() - 80.0).abs() < 1e-6);
}
