//! The number, and what moves it.

use std::time::{Duration, Instant};

/// Growth a second while nothing speaks against it.
const GROWTH: f64 = 0.08;
/// Unproven growth ends at so many times the delivered rate.
const AHEAD: f64 = 1.5;
const LEAST: f64 = 10_000.0;
/// A fall needs a round trip and a feedback to show.
const FALL_GAP: Duration = Duration::from_millis(400);
/// So long after the last sign of congestion the number counts as a limit.
const FRESH: Duration = Duration::from_secs(2);
/// So long after it the congestion may well go on.
const PRESENT: Duration = Duration::from_millis(1200);

/// What the downlink is believed to carry, in bit/s on the link.
#[derive(Debug)]
pub(super) struct Estimate {
    rate: f64,
    moved: Instant,
    fell: Option<Instant>,
    congested: Option<Instant>,
    flooded: Option<Instant>,
    /// Loss would have it lower than the smallest picture needs.
    rests: bool,
}

impl Estimate {
    pub fn new(start: u64, now: Instant) -> Self {
        Estimate {
            rate: (start as f64).max(LEAST),
            moved: now,
            fell: None,
            congested: None,
            flooded: None,
            rests: false,
        }
    }

    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// The number is a limit that was felt, and not only what happened to be sent so far.
    pub fn congested(&self, now: Instant) -> bool {
        within(self.congested, FRESH, now)
    }

    /// Congestion is felt right now.
    pub fn pressed(&self, now: Instant) -> bool {
        within(self.congested, PRESENT, now)
    }

    /// What the smallest picture needs now. Where nothing but loss would take it away, the number
    /// rests there, and rises with it.
    pub fn rest(&mut self, floor: f64) {
        if self.rests {
            self.raise(floor);
        }
    }

    /// Nothing speaks against more. `limit`: the delivered rate.
    pub fn grow(&mut self, delivered: f64, now: Instant) {
        self.rests = false;
        let passed = self.pass(now).min(0.5);
        let grown = self.rate * (1.0 + GROWTH * passed);
        self.raise(grown.min(AHEAD * delivered));
    }

    /// Neither more nor less.
    pub fn hold(&mut self, now: Instant) {
        self.pass(now);
    }

    /// That much got through.
    pub fn raise(&mut self, rate: f64) {
        self.rate = self.rate.max(rate);
    }

    /// A queue grows on the way. `queue`: milliseconds.
    pub fn overused(&mut self, delivered: f64, queue: f64, now: Instant) {
        self.congested = Some(now);
        // A long queue must empty, not only stop growing.
        let factor = if queue > 400.0 { 0.6 } else { 0.85 };
        self.fall(factor * delivered, 0.0, now);
    }

    /// More is lost than chance explains. `floor`: what the smallest picture needs.
    pub fn lossy(&mut self, share: f64, delivered: f64, floor: f64, now: Instant) {
        self.congested = Some(now);
        let from = self.rate.min(AHEAD * delivered.max(LEAST));
        self.fall(from * (1.0 - 0.5 * share), floor, now);
    }

    /// So much is lost that only what arrived can be trusted. The first time it may have been
    /// one large burst; and a line without a queue (`chance`) may lose a good deal all the time,
    /// and for once more than that. Then the smallest picture stays.
    pub fn flooded(&mut self, delivered: f64, floor: f64, chance: bool, now: Instant) {
        let before = if chance { self.flooded } else { self.congested };
        let again = within(before, FRESH, now);
        let floor = if again { 0.0 } else { floor };
        self.congested = Some(now);
        self.flooded = Some(now);
        self.fall(0.95 * delivered, floor, now);
    }

    /// No feedback although packets go out.
    pub fn silence(&mut self, floor: f64, now: Instant) {
        self.congested = Some(now);
        self.fall(0.8 * self.rate, floor, now);
    }

    /// The receiver names a limit; `most`: what may be believed of it.
    pub fn told(&mut self, limit: f64, most: f64, now: Instant) {
        self.pass(now);
        self.rests = false;
        if limit < self.rate {
            self.congested = Some(now);
            self.rate = limit.max(LEAST);
        } else {
            self.raise(limit.min(most));
        }
    }

    /// A probe found less than was believed, without a word on what goes out otherwise.
    pub fn correct(&mut self, found: f64, carried: f64) {
        self.rate = self.rate.min(found).max(carried.min(self.rate));
    }

    fn fall(&mut self, to: f64, floor: f64, now: Instant) {
        self.pass(now);
        if within(self.fell, FALL_GAP, now) {
            return;
        }
        self.rests = floor > to;
        let floor = floor.min(self.rate);
        self.fell = Some(now);
        self.rate = to.min(self.rate).max(floor).max(LEAST);
    }

    fn pass(&mut self, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.moved).as_secs_f64();
        self.moved = now;
        passed
    }
}

/// It happened, and not longer ago than that.
fn within(at: Option<Instant>, span: Duration, now: Instant) -> bool {
    at.is_some_and(|at| now.saturating_duration_since(at) < span)
}
