//! What of an encoding with layers inside a viewer can be sent.

mod world;

use std::time::Duration;

use sluice_media_core::broadcast::{Broadcast, Settings};
use sluice_media_core::codec::Codec;
use sluice_media_core::depacketize::{Layer, SwitchUp};
use sluice_media_core::downlink::LayerRate;
use sluice_media_core::packet::{Packet, SourceId};
use sluice_media_core::rung::{Ladder, Part};
use world::{at, key, shared, video};

const ALL: u8 = u8::MAX;

fn layer(spatial: u8, temporal: u8) -> Layer {
    Layer {
        spatial,
        temporal,
        predicted: true,
        ends: true,
        switch_up: SwitchUp::No,
    }
}

/// A packet of each of these layers.
fn ladder(layers: &[(u8, u8, usize)]) -> Ladder {
    let mut ladder = Ladder::default();
    for (spatial, temporal, bytes) in layers {
        ladder.push(layer(*spatial, *temporal), *bytes, at(0));
    }
    ladder
}

fn names(parts: &[Part]) -> Vec<(u8, u8)> {
    parts.iter().map(|p| (p.spatial, p.temporal)).collect()
}

#[test]
fn without_layers_there_is_the_whole() {
    let parts = Ladder::default().parts(ALL, ALL);
    assert_eq!(names(&parts), [(0, 0)]);
    let [whole] = parts[..] else { unreachable!() };
    assert!(whole.active && whole.whole);
    assert_eq!((whole.bytes, whole.packets), (1.0, 1.0));
}

#[test]
fn the_smallest_picture_comes_at_every_rate_and_larger_ones_at_two() {
    let all: Vec<_> = (0..3)
        .flat_map(|s| (0..3).map(move |t| (s, t, 100)))
        .collect();
    let parts = ladder(&all).parts(ALL, ALL);
    let expected = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (2, 2)];
    assert_eq!(names(&parts), expected);
    let whole: Vec<bool> = parts.iter().map(|p| p.whole).collect();
    assert_eq!(whole, [false, false, false, false, false, false, true]);
}

#[test]
fn a_part_is_what_it_builds_on_too() {
    let parts = ladder(&[(0, 0, 100), (0, 1, 50), (1, 0, 500), (1, 1, 350)]).parts(ALL, ALL);
    assert_eq!(names(&parts), [(0, 0), (0, 1), (1, 0), (1, 1)]);
    let bytes: Vec<f64> = parts.iter().map(|p| p.bytes).collect();
    assert_eq!(bytes, [0.1, 0.15, 0.6, 1.0]);
    let packets: Vec<f64> = parts.iter().map(|p| p.packets).collect();
    assert_eq!(packets, [0.25, 0.5, 0.5, 1.0]);
}

#[test]
fn who_wants_fewer_layers_has_a_ladder_of_those() {
    let all: Vec<_> = (0..3)
        .flat_map(|s| (0..3).map(move |t| (s, t, 100)))
        .collect();
    let ladder = ladder(&all);
    assert_eq!(names(&ladder.parts(1, 0)), [(0, 0), (1, 0)]);
    assert_eq!(names(&ladder.parts(0, 1)), [(0, 0), (0, 1)]);
    assert!(ladder.parts(1, ALL).iter().all(|part| !part.whole));
}

#[test]
fn a_layer_that_comes_no_more_is_inactive_but_what_is_below_one_that_comes_is_not() {
    let mut ladder = ladder(&[(0, 0, 100), (0, 1, 100), (1, 0, 100), (1, 1, 100)]);
    ladder.push(layer(0, 1), 100, at(3000));
    ladder.tick(at(3000));
    let active = |ladder: &Ladder| -> Vec<bool> {
        let parts = ladder.parts(ALL, ALL);
        parts.iter().map(|part| part.active).collect()
    };
    assert_eq!(active(&ladder), [true, true, false, false]);
    ladder.push(layer(1, 1), 100, at(3100));
    assert_eq!(active(&ladder), [true, true, true, true]);
}

#[test]
fn what_was_weighs_less_every_second() {
    let mut ladder = ladder(&[(0, 0, 1000), (1, 0, 1000)]);
    for _ in 0..20 {
        ladder.push(layer(0, 0), 1000, at(0));
        ladder.push(layer(1, 0), 3000, at(0));
        ladder.age();
    }
    let low = ladder.parts(ALL, ALL)[0].bytes;
    assert!((low - 0.25).abs() < 0.01, "{low}");
}

#[test]
fn a_broadcast_measures_its_parts() {
    let mut broadcast = Broadcast::new(Settings {
        replay_bytes: 1 << 20,
        replay_span: Duration::from_secs(10),
        keyframe_gap: Duration::from_millis(500),
        lower_keyframe_gap: Duration::from_millis(500),
        keyframe_age: Duration::from_secs(4),
        silence: Duration::from_millis(500),
    });
    let source = SourceId(1);
    broadcast.add_source(source, "", Codec::Vp9, at(0));
    for number in 0..100 {
        let packet = match number {
            0 => key(1, 0, 0),
            _ => video(1, number, 10 * number),
        };
        let packet = Packet {
            codec: Codec::Vp9,
            layer: Some(layer((number % 2) as u8, 0)),
            payload: vec![0; 100 + 200 * (number as usize % 2)].into(),
            ..packet
        };
        broadcast.packet(&shared(packet), at(10 * number), &mut Vec::new());
    }
    broadcast.tick(at(1000));
    let found = broadcast.source(source).expect("it was added");
    let rungs: Vec<LayerRate> = found.rungs(ALL, ALL).collect();
    let figures: Vec<_> = rungs
        .iter()
        .map(|r| {
            (
                r.rung.spatial,
                r.bitrate,
                r.packets_per_second,
                r.whole,
                r.active,
            )
        })
        .collect();
    let expected = [(0, 40_000, 50, false, true), (1, 160_000, 100, true, true)];
    assert_eq!(figures, expected);
}
