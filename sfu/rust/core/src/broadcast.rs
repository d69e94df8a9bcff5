//! One live run of a channel: what the publisher sends, and what must be asked of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::codec::Codec;
use crate::depacketize::{Assembler, Limits, Payload, Unit, picture_size};
use crate::downlink::LayerRate;
use crate::gop::Gop;
use crate::keyframes::KeyframeGate;
use crate::packet::{Packet, SourceId};
use crate::rate::{Rate, Steady};
use crate::ring::Ring;
use crate::rung::{Ladder, Rung};

/// Bounds and times of a broadcast.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The kept group of pictures of a layer: bytes and media time.
    pub replay_bytes: usize,
    pub replay_span: Duration,
    /// At most one keyframe request in this time: for the largest layer (or the only one), whose
    /// keyframes cost the most, and for each of the others.
    pub keyframe_gap: Duration,
    pub lower_keyframe_gap: Duration,
    /// Ask for a keyframe when the last is this old.
    pub keyframe_age: Duration,
    /// Silence after which a layer is inactive and a publisher stalled.
    pub silence: Duration,
}

/// One encoding of the publisher.
pub struct Source {
    pub id: SourceId,
    /// Simulcast rid; empty where there is one encoding only.
    pub rid: String,
    pub codec: Codec,
    /// Pixels, from the last keyframe; 0 where unknown.
    pub width: u16,
    pub height: u16,
    pub active: bool,
    rate: Rate,
    ladder: Ladder,
    gop: Gop,
    ring: Ring,
    gate: KeyframeGate,
    last_packet: Instant,
    assembler: Option<Assembler>,
    /// Capture times of recent pictures, to stamp their access units.
    captured: VecDeque<(u64, Instant)>,
}

/// An access unit with its source's place in the broadcast.
#[derive(Debug)]
pub struct TappedUnit {
    pub codec: Codec,
    pub rid: String,
    pub captured: Instant,
    pub unit: Unit,
}

/// What a tick found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Some(true) when the publisher fell silent, Some(false) when it is back.
    pub stalled: Option<bool>,
    /// The list of layers, or the state, size or rough bitrate of one, is not what it was.
    pub layers: bool,
    /// Viewers should now follow another video source.
    pub video: bool,
}

pub struct Broadcast {
    settings: Settings,
    sources: Vec<Source>,
    video: Option<SourceId>,
    audio: Option<SourceId>,
    last_packet: Option<Instant>,
    stalled: bool,
    layers_changed: bool,
    tapped: bool,
    /// Units of the kept groups of pictures, for a reader that just came.
    caught_up: Vec<TappedUnit>,
}

impl Broadcast {
    pub fn new(settings: Settings) -> Self {
        Broadcast {
            settings,
            sources: Vec::new(),
            video: None,
            audio: None,
            last_packet: None,
            stalled: false,
            layers_changed: false,
            tapped: false,
            caught_up: Vec::new(),
        }
    }

    /// The publisher began to send another encoding.
    pub fn add_source(&mut self, id: SourceId, rid: &str, codec: Codec, now: Instant) {
        self.join_source(id, rid, codec, Steady::default(), now);
    }

    /// The same for one that was measured elsewhere.
    pub fn join_source(
        &mut self,
        id: SourceId,
        rid: &str,
        codec: Codec,
        steady: Steady,
        now: Instant,
    ) {
        let s = &self.settings;
        self.sources.push(Source {
            id,
            rid: rid.to_owned(),
            codec,
            width: 0,
            height: 0,
            active: true,
            rate: Rate::known(steady, now),
            ladder: Ladder::default(),
            gop: Gop::new(s.replay_bytes, s.replay_span),
            ring: Ring::new(),
            gate: KeyframeGate::new(now, s.keyframe_age),
            last_packet: now,
            assembler: self
                .tapped
                .then(|| Assembler::new(codec, Limits::default())),
            captured: VecDeque::new(),
        });
        if codec.is_audio() {
            self.audio = Some(id);
        } else if self.video.is_none() {
            self.video = Some(id);
        }
        self.layers_changed = true;
    }

