//! What a viewer can be sent: an encoding, up to some of the layers inside it.

use std::time::{Duration, Instant};

use crate::depacketize::Layer;
use crate::packet::SourceId;

/// A layer that did not come for so long is gone; the lowest of five pictures a second come more
/// often.
const SILENCE: Duration = Duration::from_secs(2);

/// One encoding up to these layers. An encoding without layers is one rung of layers 0 and 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rung {
    pub source: SourceId,
    pub spatial: u8,
    pub temporal: u8,
}

impl Rung {
    /// The only rung of an encoding without layers.
    pub const fn plain(source: SourceId) -> Self {
        Rung {
            source,
            spatial: 0,
            temporal: 0,
        }
    }
}

/// What is known of the layers inside one encoding.
#[derive(Debug, Default)]
pub struct Ladder {
    /// Empty until a packet tells its layer.
    layers: Vec<Measured>,
}

/// A part of an encoding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    pub spatial: u8,
    pub temporal: u8,
    /// Its share of the encoding's bytes and packets, with all that it builds on.
    pub bytes: f64,
    pub packets: f64,
    pub active: bool,
    /// Nothing of the encoding is left out.
    pub whole: bool,
}

#[derive(Debug)]
struct Measured {
    spatial: u8,
    temporal: u8,
    /// Of the last seconds, the older the less.
    bytes: u64,
    packets: u64,
    last: Instant,
    active: bool,
}

impl Ladder {
    /// A packet of this layer came.
    pub fn push(&mut self, layer: Layer, bytes: usize, now: Instant) {
        let Layer {
            spatial, temporal, ..
        } = layer;
        let of = |m: &Measured| (m.spatial, m.temporal);
        let found = self
            .layers
            .iter_mut()
            .find(|m| of(m) == (spatial, temporal));
        let Some(measured) = found else {
            return self.layers.push(Measured {
                spatial,
                temporal,
                bytes: bytes as u64,
                packets: 1,
                last: now,
                active: true,
            });
        };
        measured.bytes += bytes as u64;
        measured.packets += 1;
        measured.last = now;
        measured.active = true;
    }

    /// Which layers come no more.
    pub fn tick(&mut self, now: Instant) {
        for layer in &mut self.layers {
            layer.active = now.saturating_duration_since(layer.last) < SILENCE;
        }
    }

    /// What came so far counts less than what comes now. Call once a second.
    pub fn age(&mut self) {
        for layer in &mut self.layers {
            layer.bytes -= layer.bytes / 4;
            layer.packets -= layer.packets / 4;
        }
    }

    /// What a viewer can be sent that wants no layer above these, ascending: the smallest picture
    /// at each of its rates, larger ones at their full rate and at the next lower one. Fewer
    /// pictures a second than that make nobody happier than a smaller picture does.
    pub fn parts(&self, spatial: u8, temporal: u8) -> Vec<Part> {
        let highest = |of: fn(&Measured) -> u8| self.layers.iter().map(of).max().unwrap_or(0);
        let (top, rate) = (highest(|m| m.spatial), highest(|m| m.temporal));
        let most = rate.min(temporal);
        let mut parts = Vec::new();
        for spatial in 0..=top.min(spatial) {
            let least = if spatial == 0 {
                0
            } else {
                most.saturating_sub(1)
            };
            for temporal in least..=most {
                parts.push(Part {
                    whole: (spatial, temporal) == (top, rate),
                    ..self.part(spatial, temporal)
                });
            }
        }
        parts
    }

    fn part(&self, spatial: u8, temporal: u8) -> Part {
        let within = |m: &&Measured| m.spatial <= spatial && m.temporal <= temporal;
        let share = |of: fn(&Measured) -> u64| {
            let part: u64 = self.layers.iter().filter(within).map(of).sum();
            let all: u64 = self.layers.iter().map(of).sum();
            if all == 0 {
                1.0
            } else {
                part as f64 / all as f64
            }
        };
        // Whatever comes builds on what is below it, which need not come as often.
        let mut above = self
            .layers
            .iter()
            .filter(|m| m.spatial >= spatial && m.temporal >= temporal);
        Part {
            spatial,
            temporal,
            bytes: share(|m| m.bytes),
            packets: share(|m| m.packets),
            active: self.layers.is_empty() || above.any(|m| m.active),
            whole: false,
        }
    }
}
