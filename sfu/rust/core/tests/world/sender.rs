//! A publisher of three layers and sound, as the forwarder passes it on.

use sluice_media_core::downlink::LayerRate;
use sluice_media_core::packet::SourceId;
use sluice_media_core::rung::Rung;

use super::Dice;

/// Around the payload: RTP with extensions and SRTP.
pub const HEADERS: usize = 42;
const PAYLOAD: usize = 1100;
pub const AUDIO: u64 = 40_000;
pub const LOW: Rung = Rung::plain(SourceId(1));
pub const MIDDLE: Rung = Rung::plain(SourceId(2));
pub const HIGH: Rung = Rung::plain(SourceId(3));

/// Bit/s and pictures a second.
const LAYERS: [(Rung, u64, u64); 3] = [
    (LOW, 120_000, 15),
    (MIDDLE, 500_000, 30),
    (HIGH, 2_500_000, 30),
];
/// The same as spatial layers of one encoding, each with all its pictures or every other one.
const RUNGS: [(Rung, u64, u64); 6] = [
    (rung(0, 0), 75_000, 15),
    (rung(0, 1), 120_000, 30),
    (rung(1, 0), 310_000, 15),
    (rung(1, 1), 500_000, 30),
    (rung(2, 0), 1_500_000, 15),
    (rung(2, 1), 2_500_000, 30),
];
const KEYFRAMES: u64 = 2_000_000;

#[derive(Debug)]
pub struct Sender {
    layers: &'static [(Rung, u64, u64)],
    dice: Dice,
    next_picture: u64,
    next_sound: u64,
    next_keyframe: u64,
    playing: Option<Rung>,
    /// Datagrams and when they are due.
    due: Vec<(u64, usize)>,
}

impl Sender {
    pub fn new(seed: u64) -> Self {
        Self::of(&LAYERS, seed)
    }

    /// Of layers inside one encoding.
    pub fn scalable(seed: u64) -> Self {
        Self::of(&RUNGS, seed)
    }

    fn of(layers: &'static [(Rung, u64, u64)], seed: u64) -> Self {
        let mut dice = Dice(seed);
        let next_keyframe = dice.below(KEYFRAMES);
        Sender {
            layers,
            dice,
            next_picture: 0,
            next_sound: 0,
            next_keyframe,
            playing: None,
            due: Vec::new(),
        }
    }

    pub fn layers() -> [LayerRate; 3] {
        LAYERS.map(rate)
    }

    /// What there is to choose from.
    pub fn rates(&self) -> Vec<LayerRate> {
        self.layers.iter().copied().map(rate).collect()
    }

    /// What a joiner gets at once: so much of the lowest layer at this rate.
    pub fn replay(&mut self, millis: u64, rate: u64) {
        let bytes = self.layers[0].1 * millis / 8000;
        for at in 0..bytes / PAYLOAD as u64 {
            let due = at * PAYLOAD as u64 * 8_000_000 / rate;
            self.due.push((due, PAYLOAD + HEADERS));
        }
    }

    /// The datagrams to send by `now`. A new layer begins with a keyframe.
    pub fn poll(&mut self, layer: Option<Rung>, now: u64) -> Vec<usize> {
        if now >= self.next_sound {
            self.next_sound += 20_000;
            self.due.push((now, AUDIO as usize / 8 / 50 + HEADERS));
        }
        // Fewer or more pictures of one size need no keyframe.
        let size = |rung: Rung| (rung.source, rung.spatial);
        let fresh = layer.map(size) != self.playing.map(size) && layer.is_some();
        self.playing = layer;
        if let Some((_, rate, pictures)) = self
            .layers
            .iter()
            .copied()
            .find(|(rung, ..)| Some(*rung) == layer)
            && (fresh || now >= self.next_picture)
        {
            self.next_picture = now + 1_000_000 / pictures;
            self.picture(rate, pictures, fresh, now);
        }
        let (due, later) = self.due.iter().partition(|(at, _)| *at <= now);
        self.due = later;
        let due: Vec<(u64, usize)> = due;
        due.into_iter().map(|(_, bytes)| bytes).collect()
    }

    /// Sizes waver; a keyframe is five pictures in one, and the others make room for it.
    fn picture(&mut self, rate: u64, pictures: u64, fresh: bool, now: u64) {
        let of_group = pictures * KEYFRAMES / 1_000_000;
        let mut bytes = rate * (KEYFRAMES / 1_000_000) / 8 / (of_group + 4);
        bytes = bytes * (70 + self.dice.below(61)) / 100;
        if fresh || now >= self.next_keyframe {
            self.next_keyframe = now + KEYFRAMES;
            bytes *= 5;
        }
        // The publisher paces at two and a half times its rate.
        let mut due = now;
        while bytes > 0 {
            let part = bytes.min(PAYLOAD as u64);
            self.due.push((due, part as usize + HEADERS));
            due += part * 8_000_000 / (rate * 5 / 2);
            bytes -= part;
        }
    }
}

pub const fn rung(spatial: u8, temporal: u8) -> Rung {
    Rung {
        source: SourceId(1),
        spatial,
        temporal,
    }
}

fn rate((rung, bitrate, pictures): (Rung, u64, u64)) -> LayerRate {
    LayerRate {
        rung,
        whole: true,
        bitrate,
        packets_per_second: (bitrate / 8 / PAYLOAD as u64 + pictures / 2) as u32,
        active: true,
    }
}
