//! Which requests for a resend are granted.

use std::time::{Duration, Instant};

/// Numbers whose last resend is remembered; so many go in a round trip at most.
const REMEMBERED: usize = 256;
/// Before a round trip was measured.
const FIRST_ROUND_TRIP: Duration = Duration::from_millis(40);
/// The round trip is what the viewer says: it cannot be nothing, nor keep a packet back for ever.
const LEAST_ROUND_TRIP: Duration = Duration::from_millis(5);
const MOST_ROUND_TRIP: Duration = Duration::from_secs(2);
/// Resends may take this share of what is sent...
const SHARE: f32 = 0.15;
/// ...and, where the viewer's reports tell of loss, that much more, at most.
const MOST_LOSS: f32 = 0.25;
/// Bytes that may be resent at once: a large picture.
const BURST: f32 = 96.0 * 1024.0;

/// Grants resends to one viewer: each packet once a round trip, and a bounded share of the bytes.
pub struct Resends {
    /// When a number that has this place was sent again, in milliseconds since `born`.
    recent: Box<[Option<u32>; REMEMBERED]>,
    born: Instant,
    credit: f32,
    share: f32,
}

impl Resends {
    pub fn new(now: Instant) -> Self {
        Resends {
            recent: Box::new([None; REMEMBERED]),
            born: now,
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

    /// No more than so many bytes may be resent at once: what the line carries in a moment. On a
    /// narrow one a large picture's worth of resends would keep everything else back for seconds.
    pub fn limit(&mut self, most: f64) {
        self.credit = self.credit.min(most as f32);
    }

    /// May the packet with this number go again?
    pub fn grant(
        &mut self,
        number: u16,
        bytes: usize,
        round_trip: Option<Duration>,
        now: Instant,
    ) -> bool {
        let round_trip = round_trip.unwrap_or(FIRST_ROUND_TRIP);
        let gap = round_trip.clamp(LEAST_ROUND_TRIP, MOST_ROUND_TRIP);
        let clock = now.saturating_duration_since(self.born).as_millis() as u32;
        // Another number may hold the place: who asks for more than there is room for does not
        // get the same packet twice by that.
        let place = &mut self.recent[usize::from(number) % REMEMBERED];
        let again = place.is_some_and(|at| u128::from(clock.wrapping_sub(at)) < gap.as_millis());
        if again || self.credit < bytes as f32 {
            return false;
        }
        self.credit -= bytes as f32;
        *place = Some(clock);
        true
    }
}
