//! A small world for the tests: a clock that stands still, packets to order, and dice.

// Each test file uses its part of this world.
#![allow(dead_code)]

pub mod network;
pub mod receiver;
pub mod scalable;
pub mod sender;
pub mod viewing;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use sluice_media_core::codec::Codec;
use sluice_media_core::depacketize::vp8_ids;
use sluice_media_core::packet::{Extras, Packet, SourceId};

/// The beginning of time, and everything after it.
pub fn at(ms: u64) -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now) + Duration::from_millis(ms)
}

/// Ticks of the video clock.
pub fn ticks(ms: u64) -> u64 {
    ms * 90
}

/// A video packet captured `ms` after the beginning, with RTP time to match.
pub fn video(source: u64, seq: u64, ms: u64) -> Packet {
    Packet {
        source: SourceId(source),
        codec: Codec::H264,
        seq,
        time: ticks(ms),
        marker: false,
        keyframe_start: false,
        captured: at(ms),
        arrived: at(ms),
        extras: Extras::default(),
        vp8: None,
        layer: None,
        newest: 0,
        payload: vec![0x41; 100].into(),
    }
}

/// The first packet of a keyframe.
pub fn key(source: u64, seq: u64, ms: u64) -> Packet {
    Packet {
        keyframe_start: true,
        ..video(source, seq, ms)
    }
}

pub fn sound(source: u64, seq: u64, ms: u64) -> Packet {
    Packet {
        codec: Codec::Opus,
        time: ms * 48,
        keyframe_start: true,
        payload: vec![0xfc; 80].into(),
        ..video(source, seq, ms)
    }
}

/// A whole VP8 picture in a packet. `id_bits`: 7 or 15.
pub fn vp8(source: u64, seq: u64, ms: u64, id: u16, id_bits: u8, tl0: u8) -> Packet {
    let mut payload = vec![0x90, 0xc0];
    if id_bits == 7 {
        payload.push(id as u8 & 0x7f);
    } else {
        payload.extend_from_slice(&(0x8000 | id).to_be_bytes());
    }
    payload.push(tl0);
    payload.extend_from_slice(&vp8_frame(640, 360));
    Packet {
        codec: Codec::Vp8,
        vp8: vp8_ids(&payload),
        payload: payload.into(),
        marker: true,
        ..video(source, seq, ms)
    }
}

/// The head of a VP8 keyframe of this size (RFC 6386 section 9.1).
pub fn vp8_frame(width: u16, height: u16) -> Vec<u8> {
    let mut frame = vec![0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a];
    frame.extend_from_slice(&width.to_le_bytes());
    frame.extend_from_slice(&height.to_le_bytes());
    frame.resize(40, 0);
    frame
}

/// A VP8 keyframe of this size in one packet, without ids.
pub fn vp8_key(source: u64, seq: u64, ms: u64, width: u16, height: u16) -> Packet {
    let mut payload = vec![0x10];
    payload.extend_from_slice(&vp8_frame(width, height));
    Packet {
        codec: Codec::Vp8,
        payload: payload.into(),
        marker: true,
        ..key(source, seq, ms)
    }
}

pub fn shared(packet: Packet) -> Arc<Packet> {
    Arc::new(packet)
}

/// Seeded dice (the constants are Knuth's MMIX).
#[derive(Clone, Debug)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 32
    }

    /// 0 to `sides` - 1.
    pub fn below(&mut self, sides: u64) -> u64 {
        self.roll() % sides
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.roll() as u8).collect()
    }
}
