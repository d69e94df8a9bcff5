//! Whatever is wanted and whenever, what a viewer gets can be decoded, and each of its pictures
//! ends with a marker.
//!
//! Random streams, whose dependencies are known here and told to the filter only by what stands
//! in the packets.

mod world;

use std::collections::HashSet;

use sluice_media_core::svc::LayerFilter;
use world::Dice;
use world::scalable::{layer, pictures, vp9};

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
            for packet in vp9(1, &picture, &mut 0, &mut dice) {
                if dice.below(40) == 0 {
                    wanted = (dice.below(3) as u8, dice.below(3) as u8);
                    filter.want(wanted.0, wanted.1);
                }
                let Some(kept) = filter.keep(&packet, packet.layer) else {
                    continue;
                };
                markers.push(kept.marker);
                layers.insert(layer(&packet).spatial);
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