    /// An encoding ended (the publisher changed its codec).
    pub fn remove_source(&mut self, id: SourceId) {
        self.sources.retain(|s| s.id != id);
        self.audio = self.audio.filter(|a| *a != id);
        self.video = self.video.filter(|v| *v != id);
        if self.video.is_none() {
            self.video = self.best_video();
        }
        self.layers_changed = true;
    }

    /// The publisher is gone. Viewers keep what they have; the next publisher starts afresh.
    pub fn clear(&mut self) {
        self.sources.clear();
        self.caught_up.clear();
        self.video = None;
        self.audio = None;
        self.last_packet = None;
        self.stalled = false;
        self.layers_changed = true;
    }

    /// Assemble access units (or stop to). The first reader begins with the kept group of
    /// pictures, like a viewer; a later one begins with the next keyframe.
    pub fn set_tapped(&mut self, tapped: bool) {
        if tapped == self.tapped {
            return;
        }
        self.tapped = tapped;
        self.caught_up.clear();
        for source in &mut self.sources {
            source.assembler = tapped.then(|| Assembler::new(source.codec, Limits::default()));
            for packet in source.gop.packets().cloned().collect::<Vec<_>>() {
                source.assemble(&packet, &mut self.caught_up);
            }
        }
    }

    /// A packet arrived. Complete access units are appended to `units` when tapped.
    pub fn packet(&mut self, packet: &Arc<Packet>, now: Instant, units: &mut Vec<TappedUnit>) {
        self.last_packet = Some(now);
        units.append(&mut self.caught_up);
        let Some(source) = self.sources.iter_mut().find(|s| s.id == packet.source) else {
            return;
        };
        source.last_packet = now;
        source.rate.push(packet.payload.len(), packet.arrived);
        if !source.codec.is_audio() {
            source.gop.push(packet);
            source.ring.push(packet);
            if let Some(layer) = packet.layer {
                source.ladder.push(layer, packet.payload.len(), now);
            }
            if packet.keyframe_start {
                source.gate.keyframe(now);
            }
            // Parameter sets may follow the packet that starts the keyframe, in its picture.
            if source
                .gop
                .first()
                .is_some_and(|first| first.time == packet.time)
                && let Some((width, height)) = picture_size(source.codec, &packet.payload)
                && (width, height) != (source.width, source.height)
            {
                (source.width, source.height) = (width, height);
                self.layers_changed = true;
            }
        }
        source.assemble(packet, units);
    }

    /// A viewer cannot decode.
    pub fn want_keyframe(&mut self, id: SourceId) {
        if let Some(source) = self.sources.iter_mut().find(|s| s.id == id) {
            source.gate.want();
        }
    }

    /// Somebody who reads every layer needs a keyframe of each.
    pub fn want_keyframes(&mut self) {
        for source in self.sources.iter_mut().filter(|s| !s.codec.is_audio()) {
            source.gate.want();
        }
    }

    /// Sources whose publisher must be asked for a keyframe now.
    pub fn poll_keyframes(&mut self, now: Instant) -> Vec<SourceId> {
        let settings = self.settings;
        let asked = |s: &Source| !s.codec.is_audio() && s.active;
        let videos = self.sources.iter().filter(|s| asked(s));
        let largest = videos.map(Source::pixels).max();
        self.sources
            .iter_mut()
            .filter(|s| asked(s))
            .filter_map(|s| {
                let gap = match Some(s.pixels()) == largest {
                    true => settings.keyframe_gap,
                    false => settings.lower_keyframe_gap,
                };
                // A reader's decoder is as helpless without a keyframe as a viewer's.
                if s.assembler.as_ref().is_some_and(Assembler::wants_keyframe) {
                    s.gate.want();
                }
                s.gate.poll(now, gap).then_some(s.id)
            })
            .collect()
    }

    /// Look at the time: who fell silent, who is back, which layer is the best.
    pub fn tick(&mut self, now: Instant) -> Changes {
        for source in &mut self.sources {
            let active = now.saturating_duration_since(source.last_packet) < self.settings.silence;
            self.layers_changed |= active != source.active;
            source.active = active;
            source.ladder.tick(now);
            self.layers_changed |= source.measure(now);
        }
        let silent = self
            .last_packet
            .is_some_and(|last| now.saturating_duration_since(last) >= self.settings.silence);
        let stalled = (silent != self.stalled).then_some(silent);
        self.stalled = silent;
        let best = self.best_video();
        let video = best.is_some() && best != self.video;
        if video {
            self.video = best;
            if let Some(id) = best {
                self.want_keyframe(id);
            }
        }
        Changes {
            stalled,
            layers: std::mem::take(&mut self.layers_changed),
            video,
        }
    }

