//! How much a stranger may send.

use std::time::Instant;

/// A token bucket: `rate` a second, at most `burst` at once.
#[derive(Debug)]
pub struct Allowance {
    rate: f64,
    burst: f64,
    left: f64,
    filled: Instant,
}

impl Allowance {
    pub fn new(rate: f64, burst: f64, now: Instant) -> Self {
        Allowance {
            rate,
            burst,
            left: burst,
            filled: now,
        }
    }

    /// Whether one may be taken.
    pub fn has_one(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.left = (self.left + passed * self.rate).min(self.burst);
        self.filled = now;
        self.left >= 1.0
    }

    /// Take one. False when there is none left.
    pub fn take(&mut self, now: Instant) -> bool {
        let has = self.has_one(now);
        if has {
            self.left -= 1.0;
        }
        has
    }
}
