//! How fast data truly arrives.

use super::history::Sent;

/// Feedback kept: at one every 40 ms or less often, more than the window.
const MARKS: usize = 16;
const WINDOW: u64 = 500_000;
const MERGE: u64 = 40_000;
/// A shorter span proves nothing: a bucket on the way lets that much pass at any speed.
const LEAST: u64 = 300_000;

/// The rate of acknowledged bytes over the last half second.
///
/// The receiver tells when packets arrived, and it may tell lies. So the span they took is never
/// taken to be shorter than the span in which they were sent.
#[derive(Debug, Default)]
pub(super) struct Delivered {
    marks: [Mark; MARKS],
    len: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    /// Our clock when the feedback came.
    told: u64,
    /// The latest of the packets it told of.
    sent: u64,
    arrived: i64,
    bytes: u64,
}

impl Delivered {
    /// A packet arrived, as feedback at `told` says.
    pub fn push(&mut self, told: u64, packet: Sent, arrived: i64) {
        let mark = Mark {
            told,
            sent: packet.at,
            arrived,
            bytes: 0,
        };
        if self.len == 0 {
            self.add(mark);
        }
        let fresh = self.len == 1 || told.saturating_sub(self.last().told) > MERGE;
        if fresh && self.last().told != told || self.len == 1 {
            self.add(mark);
        }
        let last = self.last_mut();
        last.bytes += u64::from(packet.bytes);
        last.sent = last.sent.max(packet.at);
        last.arrived = last.arrived.max(arrived);
    }

    /// Bit/s as of the clock `now`; 0 while nothing was told of.
    pub fn rate(&self, now: u64) -> f64 {
        let recent = &self.marks[..self.len];
        let from = recent.partition_point(|mark| mark.told + WINDOW + 100_000 < now);
        let Some(first) = recent.get(from) else {
            return 0.0;
        };
        let last = self.last();
        let bytes: u64 = recent[from + 1..].iter().map(|mark| mark.bytes).sum();
        let waited = last.told - first.told;
        let arrival = last.arrived.saturating_sub(first.arrived);
        let arrival = match u64::try_from(arrival) {
            Ok(span) if span <= 3 * waited + LEAST => span,
            _ => waited,
        };
        let span = arrival.max(last.sent.saturating_sub(first.sent)).max(LEAST);
        bytes as f64 * 8e6 / span as f64
    }

    fn add(&mut self, mark: Mark) {
        if self.len == MARKS {
            self.marks.copy_within(1.., 0);
            self.len -= 1;
        }
        self.marks[self.len] = mark;
        self.len += 1;
    }

    fn last(&self) -> Mark {
        self.marks[self.len - 1]
    }

    fn last_mut(&mut self) -> &mut Mark {
        &mut self.marks[self.len - 1]
    }
}
