//! How much a source sends.

use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(1);
/// Before it a new source has no rate: one or two pictures say nothing.
const FIRST_LOOK: Duration = Duration::from_millis(100);

/// What a source takes, without the waves that keyframes make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Steady {
    /// Bit/s of RTP payload.
    pub bitrate: u64,
    pub packets_per_second: u64,
    /// A second was whole since the source began. Before that it is a first look, with a keyframe
    /// in it, and gives way to what comes next.
    pub settled: bool,
}

/// Counts what arrives in windows of a second.
#[derive(Debug)]
pub struct Rate {
    bitrate: u64,
    steady: Steady,
    /// What arrived before is from the past, whenever we hear of it.
    since: Instant,
    window_start: Instant,
    bytes: u64,
    packets: u64,
}

impl Rate {
    pub fn new(now: Instant) -> Self {
        Rate {
            bitrate: 0,
            steady: Steady::default(),
            since: now,
            window_start: now,
            bytes: 0,
            packets: 0,
        }
    }

    /// Of a source that was measured elsewhere.
    pub fn known(steady: Steady, now: Instant) -> Self {
        Rate {
            bitrate: steady.bitrate,
            steady,
            ..Rate::new(now)
        }
    }

    /// Bits per second over the last second; over less in the first one.
    pub fn bitrate(&self) -> u64 {
        self.bitrate
    }

    /// Over some seconds.
    pub fn steady(&self) -> Steady {
        self.steady
    }

    /// A packet came. Kept ones, of which a worker is told when its first viewer comes, do not
    /// count: they are seconds of the past at once.
    pub fn push(&mut self, bytes: usize, arrived: Instant) {
        if arrived >= self.since {
            self.bytes += bytes as u64;
            self.packets += 1;
        }
    }

    /// Close the window when it is due, and say whether the rate is not about what it was. None
    /// while it is open.
    pub fn measure(&mut self, now: Instant) -> Option<bool> {
        let passed = now.saturating_duration_since(self.window_start);
        let whole = passed >= WINDOW;
        // A layer that just began must not count as one that costs nothing.
        if !whole && (self.steady.settled || passed < FIRST_LOOK) {
            return None;
        }
        let before = self.bitrate;
        let rate = |amount: u64| amount * 1_000_000 / passed.as_micros() as u64;
        self.bitrate = rate(self.bytes * 8);
        let latest = Steady {
            bitrate: self.bitrate,
            packets_per_second: rate(self.packets),
            settled: whole,
        };
        if !whole {
            self.steady = latest;
            return None;
        }
        let blend = |old: u64, new: u64| (3 * old + new) / 4;
        self.steady = match self.steady.settled {
            true => Steady {
                bitrate: blend(self.steady.bitrate, latest.bitrate),
                packets_per_second: blend(
                    self.steady.packets_per_second,
                    latest.packets_per_second,
                ),
                settled: true,
            },
            false => latest,
        };
        (self.bytes, self.packets) = (0, 0);
        self.window_start = now;
        Some(self.bitrate.abs_diff(before) > before / 4)
    }
}
