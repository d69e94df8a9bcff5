//! A fixed-size log-linear histogram of microseconds.

use crate::report::LatencySummary;

/// Linear steps inside each power of two: the relative error is at most 1/32.
const STEPS: u64 = 32;
/// Values up to 2^36 us (19 hours) are told apart.
const BUCKETS: usize = (32 * STEPS) as usize;

#[derive(Clone)]
pub(crate) struct Histogram {
    buckets: Box<[u64]>,
    count: u64,
    max_us: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self {
            buckets: vec![0; BUCKETS].into_boxed_slice(),
            count: 0,
            max_us: 0,
        }
    }

    pub(crate) fn record(&mut self, us: u64) {
        self.buckets[bucket(us)] += 1;
        self.count += 1;
        self.max_us = self.max_us.max(us);
    }

    pub(crate) fn clear(&mut self) {
        self.buckets.fill(0);
        self.count = 0;
        self.max_us = 0;
    }

    pub(crate) fn summary(&self) -> LatencySummary {
        LatencySummary {
            count: self.count,
            p50_ms: self.quantile_ms(0.50),
            p95_ms: self.quantile_ms(0.95),
            p99_ms: self.quantile_ms(0.99),
            max_ms: self.max_us as f64 / 1000.0,
        }
    }

    fn quantile_ms(&self, quantile: f64) -> f64 {
        let wanted = (self.count as f64 * quantile).ceil() as u64;
        let mut seen = 0;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if *count > 0 && seen >= wanted {
                return upper_edge(index).min(self.max_us) as f64 / 1000.0;
            }
        }
        0.0
    }
}

fn bucket(us: u64) -> usize {
    if us < STEPS {
        return us as usize;
    }
    // The highest bit picks the power of two, the five bits below it the step.
    let power = us.ilog2() - STEPS.ilog2();
    let step = (us >> power) - STEPS;
    (((u64::from(power) + 1) * STEPS + step) as usize).min(BUCKETS - 1)
}

/// The greatest value that falls into bucket `index`.
fn upper_edge(index: usize) -> u64 {
    let index = index as u64;
    if index < STEPS {
        return index;
    }
    let power = index / STEPS - 1;
    ((index % STEPS + STEPS + 1) << power) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_bucket_within_a_thirty_second() {
        for us in (0..2000).chain([4095, 4096, 1_000_000, 3_600_000_000]) {
            let index = bucket(us);
            let edge = upper_edge(index);
            assert!(
                edge >= us && edge - us <= us / STEPS,
                "{us} -> {index} ..{edge}"
            );
            assert!(index == 0 || upper_edge(index - 1) < us);
        }
    }

    #[test]
    fn quantiles_are_of_the_recorded_values() {
        let mut histogram = Histogram::new();
        for us in 1..=1000 {
            histogram.record(us * 10);
        }
        let summary = histogram.summary();
        assert_eq!(summary.count, 1000);
        assert!((summary.p50_ms - 5.0).abs() < 0.2, "{summary:?}");
        assert!((summary.p99_ms - 9.9).abs() < 0.35, "{summary:?}");
        assert_eq!(summary.max_ms, 10.0);
    }

    #[test]
    fn an_empty_or_cleared_histogram_says_zero() {
        let mut histogram = Histogram::new();
        histogram.record(7);
        histogram.clear();
        let summary = histogram.summary();
        assert_eq!(
            (summary.count, summary.p99_ms, summary.max_ms),
            (0, 0.0, 0.0)
        );
    }

    #[test]
    fn a_value_beyond_the_range_stays_in_the_last_bucket() {
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }
}
