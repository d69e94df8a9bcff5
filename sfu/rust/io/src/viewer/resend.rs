//! Which requests for a resend are granted.

use std::time::{Duration, Instant};

/// Numbers whose last resend is remembered.
const REMEMBERED: usize = 128;
/// Before a round trip was measured.
const FIRST_ROUND_TRIP: Duration = Duration::from_millis(40);
/// Resends may take this share of what is sent...
const SHARE: f32 = 0.15;
/// ...and, where the viewer's reports tell of loss, that much more, at most.
const MOST_LOSS: f32 = 0.25;
/// Bytes that may be resent at once: a large picture.
const BURST: f32 = 96.0 * 1024.0;

/// Grants resends to one viewer: each packet once a round trip, and a bounded share of the bytes.
pub struct Resends {
    recent: Box<[(u16, Option<Instant>); REMEMBERED]>,
    credit: f32,
    share: f32,
}

impl Resends {
    pub fn new() -> Self {
        Resends {
            recent: Box::new([(0, None); REMEMBERED]),
            credit: BURST,
            share: SHARE,
        }
    }

    /// The viewer reports this fraction lost.
    pub fn reported(&mut self, lost: f32) {
        self.share = SHARE + lost.clamp(0.0, MOST_LOSS);
    }

    /// Media of this size left.
    pub fn sent(&mut self, bytes: usize) {
        self.credit = (self.credit + bytes as f32 * self.share).min(BURST);
    }

    /// May the packet with this number go again?
    pub fn grant(
        &mut self,
        number: u16,
        bytes: usize,
        round_trip: Option<Duration>,
        now: Instant,
    ) -> bool {
        let place = &mut self.recent[usize::from(number) % REMEMBERED];
        let gap = round_trip.unwrap_or(FIRST_ROUND_TRIP);
        let again = place.0 == number
            && place
                .1
                .is_some_and(|at| now.saturating_duration_since(at) < gap);
        if again || self.credit < bytes as f32 {
            return false;
        }
        self.credit -= bytes as f32;
        *place = (number, Some(now));
        true
    }
}

impl Default for Resends {
    fn default() -> Self {
        Self::new()
    }
}
