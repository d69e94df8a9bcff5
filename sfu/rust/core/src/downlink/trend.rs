//! Whether a queue grows on the way.

use super::history::Sent;

/// Bursts kept: at one every 20 ms, the last 640 ms.
const BURSTS: usize = 32;
const BURST: u64 = 20_000;
/// Too few for a line.
const FEW: usize = 8;
const WINDOW: f64 = 700.0;
/// A queue of so many milliseconds is none.
const EMPTY: f64 = 40.0;
/// The least delay of a while, in milliseconds, that speaks of a queue that stays.
const STANDING: f64 = 60.0;
/// So long a queue has another cause than a keyframe.
const DEEP: f64 = 70.0;
/// A base older than ten to twenty seconds is forgotten: clocks drift and routes change.
const BASE_KEPT: u64 = 10_000_000;
/// Delay that differs more than this is a clock that was set, not a queue.
const JUMP: i64 = 10_000_000;
/// So long must the queue be seen growing before a probe ends, and before the rate falls.
const LIKELY: u64 = 50_000;
const SURE: u64 = 250_000;

/// The delay of bursts against the least one seen, and the line through them.
///
/// A burst counts by its fastest packet: jitter only ever adds, and a queue that empties between
/// two pictures harms nobody.
#[derive(Debug)]
pub(super) struct Trend {
    bursts: [Burst; BURSTS],
    len: usize,
    base: i64,
    next_base: i64,
    base_since: u64,
    /// How far bursts lie off the line, milliseconds, and how often that was looked at.
    noise: f64,
    looks: u32,
    line: Line,
    over_since: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Burst {
    sent: u64,
    delay: i64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Line {
    /// Milliseconds of delay per millisecond.
    slope: f64,
    /// What the line rises over the window, milliseconds.
    rise: f64,
    /// The mean of the newest delays, and of those before.
    queue: f64,
    before: f64,
    /// The least of the newer half of the delays, and of the newest three.
    standing: f64,
    newest: f64,
}

impl Trend {
    pub fn new() -> Self {
        Trend {
            bursts: [Burst::default(); BURSTS],
            len: 0,
            base: i64::MAX,
            next_base: i64::MAX,
            base_since: 0,
            noise: 5.0,
            looks: 0,
            line: Line::default(),
            over_since: None,
        }
    }

    /// A packet arrived at `arrived`, microseconds of the receiver's clock.
    pub fn push(&mut self, packet: Sent, arrived: i64) {
        let delay = arrived.saturating_sub(packet.at as i64);
        if self.base != i64::MAX && delay.saturating_sub(self.base).saturating_abs() > JUMP {
            *self = Trend::new();
        }
        self.learn_base(packet.at, delay);
        let open = self.bursts[..self.len]
            .iter_mut()
            .rev()
            .find(|burst| burst.sent <= packet.at);
        match open {
            Some(burst) if packet.at - burst.sent < BURST => burst.delay = burst.delay.min(delay),
            // Nothing is so late that the line through the later ones would change.
            None if self.len > 0 => {}
            _ => self.add(Burst {
                sent: packet.at,
                delay,
            }),
        }
    }

    /// Draw the line anew. Call after each feedback.
    pub fn update(&mut self, now: u64) {
        self.line = Line::default();
        let newest = self.len.checked_sub(1).map_or(0, |at| self.bursts[at].sent);
        let millis = |burst: &Burst| {
            let ago = newest.saturating_sub(burst.sent) as f64 / 1e3;
            let delay = burst.delay.saturating_sub(self.base) as f64 / 1e3;
            (-ago, delay)
        };
        let points = || {
            self.bursts[..self.len]
                .iter()
                .map(millis)
                .filter(|(x, _)| *x > -WINDOW)
        };
        let count = points().count();
        let oldest = points().next().map_or(0.0, |(x, _)| x);
        if count < FEW || oldest > -200.0 {
            self.over_since = None;
            return;
        }
        let n = count as f64;
        let x_mean = points().map(|(x, _)| x).sum::<f64>() / n;
        let y_mean = points().map(|(_, y)| y).sum::<f64>() / n;
        let cross: f64 = points().map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
        let square: f64 = points().map(|(x, _)| (x - x_mean).powi(2)).sum();
        let slope = cross / square.max(1.0);
        let off = points()
            .map(|(x, y)| (y - y_mean - slope * (x - x_mean)).abs())
            .sum::<f64>()
            / n;
        let newer = count / 4;
        self.line = Line {
            slope,
            rise: slope * -oldest,
            queue: points().skip(count - newer).map(|(_, y)| y).sum::<f64>() / newer as f64,
            before: points()
                .skip(count - 2 * newer)
                .take(newer)
                .map(|(_, y)| y)
                .sum::<f64>()
                / newer as f64,
            standing: points()
                .skip(count / 2)
                .fold(f64::INFINITY, |least, (_, y)| least.min(y)),
            newest: points()
                .skip(count - 3)
                .fold(f64::INFINITY, |least, (_, y)| least.min(y)),
        };
        self.looks += 1;
        // A queue that begins is no noise.
        let off = off.min(2.0 * self.noise + 5.0);
        self.noise += (off - self.noise) * (1.0 / f64::from(self.looks)).max(0.05);
        if self.grows_or_stands() {
            self.over_since.get_or_insert(now);
        } else {
            self.over_since = None;
        }
    }

    /// The queue seems to grow, or is long and does not shrink.
    pub fn rising(&self, now: u64) -> bool {
        self.over_for(now) >= LIKELY
    }

    /// There is a queue now, whatever may become of it: reason enough to end a probe.
    pub fn swells(&self) -> bool {
        self.line.newest > STANDING + 2.0 * self.noise
    }

    /// It did so for long enough to be sure.
    pub fn over(&self, now: u64) -> bool {
        self.over_for(now) >= SURE && self.line.queue > DEEP
    }

    /// Milliseconds that the newest packets waited.
    pub fn queue(&self) -> f64 {
        self.line.queue
    }

    fn over_for(&self, now: u64) -> u64 {
        self.over_since.map_or(0, |since| now.saturating_sub(since))
    }

    /// A keyframe makes a queue too, but one that shrinks again at once.
    fn grows_or_stands(&self) -> bool {
        let threshold = self.threshold();
        let line = &self.line;
        let grows = line.rise > threshold && line.queue > threshold.max(line.before);
        let stands = line.standing > STANDING + 1.5 * self.noise && line.slope > -0.05;
        grows || stands
    }

    /// Enough was seen to say that there is no queue.
    pub fn free(&self) -> bool {
        self.len >= FEW && self.line.queue < EMPTY + self.threshold()
    }

    /// A queue is there, and it shrinks.
    pub fn drains(&self) -> bool {
        self.line.queue > EMPTY && self.line.slope < -0.05
    }

    /// Where delay wavers anyway (radio), only more of it says something.
    fn threshold(&self) -> f64 {
        (4.0 * self.noise).clamp(20.0, 120.0)
    }

    fn learn_base(&mut self, at: u64, delay: i64) {
        if at.saturating_sub(self.base_since) > BASE_KEPT {
            self.base = self.next_base;
            self.next_base = i64::MAX;
            self.base_since = at;
        }
        self.base = self.base.min(delay);
        self.next_base = self.next_base.min(delay);
    }

    fn add(&mut self, burst: Burst) {
        if self.len == BURSTS {
            self.bursts.copy_within(1.., 0);
            self.len -= 1;
        }
        self.bursts[self.len] = burst;
        self.len += 1;
    }
}
