//! What a viewer's downlink carries, and which encoding fits it.
//!
//! One [`Downlink`] a viewer, of fixed size. Tell it of every datagram that leaves and of every
//! feedback that comes; ask it which layer to send, and for padding while it wants to know
//! whether more would fit:
//!
//! ```
//! use std::time::Instant;
//! use sluice_media_core::downlink::{Choice, Downlink, Feedback, LayerRate};
//! use sluice_media_core::packet::SourceId;
//! use sluice_media_core::rung::Rung;
//!
//! let now = Instant::now();
//! let mut downlink = Downlink::new(Feedback::TransportWide, 300_000, now);
//! let rung = Rung::plain(SourceId(1));
//! let low = LayerRate { rung, whole: true, bitrate: 120_000, packets_per_second: 0, active: true };
//! assert_eq!(downlink.choose(&[low], 40_000, now), Choice::Layer(rung));
//! downlink.sent(0, 1200, now);
//! downlink.feedback([(0, Some(5_000))].into_iter(), now);
//! ```

mod chooser;
mod delivered;
mod estimate;
mod history;
mod loss;
mod meter;
mod opening;
mod probe;
mod train;
mod trend;

use std::time::{Duration, Instant};

pub use chooser::{Choice, LayerRate, sound_need};
use chooser::{Chooser, Known, Next, need};
use delivered::Delivered;
use estimate::Estimate;
pub use history::IP_UDP;
use history::{History, Sent, Told};
use loss::Loss;
use meter::Meter;
use opening::Opening;
use probe::{PROVEN, Plan, Probe, Verdict};
use trend::Trend;

use crate::rung::Rung;

const SILENCE: Duration = Duration::from_millis(1500);
/// REMB comes about once a second.
const REMB_SILENCE: Duration = Duration::from_secs(6);
/// A first burst that came through so many times as fast as a layer needs is reason to try it.
const LEAP_ROOM: f64 = 3.0;
/// What a named limit may exceed the sent rate by.
const BELIEVED: f64 = 1.5;

/// What the viewer's receiver tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// Arrival times of all packets (draft-holmer-rmcat-transport-wide-cc-extensions-01).
    TransportWide,
    /// A bitrate (draft-alvestrand-rmcat-remb-03).
    Remb,
    /// Receiver reports only (RFC 3550).
    None,
}

/// Feedback that gained nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Lines about packets that were never sent, or too long ago.
    pub unknown: u64,
    /// Lines about packets told of before.
    pub repeated: u64,
    pub probes: u64,
    /// Probes that did not find enough.
    pub failed_probes: u64,
}

#[derive(Debug)]
pub struct Downlink {
    kind: Feedback,
    history: History,
    meter: Meter,
    delivered: Delivered,
    opening: Opening,
    trend: Trend,
    loss: Loss,
    estimate: Estimate,
    probe: Probe,
    chooser: Chooser,
    /// From sending to feedback, as seen lately.
    reach: Duration,
    heard: Option<Instant>,
    waiting: Option<Instant>,
    /// A receiver report spoke of loss.
    loss_reported: bool,
    /// Bit/s that the smallest picture needs.
    floor: f64,
    pub counters: Counters,
}

impl Downlink {
    /// `start`: bit/s to begin with.
    pub fn new(feedback: Feedback, start: u64, now: Instant) -> Self {
        Downlink {
            kind: feedback,
            history: History::new(now),
            meter: Meter::new(now),
            delivered: Delivered::default(),
            opening: Opening::default(),
            trend: Trend::new(),
            loss: Loss::default(),
            estimate: Estimate::new(start, now),
            probe: Probe::new(),
            chooser: Chooser::new(),
            reach: Duration::from_millis(200),
            heard: None,
            waiting: None,
            loss_reported: false,
            floor: 0.0,
            counters: Counters::default(),
        }
    }

    /// A datagram of `bytes` (without IP and UDP) left under this transport-wide number: RTP,
    /// retransmissions and padding alike. Without transport-wide numbers, any number does.
    pub fn sent(&mut self, number: u16, bytes: usize, now: Instant) {
        let bytes = match self.kind {
            Feedback::TransportWide => self.history.push(number, bytes, now),
            // Nothing will come back about one datagram, so these may be many told of at once.
            Feedback::Remb | Feedback::None => u32::try_from(bytes + IP_UDP).unwrap_or(u32::MAX),
        };
        self.meter.push(bytes, now);
        let at = self.history.clock(now);
        self.opening.sent(Sent { at, bytes });
        self.probe.sent(Sent { at, bytes });
        self.waiting.get_or_insert(now);
    }

