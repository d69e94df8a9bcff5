//! Whatever is wanted and whenever, what a viewer gets can be decoded, and each of its pictures
//! ends with a marker.
//!
//! Random streams of three spatial and three temporal layers, whose dependencies are known here
//! and told to the filter only by what stands in the packets.

mod world;

use std::collections::HashSet;

use sluice_media_core::codec::Codec;
use sluice_media_core::depacketize::layer_of;
use sluice_media_core::packet::Packet;
use sluice_media_core::svc::LayerFilter;
use world::{Dice, video};

/// Temporal layers of the pictures of a round.
const ROUND: [u8; 4] = [0, 2, 1, 2];

struct Picture {
    number: u64,
    temporal: u8,
    key: bool,
    switch_up: bool,
    /// Earlier pictures that it builds on, layer by layer.
    builds_on: Vec<u64>,
}

/// In rounds that begin anew, higher temporal layers do not reach back over the round's start.
fn pictures(dice: &mut Dice) -> Vec<Picture> {
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

fn packets(picture: &Picture, dice: &mut Dice) -> Vec<(u8, Packet)> {
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
            let packet = Packet {
                codec: Codec::Vp9,
                marker: spatial == 2 && part + 1 == count,
                payload: payload.into(),
                ..video(1, 0, 1000 + picture.number * 33)
            };
            packets.push((spatial, packet));
        }
    }
    packets
}

#[test]
fn what_is_kept_can_be_decoded_and_ends_with_a_marker() {
    let mut kept_in_all = 0;
    let mut switches = 0;
    for seed in 0..300 {
        let mut dice = Dice(seed);
        let mut wanted = (dice.below(3) as u8, dice.below(3) as u8);
        let mut filter = LayerFilter::new(wanted.0, wanted.1);
        let mut decoded: HashSet<(u64, u8)> = HashSet::new();
        let mut highest = 0;
        for picture in pictures(&mut dice) {
            let mut markers = Vec::new();
            let mut layers = HashSet::new();
            for (spatial, packet) in packets(&picture, &mut dice) {
                if dice.below(40) == 0 {
                    wanted = (dice.below(3) as u8, dice.below(3) as u8);
                    filter.want(wanted.0, wanted.1);
                }
                let layer = layer_of(Codec::Vp9, &packet.payload);
                let Some(kept) = filter.keep(&packet, layer) else {
                    continue;
                };
                markers.push(kept.marker);
                layers.insert(spatial);
                kept_in_all += 1;
            }
            for &spatial in &layers {
                let number = picture.number;
                assert!(spatial == 0 || layers.contains(&(spatial - 1)));
                for &before in &picture.builds_on {
                    let is_there = decoded.contains(&(before, spatial));
                    assert!(
                        is_there,
                        "seed {seed}: {number} needs {before} in {spatial}"
                    );
                }
                decoded.insert((number, spatial));
            }
            if let Some((last, others)) = markers.split_last() {
                assert!(last & !others.contains(&true), "seed {seed}: {markers:?}");
                let top = layers.len();
                switches += usize::from(top != highest);
                highest = top;
            } else {
                assert!(
                    picture.temporal > 0,
                    "seed {seed}: a lowest layer is missing"
                );
            }
        }
    }
    // The dice did play.
    assert!(
        kept_in_all > 40_000 && switches > 500,
        "{kept_in_all} {switches}"
    );
}
