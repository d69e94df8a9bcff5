//! A small sender and a bad network, for the tests of the depacketizer.
// Every test file uses a part of it.
#![allow(dead_code)]

pub mod av1;
pub mod nal;

use std::path::Path;

use sluice_media_core::codec::Codec;
use sluice_media_core::depacketize::{
    Assembler, Counters, Limits, Payload, Unit, picture_size, starts_keyframe, vp8_ids,
};

/// One RTP packet, owned.
#[derive(Clone, Debug)]
pub struct Packet {
    pub seq: u64,
    pub time: u64,
    pub marker: bool,
    pub bytes: Vec<u8>,
}

pub fn packet(seq: u64, time: u64, marker: bool, bytes: impl Into<Vec<u8>>) -> Packet {
    Packet {
        seq,
        time,
        marker,
        bytes: bytes.into(),
    }
}

pub fn unit(time: u64, keyframe: bool, payload: impl Into<Vec<u8>>) -> Unit {
    Unit {
        time,
        keyframe,
        payload: payload.into(),
    }
}

/// Numbers the payloads of pictures 3000 ticks apart, with a marker on each picture's last one.
pub fn sequence(pictures: Vec<Vec<Vec<u8>>>) -> Vec<Packet> {
    let mut packets = Vec::new();
    for (index, payloads) in pictures.into_iter().enumerate() {
        let last = payloads.len() - 1;
        for (i, bytes) in payloads.into_iter().enumerate() {
            let seq = 1000 + packets.len() as u64;
            packets.push(packet(seq, index as u64 * 3000, i == last, bytes));
        }
    }
    packets
}

pub fn assemble(codec: Codec, packets: &[Packet]) -> (Vec<Unit>, Counters) {
    assemble_within(codec, packets, Limits::default())
}

pub fn assemble_within(codec: Codec, packets: &[Packet], limits: Limits) -> (Vec<Unit>, Counters) {
    let mut assembler = Assembler::new(codec, limits);
    let mut units = Vec::new();
    for packet in packets {
        push(&mut assembler, packet, &mut units);
    }
    (units, assembler.counters())
}

pub fn push(assembler: &mut Assembler, packet: &Packet, units: &mut Vec<Unit>) {
    let payload = Payload {
        seq: packet.seq,
        time: packet.time,
        marker: packet.marker,
        bytes: &packet.bytes,
    };
    assembler.push(payload, units);
}

/// Like `assert_eq!`, but shows only the first difference.
pub fn assert_same(units: &[Unit], want: &[Unit], what: &str) {
    for (unit, want) in units.iter().zip(want) {
        assert_eq!(unit, want, "{what}");
    }
    assert_eq!(units.len(), want.len(), "{what}: number of units");
}

/// A repeatable source of numbers (PCG: one multiplication, then the high bits mixed).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 >> 18 ^ self.0) >> 27;
        (mixed as u32).rotate_right((self.0 >> 59) as u32)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.next() as usize % limit
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// Delays packets by up to ten places (a third of a second when each is a picture) and delivers
/// some twice. The first one stays first.
pub fn reorder(packets: &[Packet], random: &mut Random) -> Vec<Packet> {
    let mut arrivals: Vec<(usize, Packet)> = Vec::new();
    for (i, packet) in packets.iter().enumerate() {
        let late = |random: &mut Random| if i > 0 { random.below(11) } else { 0 };
        let at = if random.chance(30) { late(random) } else { 0 };
        arrivals.push((i + at, packet.clone()));
        if random.chance(10) {
            arrivals.push((i + late(random), packet.clone()));
        }
    }
    arrivals.sort_by_key(|(at, _)| *at);
    arrivals.into_iter().map(|(_, packet)| packet).collect()
}

/// Feeds hostile payloads to every entry point: random ones, and `samples` with random damage.
/// Returns how many units came out, which proves that not everything was refused.
pub fn survive_garbage(codec: Codec, samples: &[Packet], seed: u64) -> usize {
    let mut random = Random(seed);
    let limits = Limits {
        unit_bytes: 20_000,
        ..Limits::default()
    };
    let mut assembler = Assembler::new(codec, limits);
    let (mut units, mut count, mut seq, mut time) = (Vec::new(), 0, 0_u64, 0_u64);
    for round in 0..120_000 {
        let bytes = if samples.is_empty() || random.chance(50) {
            let size = random.below(40);
            random.bytes(size)
        } else {
            damaged(&samples[round % samples.len()].bytes, &mut random)
        };
        starts_keyframe(codec, &bytes);
        picture_size(codec, &bytes);
        vp8_ids(&bytes);
        match random.below(1000) {
            0 => seq = seq.wrapping_add(u64::from(random.next())),
            1 => time = time.wrapping_sub(u64::from(random.next())),
            2 => (seq, time) = (u64::MAX, u64::MAX),
            3 => seq = seq.saturating_sub(700),
            roll if roll < 100 => time = time.wrapping_add(3000),
            roll => seq = seq.wrapping_add(roll as u64 % 3),
        }
        let packet = packet(seq, time, random.chance(30), bytes);
        push(&mut assembler, &packet, &mut units);
        count += units.len();
        assert!(
            units.iter().all(|unit| unit.payload.len() <= 20_100),
            "a unit grew past the limit"
        );
        units.clear();
    }
    count
}

fn damaged(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..random.below(4) {
        if !bytes.is_empty() {
            let at = random.below(bytes.len());
            bytes[at] = random.next() as u8;
        }
    }
    if random.chance(20) {
        bytes.truncate(random.below(bytes.len() + 1));
    }
    bytes
}

/// The packets in `tests/vectors/<name>.rtp`: FFmpeg's packetizer on an encoder's real stream.
pub fn captured(name: &str) -> Vec<Packet> {
    lines(&format!("{name}.rtp"))
        .map(|fields| {
            let [seq, time, marker, bytes] = fields.try_into().unwrap();
            packet(
                seq.parse().unwrap(),
                time.parse().unwrap(),
                marker == "1",
                hex(&bytes),
            )
        })
        .collect()
}

/// The units that [`captured`] must give: 3600 ticks apart, from the first packet's time.
pub fn expected(name: &str) -> Vec<Unit> {
    let start = captured(name)[0].time;
    lines(&format!("{name}.units"))
        .map(|fields| {
            let [picture, keyframe, bytes] = fields.try_into().unwrap();
            let picture: u64 = picture.parse().unwrap();
            unit(start + picture * 3600, keyframe == "1", hex(&bytes))
        })
        .collect()
}

/// Real headers of this codec in `tests/vectors/sizes.txt`: what it is, its size, the payload.
pub fn sizes(codec: Codec) -> Vec<(String, (u16, u16), Vec<u8>)> {
    let found: Vec<_> = lines("sizes.txt")
        .filter(|fields| fields[0] == codec.name())
        .map(|fields| {
            let [_, width, height, what, bytes] = fields.try_into().unwrap();
            let size = (width.parse().unwrap(), height.parse().unwrap());
            (what, size, hex(&bytes))
        })
        .collect();
    assert!(!found.is_empty(), "no sizes for {}", codec.name());
    found
}

fn lines(file: &str) -> impl Iterator<Item = Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/vectors")
        .join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(' ').map(String::from).collect())
        .collect();
    lines.into_iter()
}

pub fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
        .collect()
}
