//! AV1 (RTP Payload Format for AV1): OBU elements, keyframes, sizes, a real stream.

mod packetize;

use packetize::av1::{packetize, payload, with_size};
use packetize::{
    Random, assemble, assert_same, captured, expected, packet, reorder, sequence, sizes,
    survive_garbage, unit,
};
use sluice_media_core::codec::Codec::Av1;
use sluice_media_core::depacketize::{picture_size, starts_keyframe};

/// OBUs without size fields.
const DELIMITER: [u8; 1] = [2 << 3];
const SEQUENCE: [u8; 3] = [1 << 3, 0xaa, 0xbb];
const FRAME: [u8; 4] = [6 << 3, 1, 2, 3];
const TILE_LIST: [u8; 2] = [8 << 3, 1];
/// With an extension byte (temporal layer 1).
const LAYER_FRAME: [u8; 3] = [6 << 3 | 4, 0x20, 5];

fn low_overhead(obus: &[&[u8]]) -> Vec<u8> {
    obus.iter().flat_map(|obu| with_size(obu)).collect()
}

#[test]
fn elements_with_and_without_a_count_get_their_size_fields_back() {
    let want = [unit(
        0,
        true,
        low_overhead(&[&SEQUENCE, &FRAME, &LAYER_FRAME]),
    )];
    for counted in [true, false] {
        let elements: [&[u8]; 3] = [&SEQUENCE, &FRAME, &LAYER_FRAME];
        let bytes = payload(&elements, counted, false, false, true);
        let (units, counters) = assemble(Av1, &[packet(1, 0, true, bytes)]);
        assert_eq!(units, want, "counted: {counted}");
        assert_eq!(counters, Default::default());
    }
}

#[test]
fn an_obu_is_joined_across_packets() {
    let packets = [
        packet(
            1,
            0,
            false,
            payload(&[&SEQUENCE, &FRAME[..2]], true, false, true, true),
        ),
        packet(
            2,
            0,
            false,
            payload(&[&FRAME[2..3]], true, true, true, false),
        ),
        packet(
            3,
            0,
            true,
            payload(&[&FRAME[3..], &LAYER_FRAME], false, true, false, false),
        ),
    ];
    let (units, counters) = assemble(Av1, &packets);
    assert_eq!(
        units,
        [unit(
            0,
            true,
            low_overhead(&[&SEQUENCE, &FRAME, &LAYER_FRAME])
        )]
    );
    assert_eq!(counters, Default::default());
}

#[test]
fn delimiters_and_tile_lists_are_left_out() {
    let elements: [&[u8]; 4] = [&DELIMITER, &SEQUENCE, &TILE_LIST, &FRAME];
    let bytes = payload(&elements, false, false, false, true);
    let (units, _) = assemble(Av1, &[packet(1, 0, true, bytes)]);
    assert_eq!(units, [unit(0, true, low_overhead(&[&SEQUENCE, &FRAME]))]);
}

#[test]
fn a_size_field_that_the_sender_left_in_is_kept() {
    let sized = with_size(&FRAME);
    let bytes = payload(&[&SEQUENCE, &sized], true, false, false, true);
    let (units, _) = assemble(Av1, &[packet(1, 0, true, bytes)]);
    assert_eq!(units, [unit(0, true, low_overhead(&[&SEQUENCE, &FRAME]))]);
}

#[test]
fn broken_payloads_are_malformed() {
    let bad: [&[u8]; 9] = [
        &[0x10],             // no element
        &[0x00, 5, 0x30],    // element past the end
        &[0x20, 2, 0x30, 1], // two elements announced, one there
        &[0x00, 0],          // an OBU without a header
        &[0x00, 0x80, 0x80], // a length without an end
        &[0x10, 0xb0, 1],    // forbidden bit
        &[0x10, 0x34],       // no extension byte
        &[0x10, 0x32, 9, 1], // size field past the end
        &[0x90, 1, 2],       // continues what nobody began
    ];
    for bytes in bad {
        let start = payload(&[&SEQUENCE, &FRAME], true, false, false, true);
        let packets = [packet(1, 0, true, start), packet(2, 3000, true, bytes)];
        let (units, counters) = assemble(Av1, &packets);
        assert_eq!(units.len(), 1, "{bytes:x?}");
        assert_eq!(counters.malformed, 1, "{bytes:x?}");
    }
}

#[test]
fn a_unit_that_ends_inside_an_obu_costs_only_itself() {
    let start = payload(&[&SEQUENCE, &FRAME], true, false, false, true);
    let packets = [
        packet(1, 0, true, start.clone()),
        packet(
            2,
            3000,
            true,
            payload(&[&FRAME[..2]], true, false, true, false),
        ),
        packet(3, 6000, true, start),
    ];
    let (units, counters) = assemble(Av1, &packets);
    assert_eq!(units.len(), 2);
    assert_eq!((counters.malformed, counters.dropped_units), (1, 1));
}

#[test]
fn a_keyframe_starts_with_a_new_sequence() {
    let new_sequence = payload(&[&FRAME], true, false, false, true);
    let header = payload(&[&DELIMITER, &SEQUENCE, &FRAME], false, false, false, false);
    assert!(starts_keyframe(Av1, &new_sequence));
    assert!(starts_keyframe(Av1, &header));
    let frame = payload(&[&FRAME], true, false, false, false);
    // The continuation looks like a sequence header by chance.
    let continued = payload(&[&SEQUENCE], true, true, false, false);
    for other in [vec![], vec![0x18], frame, continued] {
        assert!(!starts_keyframe(Av1, &other), "{other:x?}");
    }
}

#[test]
fn real_sequence_headers_give_their_size() {
    for (what, size, bytes) in sizes(Av1) {
        assert_eq!(picture_size(Av1, &bytes), Some(size), "{what}");
        for end in 0..8 {
            assert_eq!(picture_size(Av1, &bytes[..end]), None, "{what} cut short");
        }
    }
    let frame = payload(&[&FRAME], true, false, false, false);
    assert_eq!(picture_size(Av1, &frame), None);
}

#[test]
fn a_real_stream_comes_out_as_the_encoder_made_it() {
    let (units, counters) = assemble(Av1, &captured("av1"));
    assert_same(&units, &expected("av1"), "real stream");
    assert_eq!(counters, Default::default());
}

#[test]
fn any_packetization_survives_reordering() {
    for seed in 0..60 {
        let mut random = Random(seed);
        let (mut pictures, mut want) = (Vec::new(), Vec::new());
        for index in 0..40 {
            let key = index % 10 == 0;
            let mut obus = if key { vec![SEQUENCE.to_vec()] } else { vec![] };
            for _ in 0..=random.below(4) {
                let head = if random.chance(50) {
                    &FRAME[..]
                } else {
                    &LAYER_FRAME
                };
                let size = random.below(500);
                obus.push([head, &random.bytes(size)].concat());
            }
            let mtu = 20 + random.below(200);
            pictures.push(packetize(&obus, key, mtu, &mut random));
            let bytes: Vec<u8> = obus.iter().flat_map(|obu| with_size(obu)).collect();
            want.push(unit(index * 3000, key, bytes));
        }
        let packets = reorder(&sequence(pictures), &mut random);
        let (units, counters) = assemble(Av1, &packets);
        assert_same(&units, &want, &format!("seed {seed}"));
        assert_eq!(counters, Default::default(), "seed {seed}");
    }
}

#[test]
fn garbage_never_panics() {
    assert!(survive_garbage(Av1, &captured("av1"), 1) > 0);
}
