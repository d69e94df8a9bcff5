//! A histogram that many threads write and anybody reads.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Counts by upper bound, and the sum.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One more than bounds: the last is for everything above.
    counts: Box<[AtomicU64]>,
    /// In millionths, so that adding is one instruction.
    sum: AtomicU64,
}

impl Histogram {
    /// `bounds` ascend.
    pub fn new(bounds: &'static [f64]) -> Self {
        Histogram {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    pub fn observe(&self, value: f64) {
        self.observe_many(value, 1);
    }

    /// The same value `times` times.
    pub fn observe_many(&self, value: f64, times: u64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        self.counts[place].fetch_add(times, Relaxed);
        self.sum.fetch_add((value * 1e6) as u64 * times, Relaxed);
    }

    pub fn bounds(&self) -> &'static [f64] {
        self.bounds
    }

    /// Not cumulative.
    pub fn counts(&self) -> Vec<u64> {
        self.counts
            .iter()
            .map(|count| count.load(Relaxed))
            .collect()
    }

    pub fn sum(&self) -> f64 {
        self.sum.load(Relaxed) as f64 / 1e6
    }
}
