//! Which encoding a viewer gets.

use std::time::{Duration, Instant};

use crate::rung::Rung;

/// IP, UDP, RTP with its extensions, and SRTP, in bytes a packet.
const OVERHEAD: f64 = 70.0;
/// Payload of a packet where nobody counted them.
const PAYLOAD: f64 = 1100.0;
const AUDIO_PACKETS: f64 = 50.0;
/// A larger picture must fit with room to spare, a present one only just.
const MARGIN: f64 = 1.15;
/// Any picture is better than none.
const LEAST_MARGIN: f64 = 1.05;
/// So long is the smallest picture held although it does not fit.
const STARVED: Duration = Duration::from_millis(1500);
/// It is delivered where so much of its need comes through: the room that an estimate leaves for a
/// queue to empty is no reason to do without a picture.
const DELIVERED: f64 = 0.95;
/// A fall so soon after the rise means that the rise was wrong.
const SOON: Duration = Duration::from_secs(15);
const FIRST_HOLD: Duration = Duration::from_secs(2);
const LONGEST_HOLD: Duration = Duration::from_secs(30);
/// As many as rungs of a few encodings are in reach of one link.
const HOLDS: usize = 8;

/// One encoding, or a part of it, as the chooser sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerRate {
    pub rung: Rung,
    /// Nothing of the encoding is left out.
    pub whole: bool,
    /// Bit/s of RTP payload.
    pub bitrate: u64,
    /// 0 when nobody counts them.
    pub packets_per_second: u32,
    pub active: bool,
}

/// What a viewer gets from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Layer(Rung),
    /// Not even the smallest picture fits.
    AudioOnly,
    /// There is no picture to choose.
    Nothing,
}

/// What the chooser may know of the downlink.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// Bit/s on the link; None: nothing speaks against anything.
    pub rate: Option<f64>,
    /// The rate is a limit that was felt lately.
    pub congested: bool,
    /// It is felt right now.
    pub pressed: bool,
    /// Bit/s that came through just now: while a queue is there, all that the line carries.
    pub carried: f64,
}

/// A layer to be tried.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    /// Bit/s on the link that it takes, and with room to spare.
    pub need: f64,
    pub target: f64,
    /// It was tried in vain: look so much longer before it is tried again.
    pub doubt: Duration,
    /// There are smaller ones between it and the present one.
    pub leap: bool,
}

#[derive(Debug)]
pub(super) struct Chooser {
    current: Choice,
    pin: Option<Rung>,
    starved: Option<Instant>,
    holds: [Option<Hold>; HOLDS],
}

/// When a layer may come back.
#[derive(Clone, Copy, Debug)]
struct Hold {
    rung: Rung,
    up: Instant,
    until: Instant,
    wait: Duration,
}

impl Chooser {
    pub fn new() -> Self {
        Chooser {
            current: Choice::Nothing,
            pin: None,
            starved: None,
            holds: [None; HOLDS],
        }
    }

    pub fn pin(&mut self, layer: Option<Rung>) {
        self.pin = layer;
    }

    pub fn shows_a_picture(&self) -> bool {
        matches!(self.current, Choice::Layer(_))
    }

    /// `layers` ascend. `audio`: bit/s of the sound.
    pub fn choose(
        &mut self,
        layers: &[LayerRate],
        audio: u64,
        known: Known,
        now: Instant,
    ) -> Choice {
        let next = self.decide(layers, audio, known, now);
        if next != self.current {
            self.remember(layers, next, now);
            self.starved = None;
            self.current = next;
        }
        next
    }

    /// The layer that may be tried: the next larger one, or the largest that needs no more than
    /// `most` bit/s, where that is larger.
    pub fn above(&self, layers: &[LayerRate], audio: u64, most: f64, now: Instant) -> Option<Next> {
        if self.pinned(layers).is_some() {
            return None;
        }
        let from = match self.current {
            Choice::Nothing => return None,
            Choice::AudioOnly => 0,
            Choice::Layer(rung) => 1 + layers.iter().position(|layer| layer.rung == rung)?,
        };
        let mut larger = layers[from..].iter().filter(|layer| layer.active);
        let next = larger.next()?;
        let leap = larger.rfind(|layer| need(layer, audio) <= most && !self.held(layer.rung, now));
        let next = leap.unwrap_or(next);
        let need = need(next, audio);
        let wait = self
            .hold(next.rung)
            .map_or(Duration::ZERO, |hold| hold.wait);
        (!self.held(next.rung, now)).then_some(Next {
            need,
            target: need * self.margin(),
            doubt: if wait > FIRST_HOLD {
                wait / 4
            } else {
                Duration::ZERO
            },
            leap: leap.is_some(),
        })
    }

