//! A link one way, by dice: delay, jitter, loss, and a bottleneck of any shape.

use super::Dice;

/// Everything in microseconds and bytes.
#[derive(Clone, Debug)]
pub struct Link {
    /// Bit/s.
    pub rate: u64,
    /// The bottleneck's queue: what would wait longer is dropped. 0: a policer.
    pub queue: u64,
    /// Bytes that pass at any speed after a rest.
    pub bucket: u64,
    pub delay: u64,
    /// Up to so much is added, evenly.
    pub jitter: u64,
    /// Jitter may put packets out of order.
    pub shuffles: bool,
    /// Of a thousand packets, so many are lost by chance.
    pub loss: u64,
    pub bursts: Option<Bursts>,
    /// Of a thousand packets, so many come 5 to 20 ms late.
    pub reorder: u64,
    /// The rate from a time on.
    pub steps: Vec<(u64, u64)>,
    /// The longest wait in the queue since it was last asked for.
    pub waited: u64,
    /// When the bottleneck will have sent all it holds.
    pub free: u64,
    pub last: u64,
    pub dice: Dice,
}

/// Loss in bursts after Gilbert and Elliott: good and bad times, in packets.
#[derive(Clone, Debug)]
pub struct Bursts {
    /// Of a thousand packets in good times, so many begin a bad one.
    pub begin: u64,
    /// Of a thousand packets in bad times, so many end it.
    pub end: u64,
    pub bad: bool,
}

impl Link {
    /// A tail-drop queue of 200 ms behind 20 ms of delay.
    pub fn new(rate: u64, seed: u64) -> Self {
        Link {
            rate,
            queue: 200_000,
            bucket: 0,
            delay: 20_000,
            jitter: 0,
            shuffles: false,
            loss: 0,
            bursts: None,
            reorder: 0,
            steps: Vec::new(),
            waited: 0,
            free: 0,
            last: 0,
            dice: Dice(seed),
        }
    }

    /// When a packet sent at `at` arrives, if it does. Ask in the order of sending.
    pub fn send(&mut self, at: u64, bytes: usize) -> Option<u64> {
        while let Some((_, rate)) = self.steps.first().filter(|(from, _)| *from <= at) {
            // What waits goes out at the new rate.
            let waiting = self.free.saturating_sub(at);
            self.free = at + (waiting as u128 * self.rate as u128 / *rate as u128) as u64;
            self.rate = *rate;
            self.steps.remove(0);
        }
        let free = self.free.max(at) + bytes as u64 * 8_000_000 / self.rate;
        let credit = self.bucket * 8_000_000 / self.rate;
        let out = free.saturating_sub(credit).max(at);
        let own = if self.bucket == 0 {
            bytes as u64 * 8_000_000 / self.rate
        } else {
            0
        };
        let wait = out - at - own.min(out - at);
        if wait > self.queue {
            return None;
        }
        self.free = free;
        self.waited = self.waited.max(wait);
        if self.dice.below(1000) < self.loss || self.in_a_burst() {
            return None;
        }
        let mut arrival = out + self.delay;
        if self.jitter > 0 {
            arrival += self.dice.below(self.jitter);
        }
        if !self.shuffles {
            arrival = arrival.max(self.last);
            self.last = arrival;
        }
        if self.dice.below(1000) < self.reorder {
            arrival += 5_000 + self.dice.below(15_000);
        }
        Some(arrival)
    }

    fn in_a_burst(&mut self) -> bool {
        let Some(bursts) = &mut self.bursts else {
            return false;
        };
        let turn = if bursts.bad { bursts.end } else { bursts.begin };
        if self.dice.below(1000) < turn {
            bursts.bad = !bursts.bad;
        }
        bursts.bad
    }
}
