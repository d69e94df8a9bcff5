//! A viewer's receiver: writes down what arrives and tells of it.

use std::collections::BTreeMap;

use super::Dice;

/// Feedback: transport-wide numbers without their wrap-around, and arrival times.
pub type Lines = Vec<(u64, Option<i64>)>;

#[derive(Debug)]
pub struct Receiver {
    /// Of its own: it began long before, and runs fast or slow.
    offset: i64,
    drift: i64,
    arrived: BTreeMap<u64, i64>,
    /// The first number that the next feedback tells of.
    next: Option<u64>,
    next_at: u64,
    dice: Dice,
    bytes: Vec<(u64, u64)>,
    remb: f64,
    remb_at: u64,
    /// The longest of the one-way trips since the last REMB, and the shortest ever.
    trip: u64,
    least_trip: u64,
    counted: (u64, u64),
}

impl Receiver {
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        Receiver {
            offset: dice.below(1 << 30) as i64,
            drift: dice.below(200) as i64 - 100,
            arrived: BTreeMap::new(),
            next: None,
            next_at: 0,
            dice,
            bytes: Vec::new(),
            remb: 300_000.0,
            remb_at: 0,
            trip: 0,
            least_trip: u64::MAX,
            counted: (0, 0),
        }
    }

    pub fn arrive(&mut self, number: u64, sent: u64, at: u64, bytes: usize) {
        let own = at as i64 + self.offset + at as i64 * self.drift / 1_000_000;
        self.arrived.insert(number, own);
        // A packet that comes late is told of with all after it, as browsers do.
        self.next = Some(self.next.map_or(number, |next| next.min(number)));
        self.bytes.push((at, bytes as u64));
        self.least_trip = self.least_trip.min(at - sent);
        self.trip = self.trip.max(at - sent);
    }

    /// Transport-wide feedback, every 50 to 100 ms.
    pub fn feedback(&mut self, now: u64) -> Option<Lines> {
        if now < self.next_at {
            return None;
        }
        self.next_at = now + 50_000 + self.dice.below(50_000);
        let (&last, _) = self.arrived.last_key_value()?;
        let next = self.next.filter(|next| *next <= last)?;
        let lines = (next..=last)
            .map(|number| (number, self.arrived.get(&number).copied()))
            .collect();
        self.next = Some(last + 1);
        self.arrived = self.arrived.split_off(&last.saturating_sub(200));
        Some(lines)
    }

    /// REMB, once a second or when it falls: grows slowly to 1.5 times what arrives, and falls
    /// below that when packets begin to wait.
    pub fn remb(&mut self, now: u64) -> Option<u64> {
        let incoming = self.incoming(now);
        let waits = self.trip.saturating_sub(self.least_trip) > 80_000;
        let due = now >= self.remb_at + 1_000_000;
        if !due && (!waits || now < self.remb_at + 300_000) {
            return None;
        }
        self.trip = 0;
        self.remb_at = now;
        if waits {
            self.remb = self.remb.min(0.85 * incoming);
        } else {
            let grown = (1.08 * self.remb).min(1.5 * incoming + 10_000.0);
            self.remb = self.remb.max(grown);
        }
        Some(self.remb as u64)
    }

    /// The share lost since the last report.
    pub fn report(&mut self, sent: u64, arrived: u64) -> f32 {
        let (sent, arrived) = (sent - self.counted.0, arrived - self.counted.1);
        self.counted = (self.counted.0 + sent, self.counted.1 + arrived);
        sent.saturating_sub(arrived) as f32 / sent.max(1) as f32
    }

    fn incoming(&mut self, now: u64) -> f64 {
        self.bytes.retain(|(at, _)| at + 500_000 > now);
        let bytes: u64 = self.bytes.iter().map(|(_, bytes)| bytes).sum();
        bytes as f64 * 8.0 / 0.5
    }
}
