//! When a publisher is asked for a keyframe.

use std::time::{Duration, Instant};

/// Joins the keyframe requests of all viewers of a layer into few.
///
/// A thousand viewers that lose the same packet send a thousand PLIs; one is enough
/// (RFC 4585 section 6.3.1 leaves the damping to the middlebox).
#[derive(Debug)]
pub struct KeyframeGate {
    /// Ask of our own accord when no keyframe came for this long, so that the kept group of
    /// pictures stays short and joiners never need to ask.
    max_age: Duration,
    asked: Option<Instant>,
    wanted: bool,
    last_keyframe: Option<Instant>,
    started: Instant,
}

impl KeyframeGate {
    pub fn new(now: Instant, max_age: Duration) -> Self {
        KeyframeGate {
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

    /// True when a request must go to the publisher now, which is asked at most once in `min_gap`.
    /// Call it often; it is cheap.
    pub fn poll(&mut self, now: Instant, min_gap: Duration) -> bool {
        let newest = self.last_keyframe.unwrap_or(self.started);
        let old = now.saturating_duration_since(newest) >= self.max_age;
        // A publisher that does not answer to requests (OBS) is not asked every second for ever.
        let gap = match old && !self.wanted {
            true => self.max_age,
            false => min_gap,
        };
        let open = self
            .asked
            .is_none_or(|asked| now.saturating_duration_since(asked) >= gap);
        if open && (self.wanted || old) {
            self.asked = Some(now);
            self.wanted = false;
            return true;
        }
        false
    }
}
