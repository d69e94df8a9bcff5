//! VP9 (RFC 9628): the payload descriptor, spatial layers, keyframes, sizes, a real stream.

mod packetize;

use packetize::{
    Random, assemble, assert_same, captured, expected, packet, reorder, sequence, sizes,
    survive_garbage, unit,
};
use sluice_media_core::codec::Codec::Vp9;
use sluice_media_core::depacketize::{picture_size, starts_keyframe};

/// Bits of the descriptor's first byte.
const I: u8 = 0x80;
const P: u8 = 0x40;
const L: u8 = 0x20;
const F: u8 = 0x10;
const B: u8 = 0x08;
const E: u8 = 0x04;
const V: u8 = 0x02;

/// First bytes of a frame: profile 0; the bit 0x04 makes it a predicted one.
const KEY: u8 = 0x82;
const DELTA: u8 = 0x86;

/// A scalability structure: two layers of 320x180 and 640x360, and a group of two pictures of
/// which the second has one reference.
const STRUCTURE: [u8; 13] = [
    0x38, 0x01, 0x40, 0x00, 0xb4, 0x02, 0x80, 0x01, 0x68, 2, 0x00, 0x14, 0x01,
];

#[test]
fn every_part_of_the_descriptor_is_taken_off() {
    let structure = [&[B | E | V][..], &STRUCTURE, &[9]].concat();
    let descriptors: [&[u8]; 8] = [
        &[B | E, 9],
        &[I | B | E, 0x11, 9],
        &[I | B | E, 0x91, 0x23, 9],
        &[I | L | B | E, 0x11, 0x00, 0x07, 9], // TL0PICIDX in the non-flexible mode
        &[I | L | F | B | E, 0x11, 0x00, 9],   // none in the flexible one
        &[I | P | F | B | E, 0x11, 0x03, 0x05, 0x06, 9], // three P_DIFF
        &[I | P | F | B | E, 0x11, 0x02, 9],
        &structure,
    ];
    for payload in descriptors {
        let packets = [
            packet(1, 0, true, [B | E, KEY]),
            packet(2, 3000, true, payload),
        ];
        let (units, counters) = assemble(Vp9, &packets);
        assert_eq!(units[1].payload, [9], "{payload:x?}");
        assert_eq!(counters, Default::default(), "{payload:x?}");
    }
}

#[test]
fn a_descriptor_cut_short_is_malformed() {
    let structure = [&[B | E | V][..], &STRUCTURE].concat();
    let bad: [&[u8]; 9] = [
        &[B],
        &[I | B],
        &[I | B, 0x91],
        &[I | L | B, 0x11, 0x00],
        &[I | P | F | B, 0x11, 0x03],
        &[I | P | F | B, 0x11, 0x03, 0x05, 0x07, 9], // a fourth P_DIFF
        &structure[..4],
        &structure,
        &[0, 9], // the first payload of a picture without B
    ];
    for payload in bad {
        let packets = [
            packet(1, 0, true, [B | E, KEY]),
            packet(2, 3000, true, payload),
        ];
        let (units, counters) = assemble(Vp9, &packets);
        assert_eq!(units.len(), 1, "{payload:x?}");
        assert_eq!(counters.malformed, 1, "{payload:x?}");
    }
}

#[test]
fn the_spatial_layers_of_a_picture_become_one_superframe() {
    let packets = [
        packet(1, 0, false, [I | L | F | B, 1, 0x00, KEY, 11]),
        packet(2, 0, false, [I | L | F | E, 1, 0x00, 12]),
        packet(3, 0, true, [I | L | F | B | E, 1, 0x03, 20, 21]),
    ];
    let (units, _) = assemble(Vp9, &packets);
    // Two frames, sizes in one byte each.
    let index = [0xc1, 3, 2, 0xc1];
    let want = [&[KEY, 11, 12, 20, 21][..], &index].concat();
    assert_eq!(units, [unit(0, true, want)]);
}

