//! Giving memory back when many peers have left.
//!
//! The C library keeps what was freed for the next ones. After a rush of viewers that would be
//! their memory for ever, and after hours of coming and going it lies in pieces.

use std::time::{Duration, Instant};

/// Giving back takes some milliseconds of one core, so it is not done for a few peers...
const PEERS: u64 = 50;
/// ...nor often.
const PAUSE: Duration = Duration::from_secs(20);

/// When memory is worth giving back.
#[derive(Debug)]
pub struct Trim {
    closed: u64,
    last: Instant,
}

impl Trim {
    pub fn new(now: Instant) -> Self {
        Trim {
            closed: 0,
            last: now,
        }
    }

    /// True when it is due, with this many peers closed since the start.
    pub fn is_due(&mut self, closed: u64, now: Instant) -> bool {
        let due =
            closed >= self.closed + PEERS && now.saturating_duration_since(self.last) >= PAUSE;
        if due {
            (self.closed, self.last) = (closed, now);
        }
        due
    }
}

/// Give back what is free, on a thread of its own: no packet waits for it.
pub fn give_back() {
    #[cfg(target_env = "gnu")]
    {
        // A system that starts no more threads has other worries; the next turn tries again.
        let _ = std::thread::Builder::new()
            .name("sluice-trim".into())
            // SAFETY: takes no pointers, and may be called from any thread.
            .spawn(|| unsafe { libc::malloc_trim(0) });
    }
}
