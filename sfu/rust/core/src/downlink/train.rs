//! Packets sent at one rate for a while, and the rate at which they arrived.

use super::history::Sent;

/// Less time than this measures nothing.
const LEAST: u64 = 100_000;

/// The packets sent between two times, and what feedback told of them.
#[derive(Debug)]
pub(super) struct Train {
    /// Microseconds, as the history counts.
    start: u64,
    end: u64,
    sent: u64,
    sent_until: u64,
    arrived: u64,
    lost: u64,
    line: Line,
}

/// Sums for the line through delay over time of sending, seconds.
#[derive(Debug, Default)]
struct Line {
    /// The first packet's delay: the others are taken relative to it.
    delay: Option<i64>,
    n: f64,
    x: f64,
    y: f64,
    xx: f64,
    xy: f64,
}

impl Train {
    pub fn new(start: u64, end: u64) -> Self {
        Train {
            start,
            end,
            sent: 0,
            sent_until: start,
            arrived: 0,
            lost: 0,
            line: Line::default(),
        }
    }

    pub fn sent(&mut self, packet: Sent) {
        if self.has(packet) {
            self.sent += u64::from(packet.bytes);
            self.sent_until = packet.at;
        }
    }

    /// `late`: it was called lost before.
    pub fn arrived(&mut self, packet: Sent, at: i64, late: bool) {
        if self.has(packet) {
            if late {
                self.lost = self.lost.saturating_sub(u64::from(packet.bytes));
            }
            self.arrived += u64::from(packet.bytes);
            let delay = at.saturating_sub(packet.at as i64);
            self.line.push((packet.at - self.start) as f64 / 1e6, delay);
        }
    }

    pub fn lost(&mut self, packet: Sent) {
        if self.has(packet) {
            self.lost += u64::from(packet.bytes);
        }
    }

    /// Bit/s that arrived: what was sent, less what was lost, and slower where delay grew. Never
    /// more than was sent, whatever the receiver tells. What feedback does not speak of (it can
    /// get lost too) fared like the rest. None where too little was told.
    pub fn rate(&self) -> Option<f64> {
        let told = self.arrived + self.lost;
        let span = self.sent_until - self.start;
        if span < LEAST || told * 2 < self.sent {
            return None;
        }
        let sent = self.sent as f64 * 8e6 / span as f64;
        let share = self.arrived as f64 / told as f64;
        Some(sent * share / (1.0 + self.line.slope().max(0.0)))
    }

    fn has(&self, packet: Sent) -> bool {
        (self.start..self.end).contains(&packet.at)
    }
}

impl Line {
    fn push(&mut self, x: f64, delay: i64) {
        let first = *self.delay.get_or_insert(delay);
        let y = delay.saturating_sub(first) as f64 / 1e6;
        self.n += 1.0;
        self.x += x;
        self.y += y;
        self.xx += x * x;
        self.xy += x * y;
    }

    /// Seconds of delay per second; 0 for a few packets.
    fn slope(&self) -> f64 {
        let square = self.n * self.xx - self.x * self.x;
        let cross = self.n * self.xy - self.x * self.y;
        if square < 1e-9 { 0.0 } else { cross / square }
    }
}