#[test]
fn a_superframe_index_is_as_wide_as_its_largest_frame() {
    let large = vec![KEY; 0x1_0203];
    let packets = [
        packet(1, 0, false, [&[L | F | B | E, 0x00][..], &large].concat()),
        packet(2, 0, true, [L | F | B | E, 0x03, 20]),
    ];
    let (units, _) = assemble(Vp9, &packets);
    let index = [0xd1, 0x03, 0x02, 0x01, 1, 0, 0, 0xd1];
    assert!(units[0].payload.ends_with(&index));
    assert_eq!(units[0].payload.len(), large.len() + 1 + index.len());
}

#[test]
fn more_frames_than_a_superframe_holds_are_malformed() {
    let frame = |seq| packet(seq, 0, false, [B | E, KEY]);
    let (units, counters) = assemble(Vp9, &(1..=9).map(frame).collect::<Vec<_>>());
    assert_eq!(units, []);
    assert_eq!(counters.malformed, 1);
}

#[test]
fn a_keyframe_starts_with_an_unpredicted_frame_of_the_lowest_layer() {
    assert!(starts_keyframe(Vp9, &[B, KEY]));
    assert!(starts_keyframe(Vp9, &[B, 0xb0])); // profile 3
    assert!(starts_keyframe(Vp9, &[I | L | F | B, 1, 0x00, KEY]));
    let others: [&[u8]; 9] = [
        &[],
        &[0, KEY],
        &[B | P, KEY],
        &[I | L | F | B, 1, 0x02, KEY], // layer 1
        &[B, DELTA],                    // from a sender that never sets P
        &[B, 0x88],                     // shows an existing frame
        &[B, 0xb2],                     // a delta frame of profile 3
        &[B, 0x02],                     // no frame marker
        &[I | B],
    ];
    for payload in others {
        assert!(!starts_keyframe(Vp9, payload), "{payload:x?}");
    }
}

#[test]
fn the_size_is_that_of_the_highest_layer() {
    let payload = [&[B | V][..], &STRUCTURE, &[9]].concat();
    assert_eq!(picture_size(Vp9, &payload), Some((640, 360)));
}

#[test]
fn real_key_frames_give_their_size() {
    for (what, size, payload) in sizes(Vp9) {
        assert_eq!(picture_size(Vp9, &payload), Some(size), "{what}");
        for end in 0..9 {
            assert_eq!(picture_size(Vp9, &payload[..end]), None, "{what} cut short");
        }
        let mut predicted = payload.clone();
        predicted[0] |= P;
        assert_eq!(
            picture_size(Vp9, &predicted),
            None,
            "{what} as a delta frame"
        );
    }
}

#[test]
fn a_real_stream_comes_out_as_the_encoder_made_it() {
    let (units, counters) = assemble(Vp9, &captured("vp9"));
    assert_same(&units, &expected("vp9"), "real stream");
    assert_eq!(counters, Default::default());
}

#[test]
fn any_packetization_survives_reordering() {
    for seed in 0..60 {
        let mut random = Random(seed);
        let (mut pictures, mut want) = (Vec::new(), Vec::new());
        for index in 0..60_u64 {
            let predicted = if index % 10 == 0 { 0 } else { P };
            let size = 1 + random.below(900);
            let mut frame = random.bytes(size);
            frame[0] = if predicted == 0 { KEY } else { DELTA };
            let mtu = 20 + random.below(200);
            let last = (size - 1) / mtu;
            let payload = |(i, chunk): (usize, &[u8])| {
                let edges = if i == 0 { B } else { 0 } | if i == last { E } else { 0 };
                [&[I | predicted | edges, 0x80, index as u8], chunk].concat()
            };
            pictures.push(frame.chunks(mtu).enumerate().map(payload).collect());
            want.push(unit(index * 3000, predicted == 0, frame));
        }
        let packets = reorder(&sequence(pictures), &mut random);
        let (units, counters) = assemble(Vp9, &packets);
        assert_same(&units, &want, &format!("seed {seed}"));
        assert_eq!(counters, Default::default(), "seed {seed}");
    }
}

#[test]
fn garbage_never_panics() {
    assert!(survive_garbage(Vp9, &captured("vp9"), 9) > 0);
}
