//! How much goes out.

use std::time::{Duration, Instant};

const SLOTS: usize = 10;
const SLOT: Duration = Duration::from_millis(100);

/// Bytes sent over the last second.
#[derive(Debug)]
pub(super) struct Meter {
    slots: [u32; SLOTS],
    began: Instant,
    slot: u64,
}

impl Meter {
    pub fn new(now: Instant) -> Self {
        Meter {
            slots: [0; SLOTS],
            began: now,
            slot: 0,
        }
    }

    pub fn push(&mut self, bytes: u32, now: Instant) {
        self.turn(now);
        let slot = &mut self.slots[(self.slot % SLOTS as u64) as usize];
        *slot = slot.saturating_add(bytes);
    }

    /// Bit/s.
    pub fn rate(&mut self, now: Instant) -> f64 {
        self.turn(now);
        let bytes: u64 = self.slots.iter().map(|bytes| u64::from(*bytes)).sum();
        let whole = SLOT * SLOTS as u32;
        let open = now.saturating_duration_since(self.began);
        // The present slot is half full on the average.
        let span = open.min(whole - SLOT / 2).max(3 * SLOT);
        bytes as f64 * 8.0 / span.as_secs_f64()
    }

    fn turn(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.began);
        let slot = (passed.as_millis() / SLOT.as_millis()) as u64;
        let turns = slot.saturating_sub(self.slot).min(SLOTS as u64);
        for turn in 1..=turns {
            self.slots[((self.slot + turn) % SLOTS as u64) as usize] = 0;
        }
        if slot > self.slot + turns {
            self.slots = [0; SLOTS];
        }
        self.slot = self.slot.max(slot);
    }
}