    /// Transport-wide feedback: numbers, and arrival times in microseconds of the receiver's own
    /// clock, None for what is missing.
    pub fn feedback(&mut self, arrivals: impl Iterator<Item = (u16, Option<i64>)>, now: Instant) {
        let clock = self.history.clock(now);
        let mut newest = None;
        for (number, arrival) in arrivals {
            match (self.history.tell(number, arrival.is_some(), now), arrival) {
                (Told::Arrived { packet, late }, Some(at)) => {
                    self.loss.arrived(late);
                    self.delivered.push(clock, packet, at);
                    self.opening.arrived(packet, at, late);
                    self.trend.push(packet, at);
                    self.probe.arrived(packet, at, late);
                    newest = newest.max(Some(packet.at));
                }
                (Told::Lost(packet), _) => {
                    self.loss.lost();
                    self.opening.lost(packet);
                    self.probe.lost(packet);
                }
                (Told::Repeated, _) => self.counters.repeated += 1,
                _ => self.counters.unknown += 1,
            }
        }
        // Words about nothing are no sign of life.
        let Some(newest) = newest else { return };
        let reach = Duration::from_micros(clock.saturating_sub(newest));
        self.reach = (self.reach * 3 + reach) / 4;
        self.hear(now);
        self.trend.update(clock);
        self.judge(now);
        self.move_estimate(clock, now);
    }

    /// The receiver names what it thinks it can take. Of one that tells of every packet, that is
    /// no news.
    pub fn remb(&mut self, bits_per_second: u64, now: Instant) {
        if self.kind != Feedback::Remb {
            return;
        }
        self.hear(now);
        let most = BELIEVED * self.meter.rate(now);
        self.estimate.told(bits_per_second as f64, most, now);
    }

