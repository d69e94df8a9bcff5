//! How much gets lost, and whether that is more than chance.

/// Enough packets and time for a share that means something.
const PACKETS: u32 = 50;
const SPAN: u64 = 1_000_000;
/// Where this much is missing, fewer will do.
const HEAVY: f64 = 0.3;
const HEAVY_PACKETS: u32 = 20;
const HEAVY_SPAN: u64 = 200_000;

/// Packets that arrived and that did not, in windows of about a second.
#[derive(Debug, Default)]
pub(super) struct Loss {
    arrived: u32,
    lost: u32,
    since: u64,
    /// The mean over some seconds.
    mean: f64,
    latest: f64,
}

/// A finished window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    pub share: f64,
    /// The share that is lost at least, chance aside.
    pub at_least: f64,
}

impl Window {
    pub fn new(arrived: u32, lost: u32) -> Self {
        let count = f64::from((arrived + lost).max(1));
        let share = f64::from(lost) / count;
        let chance = 1.5 * (share * (1.0 - share) / count).sqrt();
        Window {
            share,
            at_least: share - chance,
        }
    }

    pub fn heavy(self) -> bool {
        self.at_least > HEAVY
    }
}

impl Loss {
    pub fn arrived(&mut self, late: bool) {
        self.arrived += 1;
        if late {
            self.lost = self.lost.saturating_sub(1);
        }
    }

    pub fn lost(&mut self) {
        self.lost += 1;
    }

    /// The window, when it is full. Call after each feedback.
    pub fn window(&mut self, now: u64) -> Option<Window> {
        let count = self.arrived + self.lost;
        let span = now.saturating_sub(self.since);
        let window = Window::new(self.arrived, self.lost);
        let full = count >= PACKETS && span >= SPAN;
        let heavy = window.heavy() && count >= HEAVY_PACKETS && span >= HEAVY_SPAN;
        if !full && !heavy {
            return None;
        }
        self.latest = window.share;
        self.mean += (window.share - self.mean) * 0.3;
        self.restart(now);
        Some(window)
    }

    /// Forget the open window: what it saw has another cause.
    pub fn restart(&mut self, now: u64) {
        self.arrived = 0;
        self.lost = 0;
        self.since = now;
    }

    /// The share in the last finished window.
    pub fn latest(&self) -> f64 {
        self.latest
    }

    /// What is lost all the time.
    pub fn usual(&self) -> f64 {
        self.mean.min(self.latest)
    }
}
