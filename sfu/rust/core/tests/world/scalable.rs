//! Streams of layers: three temporal ones, and in VP9 three spatial ones.

use sluice_media_core::codec::Codec;
use sluice_media_core::depacketize::{Layer, layer_of, vp8_ids};
use sluice_media_core::packet::Packet;

use super::{Dice, video, vp8_frame};

/// Temporal layers of the pictures of a round.
const ROUND: [u8; 4] = [0, 2, 1, 2];

pub struct Picture {
    pub number: u64,
    pub temporal: u8,
    pub key: bool,
    pub switch_up: bool,
    /// Earlier pictures that it builds on, layer by layer.
    pub builds_on: Vec<u64>,
}

/// In rounds that begin anew, higher temporal layers do not reach back over the round's start.
pub fn pictures(dice: &mut Dice) -> Vec<Picture> {
    let mut pictures = Vec::new();
    for round in 0..30 {
        let key = round == 0 || dice.below(10) == 0;
        let anew = key || dice.below(4) == 0;
        for (place, temporal) in (0..).zip(ROUND) {
            let number = 4 * round + place;
            let reach = if anew { place } else { place + 4 };
            let builds_on: &[u64] = match place {
                0 if key => &[],
                0 => &[4],
                1 => &[1, 2, 3],
                2 => &[2, 4],
                _ => &[1, 3, 5],
            };
            let builds_on = builds_on
                .iter()
                .filter(|&&back| temporal == 0 || back <= reach)
                .map(|back| number - back)
                .collect();
            pictures.push(Picture {
                number,
                temporal,
                key: key && place == 0,
                switch_up: place == 0 && anew,
                builds_on,
            });
        }
    }
    pictures
}

/// The packets of a picture, numbered from `seq` on, which becomes the next number.
pub fn vp9(source: u64, picture: &Picture, seq: &mut u64, dice: &mut Dice) -> Vec<Packet> {
    let mut packets = Vec::new();
    for spatial in 0..3 {
        let count = 1 + dice.below(3);
        for part in 0..count {
            let flags = 0xa0
                | u8::from(!picture.key) << 6
                | u8::from(part == 0) << 3
                | u8::from(part + 1 == count) << 2;
            let layers = picture.temporal << 5 | u8::from(picture.switch_up) << 4 | spatial << 1;
            let payload = vec![flags, picture.number as u8 & 0x7f, layers, 0, 0x82];
            packets.push(Packet {
                codec: Codec::Vp9,
                marker: spatial == 2 && part + 1 == count,
                keyframe_start: picture.key && spatial == 0 && part == 0,
                layer: layer_of(Codec::Vp9, &payload),
                payload: payload.into(),
                ..video(source, *seq, 1000 + picture.number * 33)
            });
            *seq += 1;
        }
    }
    packets
}

/// The same of temporal layers only, each of which can be entered where its round begins anew.
pub fn vp8(source: u64, picture: &Picture, seq: &mut u64, dice: &mut Dice) -> Vec<Packet> {
    let count = 1 + dice.below(3);
    let mut packets = Vec::new();
    let [high, low] = (picture.number as u16 | 0x8000).to_be_bytes();
    // It builds on the lowest layer only when its round's other layers do not matter to it.
    let sync = picture.temporal > 0 && picture.builds_on.iter().all(|back| back % 4 == 0);
    for part in 0..count {
        let begins = u8::from(part == 0) << 4;
        let layer = picture.temporal << 6 | u8::from(sync) << 5;
        let mut payload = vec![0x80 | begins, 0xe0, high, low, 0, layer];
        payload.extend(vp8_frame(640, 360));
        payload[6] |= u8::from(!picture.key);
        packets.push(Packet {
            codec: Codec::Vp8,
            marker: part + 1 == count,
            keyframe_start: picture.key && part == 0,
            vp8: vp8_ids(&payload),
            layer: layer_of(Codec::Vp8, &payload),
            payload: payload.into(),
            ..video(source, *seq, 1000 + picture.number * 33)
        });
        *seq += 1;
    }
    packets
}

pub fn layer(packet: &Packet) -> Layer {
    packet.layer.expect("a packet that tells its layer")
}