    /// A receiver report: the share lost since the last, and the round trip where known.
    pub fn report(&mut self, lost: f32, rtt: Option<Duration>, now: Instant) {
        if self.kind == Feedback::TransportWide {
            return;
        }
        if let Some(rtt) = rtt {
            self.reach = rtt.min(Duration::from_secs(2));
        }
        let lost = if lost.is_finite() {
            f64::from(lost).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let sent = self.meter.rate(now);
        if lost > 0.1 {
            if self.probe.running() {
                self.end_probe(now);
                return;
            }
            if self.kind == Feedback::None && !self.loss_reported {
                self.estimate.raise(sent);
                self.loss_reported = true;
            }
            if lost > 0.3 {
                // Whether there is a queue, nobody tells.
                self.estimate
                    .flooded(sent * (1.0 - lost), self.floor, false, now);
            } else {
                self.estimate.lossy(lost, sent, self.floor, now);
            }
        } else if lost < 0.02 && self.kind == Feedback::None {
            // Nothing but time can tell whether more fits.
            self.estimate.grow(f64::INFINITY, now);
        }
    }

    /// Bit/s that the link is believed to carry, headers of IP and UDP counted.
    pub fn estimate(&self) -> u64 {
        self.estimate.rate() as u64
    }

    /// All that is sent at this very moment is a burst, whose spacing on arrival will tell what
    /// the line carries: see [`Downlink::opening`].
    pub fn open(&mut self, now: Instant) {
        self.opening.begin(self.history.clock(now));
    }

    /// Bit/s with which the first burst came through; None until feedback told of it. Rough.
    pub fn opening(&self) -> Option<u64> {
        self.opening.rate().map(|rate| rate as u64)
    }

    /// From sending to feedback, as seen lately; None before any came.
    pub fn reach(&self) -> Option<Duration> {
        self.heard.map(|_| self.reach)
    }

    /// The estimate is a limit that was felt lately.
    pub fn is_congested(&self, now: Instant) -> bool {
        self.estimate.congested(now)
    }

    /// The viewer's wish, which holds while it is among the active ones; None: automatic.
    pub fn pin(&mut self, layer: Option<Rung>) {
        self.chooser.pin(layer);
    }

    /// The layer to send from now on. Call about every 100 ms, and after feedback. `layers`
    /// ascend; `audio`: bit/s of the sound.
    pub fn choose(&mut self, layers: &[LayerRate], audio: u64, now: Instant) -> Choice {
        let lowest = layers.iter().find(|layer| layer.active);
        self.floor = lowest.map_or(0.0, |layer| 1.05 * need(layer, audio));
        if self.chooser.shows_a_picture() && self.trend.free() {
            self.estimate.rest(self.floor);
        }
        self.listen(now);
        self.judge(now);
        let blind = self.kind == Feedback::None && !self.loss_reported;
        let known = Known {
            rate: (!blind).then(|| self.estimate.rate()),
            congested: self.estimate.congested(now),
            // A queue that shrinks says that what is sent now fits.
            pressed: self.estimate.pressed(now) && !self.trend.drains(),
            carried: self.delivered.rate(self.history.clock(now)),
        };
        let choice = self.chooser.choose(layers, audio, known, now);
        if !layers.is_empty() {
            self.probe.soon(now);
        }
        // Layer by layer it takes seconds to the largest, which the first burst may speak for.
        let most = match self.counters.probes {
            0 => self.opening.rate().unwrap_or(0.0) / LEAP_ROOM,
            _ => 0.0,
        };
        if let Some(next) = self.chooser.above(layers, audio, most, now) {
            self.try_more(next, choice, now);
        }
        choice
    }

    /// Bytes of padding to send now, 0 for none. Call when [`Downlink::wake_at`] is due.
    pub fn padding(&mut self, now: Instant) -> usize {
        self.judge(now);
        self.probe.padding(now)
    }

    /// When to call [`Downlink::padding`] next; None while no probe runs.
    pub fn wake_at(&self) -> Option<Instant> {
        self.probe.wake_at(self.reach)
    }

    fn hear(&mut self, now: Instant) {
        self.heard = Some(now);
        self.waiting = None;
    }

    /// Lower the estimate when the receiver fell silent.
    fn listen(&mut self, now: Instant) {
        let patience = match self.kind {
            Feedback::TransportWide => SILENCE,
            Feedback::Remb => REMB_SILENCE,
            Feedback::None => return,
        };
        let waited = |since: Instant| now.saturating_duration_since(since) > patience;
        if self.heard.is_some() && self.waiting.is_some_and(waited) {
            self.estimate.silence(self.floor, now);
        }
    }

    fn move_estimate(&mut self, clock: u64, now: Instant) {
        let delivered = self.delivered.rate(clock);
        if self.probe.disturbs(self.trend.drains(), now) {
            self.loss.restart(clock);
            self.estimate.hold(now);
            return;
        }
        if self.trend.over(clock) {
            self.estimate.overused(delivered, self.trend.queue(), now);
            return;
        }
        match self.loss.window(clock) {
            Some(window) if window.heavy() => {
                let chance = self.trend.free();
                self.estimate.flooded(delivered, self.floor, chance, now);
            }
            Some(window) if window.at_least > 0.1 => {
                self.estimate
                    .lossy(window.share, delivered, self.floor, now);
            }
            _ if self.trend.rising(clock)
                || self.probe.echoes(now)
                || self.loss.latest() > 0.02 =>
            {
                self.estimate.hold(now)
            }
            _ => {
                self.estimate.grow(delivered, now);
                self.estimate.raise(PROVEN * delivered);
            }
        }
    }

    fn try_more(&mut self, next: Next, choice: Choice, now: Instant) {
        let clock = self.history.clock(now);
        let known = self.estimate.rate() >= next.target;
        let blind = self.kind != Feedback::TransportWide;
        let heard = self.heard.is_some() && self.kind != Feedback::None;
        let calm = !self.estimate.congested(now)
            && (blind || self.trend.free())
            && !self.trend.rising(clock)
            && !self.probe.disturbs(self.trend.drains(), now);
        if known || !heard || !calm || !self.probe.ready(now) {
            return;
        }
        let believed = self.estimate.rate();
        let plan = Plan {
            rate: self.probe.rate(next.need, next.target, believed),
            believed,
            target: next.target,
            doubt: next.doubt,
            leap: next.leap,
            carried: self.delivered.rate(clock),
            // Whoever has no picture at all gets one in spite of loss.
            lossy: if choice == Choice::AudioOnly {
                self.loss.usual()
            } else {
                0.0
            },
            blind,
        };
        self.counters.probes += 1;
        self.probe.start(plan, clock, now);
    }

    fn judge(&mut self, now: Instant) {
        let clock = self.history.clock(now);
        let rising = self.trend.rising(clock) || self.trend.swells();
        if let Some(verdict) = self.probe.judge(rising, self.reach, now) {
            self.conclude(verdict, now);
        }
    }

    fn end_probe(&mut self, now: Instant) {
        if let Some(verdict) = self.probe.judge(true, self.reach, now) {
            self.conclude(verdict, now);
        }
    }

    fn conclude(&mut self, verdict: Verdict, now: Instant) {
        let plan = verdict.plan;
        if let Some(found) = verdict.found {
            let found = PROVEN * found / (1.0 - plan.lossy.min(0.5));
            if verdict.aborted {
                self.estimate.correct(found, plan.carried);
            } else {
                self.estimate.raise(found);
            }
        }
        // A gentle try, or a receiver that takes its time: on the way is well enough.
        let rate = self.estimate.rate();
        let well = !verdict.aborted && (rate >= plan.target || rate > 1.05 * plan.believed);
        self.counters.failed_probes += u64::from(!well);
        self.probe.ended(well, verdict, now);
    }
}
