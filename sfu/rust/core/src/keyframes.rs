//! When a publisher is asked for a keyframe.

use std::time::{Duration, Instant};

/// Joins the keyframe requests of all viewers of a layer into few.
///
/// A thousand viewers that lose the same packet send a thousand PLIs; one is enough
/// (RFC 4585 section 6.3.1 leaves the damping to the middlebox).
#[derive(Debug)]
pub struct KeyframeGate {
    /// At most one request per this time.
    min_gap: Duration,
    /// Ask of our own accord when no keyframe came for this long, so that the kept group of
    /// pictures stays short and joiners never need to ask.
    max_age: Duration,
    asked: Option<Instant>,
    wanted: bool,
    last_keyframe: Option<Instant>,
    started: Instant,
}

impl KeyframeGate {
    pub fn new(now: Instant, min_gap: Duration, max_age: Duration) -> Self {
        KeyframeGate {
            min_gap,
            max_age,
            asked: None,
            wanted: false,
            last_keyframe: None,
            started: now,
        }
    }

    /// A viewer cannot decode.
    pub fn want(&mut self) {
        self.wanted = true;
    }

    /// A keyframe began: whoever wanted one has it.
    pub fn keyframe(&mut self, now: Instant) {
        self.last_keyframe = Some(now);
        self.wanted = false;
    }

    /// True when a request must go to the publisher now. Call it often; it is cheap.
    pub fn poll(&mut self, now: Instant) -> bool {
        let newest = self.last_keyframe.unwrap_or(self.started);
        let old = now.saturating_duration_since(newest) >= self.max_age;
        let open = self
            .asked
            .is_none_or(|asked| now.saturating_duration_since(asked) >= self.gap(old));
        if open && (self.wanted || old) {
            self.asked = Some(now);
            self.wanted = false;
            return true;
        }
        false
    }

    /// A publisher that does not answer to requests (OBS) is not asked twice a second for ever.
    fn gap(&self, old: bool) -> Duration {
        if old && !self.wanted {
            self.max_age
        } else {
            self.min_gap
        }
    }
}
