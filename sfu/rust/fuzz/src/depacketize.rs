//! Payloads of every codec, in any order and with holes.
//!
//! The first byte chooses the codec, the second the limits. Then come packets: a byte of flags
//! (1: marker, 2: a new picture, from 4 on: where the number goes), a length, the payload.

use sluice_media_core::codec::Codec;
use sluice_media_core::depacketize::{Assembler, Limits, Payload, picture_size, starts_keyframe};

const CODECS: [Codec; 6] = [
    Codec::H264,
    Codec::H265,
    Codec::Vp8,
    Codec::Vp9,
    Codec::Av1,
    Codec::Opus,
];

/// What the end of a unit can add to its bytes: the index of a VP9 superframe.
const INDEX: usize = 2 + 8 * 4;

pub fn run(input: &[u8]) {
    let [codec, limits, packets @ ..] = input else {
        return;
    };
    let codec = CODECS[usize::from(*codec) % CODECS.len()];
    let limits = match limits % 3 {
        0 => Limits::default(),
        1 => Limits {
            window_packets: 4,
            window_ms: 100,
            unit_bytes: 300,
        },
        _ => Limits {
            window_packets: 0,
            window_ms: 0,
            unit_bytes: 0,
        },
    };
    let mut assembler = Assembler::new(codec, limits);
    let mut units = Vec::new();
    for packet in Packets::of(packets) {
        let _ = starts_keyframe(codec, packet.bytes);
        let size = picture_size(codec, packet.bytes);
        assert!(size.is_none_or(|(width, height)| width > 0 && height > 0));
        assembler.push(packet, &mut units);
    }
    assert!(units.first().is_none_or(|unit| unit.keyframe));
    for unit in units {
        assert!(!unit.payload.is_empty());
        assert!(unit.payload.len() <= limits.unit_bytes + INDEX);
    }
}

struct Packets<'a> {
    rest: &'a [u8],
    seq: u64,
    time: u64,
}

impl<'a> Packets<'a> {
    fn of(rest: &'a [u8]) -> Self {
        Packets {
            rest,
            seq: 70_000,
            time: 1 << 33,
        }
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Payload<'a>;

    fn next(&mut self) -> Option<Payload<'a>> {
        let [flags, length, rest @ ..] = self.rest else {
            return None;
        };
        let (bytes, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        self.rest = rest;
        self.seq = match flags >> 2 & 7 {
            0..=3 => self.seq + 1,
            4 => self.seq,
            5 => self.seq + 2,
            6 => self.seq.saturating_sub(3),
            _ => self.seq.saturating_sub(600),
        };
        if flags & 2 != 0 {
            self.time += 3000;
        }
        Some(Payload {
            seq: self.seq,
            time: self.time,
            marker: flags & 1 != 0,
            bytes,
        })
    }
}