    fn decide(&mut self, layers: &[LayerRate], audio: u64, known: Known, now: Instant) -> Choice {
        let active = || layers.iter().filter(|layer| layer.active);
        let Some(lowest) = active().next() else {
            return Choice::Nothing;
        };
        if let Some(pinned) = self.pinned(layers) {
            return Choice::Layer(pinned);
        }
        let Some(rate) = known.rate else {
            return active()
                .next_back()
                .map_or(Choice::Nothing, |layer| Choice::Layer(layer.rung));
        };
        let current = active().find(|layer| Choice::Layer(layer.rung) == self.current);
        let roomy = active().rfind(|layer| {
            need(layer, audio) * self.margin() <= rate && !self.held(layer.rung, now)
        });
        let Some(current) = current else {
            return match (self.current, roomy) {
                (_, Some(layer)) => Choice::Layer(layer.rung),
                (Choice::AudioOnly, None) => Choice::AudioOnly,
                (_, None) => Choice::Layer(lowest.rung),
            };
        };
        if need(current, audio) <= rate || !known.congested {
            self.starved = None;
            let up = roomy.filter(|layer| layer.bitrate > current.bitrate);
            return Choice::Layer(up.unwrap_or(current).rung);
        }
        if let Some(fits) = active().rfind(|layer| need(layer, audio) <= rate) {
            return Choice::Layer(fits.rung);
        }
        if known.carried >= DELIVERED * need(lowest, audio) {
            self.starved = None;
            return Choice::Layer(lowest.rung);
        }
        let since = *self.starved.get_or_insert(now);
        if now.saturating_duration_since(since) >= STARVED && known.pressed {
            Choice::AudioOnly
        } else {
            Choice::Layer(lowest.rung)
        }
    }

    fn margin(&self) -> f64 {
        match self.current {
            Choice::AudioOnly => LEAST_MARGIN,
            _ => MARGIN,
        }
    }

    fn pinned(&self, layers: &[LayerRate]) -> Option<Rung> {
        self.pin.filter(|pin| {
            layers
                .iter()
                .any(|layer| layer.rung == *pin && layer.active)
        })
    }

    fn held(&self, rung: Rung, now: Instant) -> bool {
        self.hold(rung).is_some_and(|hold| now < hold.until)
    }

    fn hold(&self, rung: Rung) -> Option<&Hold> {
        self.holds.iter().flatten().find(|hold| hold.rung == rung)
    }

    /// Write down rises and falls.
    fn remember(&mut self, layers: &[LayerRate], next: Choice, now: Instant) {
        let rank = |choice: Choice| match choice {
            Choice::Layer(rung) => layers
                .iter()
                .position(|layer| layer.rung == rung)
                .map_or(0, |at| at + 1),
            _ => 0,
        };
        match (self.current, next) {
            (_, Choice::Layer(rung)) if rank(next) > rank(self.current) => {
                let hold = self.hold_mut(rung, now);
                if now.saturating_duration_since(hold.until) > 2 * LONGEST_HOLD {
                    hold.wait = Duration::ZERO;
                }
                hold.up = now;
            }
            (Choice::Layer(rung), _) if rank(next) < rank(self.current) => {
                let hold = self.hold_mut(rung, now);
                hold.wait = if now.saturating_duration_since(hold.up) < SOON {
                    (hold.wait * 2).clamp(2 * FIRST_HOLD, LONGEST_HOLD)
                } else {
                    hold.wait.max(FIRST_HOLD)
                };
                hold.until = now + hold.wait;
            }
            _ => {}
        }
    }

    fn hold_mut(&mut self, rung: Rung, now: Instant) -> &mut Hold {
        let at = self
            .holds
            .iter()
            .position(|hold| hold.is_some_and(|hold| hold.rung == rung))
            .or_else(|| self.holds.iter().position(Option::is_none))
            .or_else(|| {
                let oldest = self.holds.iter().flatten().map(|hold| hold.until).min();
                self.holds
                    .iter()
                    .position(|hold| hold.map(|hold| hold.until) == oldest)
            })
            .unwrap_or(0);
        let slot = &mut self.holds[at];
        if slot.is_none_or(|hold| hold.rung != rung) {
            *slot = None;
        }
        slot.get_or_insert(Hold {
            rung,
            up: now,
            until: now,
            wait: Duration::ZERO,
        })
    }
}

/// Bit/s on the link for this layer with its sound.
pub(super) fn need(layer: &LayerRate, audio: u64) -> f64 {
    let video = layer.bitrate as f64;
    let packets = match layer.packets_per_second {
        0 => (video / 8.0 / PAYLOAD).max(15.0),
        counted => f64::from(counted),
    };
    video + packets * OVERHEAD * 8.0 + sound_need(audio)
}

/// Bit/s on the link for sound of so many bit/s alone.
pub fn sound_need(audio: u64) -> f64 {
    let packets = if audio > 0 { AUDIO_PACKETS } else { 0.0 };
    audio as f64 + packets * OVERHEAD * 8.0
}