    /// The video source that viewers follow.
    pub fn video(&self) -> Option<SourceId> {
        self.video
    }

    pub fn audio(&self) -> Option<SourceId> {
        self.audio
    }

    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    pub fn source(&self, id: SourceId) -> Option<&Source> {
        self.sources.iter().find(|s| s.id == id)
    }

    /// There is a larger layer: a keyframe of this one costs little.
    pub fn is_lower(&self, id: SourceId) -> bool {
        let pixels = self.source(id).map_or(0, Source::pixels);
        self.sources
            .iter()
            .any(|s| s.active && !s.codec.is_audio() && s.pixels() > pixels)
    }

    /// The kept group of pictures of the source that viewers follow.
    pub fn replay(&self) -> Option<&Gop> {
        self.gop(self.video?)
    }

    /// The kept group of pictures of a source.
    pub fn gop(&self, id: SourceId) -> Option<&Gop> {
        self.source(id).map(|s| &s.gop)
    }

    /// The last packets of a source, for resends.
    pub fn ring(&self, id: SourceId) -> Option<&Ring> {
        self.source(id).map(|s| &s.ring)
    }

    /// The largest active layer; the present one while nothing larger is active.
    fn best_video(&self) -> Option<SourceId> {
        let rank = |s: &Source| (s.active, s.pixels());
        let best = self
            .sources
            .iter()
            .filter(|s| !s.codec.is_audio())
            .max_by_key(|s| rank(s))?;
        match self.video.and_then(|id| self.source(id)) {
            Some(present) if !best.active || rank(present) >= rank(best) => Some(present.id),
            _ => Some(best.id),
        }
    }
}

impl Source {
    /// Bits per second over the last second; over less in the first one.
    pub fn bitrate(&self) -> u64 {
        self.rate.bitrate()
    }

    /// What it takes over some seconds.
    pub fn steady(&self) -> Steady {
        self.rate.steady()
    }

    fn pixels(&self) -> u32 {
        u32::from(self.width) * u32::from(self.height)
    }

    /// What of it a viewer can be sent that wants no layer above these, ascending.
    pub fn rungs(&self, spatial: u8, temporal: u8) -> impl Iterator<Item = LayerRate> {
        let parts = self.ladder.parts(spatial, temporal);
        let steady = self.steady();
        parts.into_iter().map(move |part| LayerRate {
            rung: Rung {
                source: self.id,
                spatial: part.spatial,
                temporal: part.temporal,
            },
            whole: part.whole,
            bitrate: (steady.bitrate as f64 * part.bytes) as u64,
            packets_per_second: (steady.packets_per_second as f64 * part.packets) as u32,
            active: self.active && part.active,
        })
    }

    /// Measure the last second. True when the rate is not about what it was.
    fn measure(&mut self, now: Instant) -> bool {
        let Some(changed) = self.rate.measure(now) else {
            return false;
        };
        self.ladder.age();
        changed
    }

    fn assemble(&mut self, packet: &Packet, units: &mut Vec<TappedUnit>) {
        let Some(assembler) = &mut self.assembler else {
            return;
        };
        if self
            .captured
            .back()
            .is_none_or(|(time, _)| *time != packet.time)
        {
            self.captured.push_back((packet.time, packet.captured));
            if self.captured.len() > 512 {
                self.captured.pop_front();
            }
        }
        let mut complete = Vec::new();
        let payload = Payload {
            seq: packet.seq,
            time: packet.time,
            marker: packet.marker,
            bytes: packet.newest(),
        };
        assembler.push(payload, &mut complete);
        for unit in complete {
            let captured = self
                .captured
                .iter()
                .find(|(time, _)| *time == unit.time)
                .map_or(packet.captured, |(_, at)| *at);
            units.push(TappedUnit {
                codec: self.codec,
                rid: self.rid.clone(),
                captured,
                unit,
            });
        }
    }
}
