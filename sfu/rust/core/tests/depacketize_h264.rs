//! H.264 (RFC 6184): packet kinds, where units end, keyframes, sizes, a real stream.

mod packetize;

use packetize::{
    Random, assemble, assert_same, captured, expected, nal, packet, reorder, sequence, sizes,
    survive_garbage, unit,
};
use sluice_media_core::codec::Codec::H264;
use sluice_media_core::depacketize::{picture_size, starts_keyframe};

const SPS: [u8; 4] = [0x67, 0x42, 0xc0, 0x1f];
const PPS: [u8; 3] = [0x68, 0xce, 0x3c];
/// First slices: `first_mb_in_slice` is the leading 1 bit.
const IDR: [u8; 4] = [0x65, 0x88, 0x84, 0x00];
const SLICE: [u8; 3] = [0x41, 0x9a, 0x02];

fn annex_b(nals: &[&[u8]]) -> Vec<u8> {
    nal::join(&nals.iter().map(|nal| nal.to_vec()).collect::<Vec<_>>())
}

#[test]
fn single_nal_units_of_a_picture_become_one_unit() {
    let packets = sequence(vec![
        vec![SPS.to_vec(), PPS.to_vec(), IDR.to_vec()],
        vec![SLICE.to_vec(), SLICE.to_vec()],
    ]);
    let (units, counters) = assemble(H264, &packets);
    assert_eq!(
        units,
        [
            unit(0, true, annex_b(&[&SPS, &PPS, &IDR])),
            unit(3000, false, annex_b(&[&SLICE, &SLICE])),
        ]
    );
    assert_eq!(counters, Default::default());
}

#[test]
fn a_stap_a_is_taken_apart() {
    let stap_a = [&[0x78, 0, 4][..], &SPS, &[0, 3], &PPS, &[0, 4], &IDR].concat();
    let (units, _) = assemble(H264, &[packet(1, 0, true, stap_a)]);
    assert_eq!(units, [unit(0, true, annex_b(&[&SPS, &PPS, &IDR]))]);
}

#[test]
fn fragments_are_joined_under_their_original_header() {
    let packets = [
        packet(1, 0, false, [0x7c, 0x85, 0x88, 1]),
        packet(2, 0, false, [0x7c, 0x05, 2, 3]),
        packet(3, 0, true, [0x7c, 0x45, 4]),
    ];
    let (units, _) = assemble(H264, &packets);
    assert_eq!(
        units,
        [unit(0, true, annex_b(&[&[0x65, 0x88, 1, 2, 3, 4]]))]
    );
}

#[test]
fn a_new_time_ends_a_unit_without_marker() {
    let packets = [
        packet(1, 0, false, IDR),
        packet(2, 3000, false, SLICE),
        packet(3, 6000, false, SLICE),
    ];
    let (units, _) = assemble(H264, &packets);
    assert_eq!(
        units,
        [
            unit(0, true, annex_b(&[&IDR])),
            unit(3000, false, annex_b(&[&SLICE])),
        ]
    );
}

#[test]
fn parameter_sets_with_a_marker_or_a_time_of_their_own_go_to_the_next_picture() {
    let packets = [
        packet(1, 0, true, SPS),
        packet(2, 0, true, PPS),
        packet(3, 3000, true, IDR),
    ];
    let (units, _) = assemble(H264, &packets);
    assert_eq!(units, [unit(3000, true, annex_b(&[&SPS, &PPS, &IDR]))]);
}

#[test]
fn interleaved_and_broken_packets_are_malformed() {
    let bad: [&[u8]; 10] = [
        &[0x79, 0, 0, 0, 3, 0x65, 0x88, 1], // STAP-B
        &[0x7a, 0, 0],                      // MTAP16
        &[0x7b, 0, 0],                      // MTAP24
        &[0x7d, 0x85, 0, 0, 1],             // FU-B
        &[0x60],                            // type 0
        &[0x78, 0, 9, 0x65],                // STAP-A: size past the end
        &[0x78, 0, 0],                      // STAP-A: empty NAL unit
        &[0x78, 0, 2, 0x78, 0],             // STAP-A in a STAP-A
        &[0x7c],                            // FU-A without its header
        &[0x7c, 0x05, 1],                   // FU-A that nobody began
    ];
    for payload in bad {
        let packets = [
            packet(1, 0, true, IDR),
            packet(2, 3000, true, payload),
            packet(3, 6000, true, SLICE),
        ];
        let (units, counters) = assemble(H264, &packets);
        assert_eq!(units.len(), 1, "{payload:x?}: the chain is broken");
        assert_eq!(counters.malformed, 1, "{payload:x?}");
        assert_eq!(counters.dropped_units, 2, "{payload:x?}");
        assert!(!starts_keyframe(H264, payload), "{payload:x?}");
    }
}

#[test]
fn a_unit_that_ends_inside_a_fragment_is_dropped() {
    let packets = [
        packet(1, 0, true, IDR),
        packet(2, 3000, true, [0x7c, 0x81, 0x9a, 1]),
        packet(3, 6000, true, SLICE),
        packet(4, 9000, true, IDR),
    ];
    let (units, counters) = assemble(H264, &packets);
    let times: Vec<_> = units.iter().map(|unit| unit.time).collect();
    assert_eq!(times, [0, 9000]);
    assert_eq!((counters.malformed, counters.dropped_units), (1, 2));
}

#[test]
fn a_keyframe_starts_with_an_sps_or_the_first_slice_of_an_idr() {
    let starts: [&[u8]; 5] = [
        &SPS,
        &IDR,
        &[0x78, 0, 2, 0x09, 0xf0, 0, 4, 0x67, 0x42, 0xc0, 0x1f],
        &[0x78, 0, 2, 0x65, 0x88],
        &[0x7c, 0x85, 0x88, 0],
    ];
    for payload in starts {
        assert!(starts_keyframe(H264, payload), "{payload:x?}");
    }
    let others: [&[u8]; 8] = [
        &[],
        &PPS,
        &SLICE,
        &[0x09, 0xf0],
        &[0x65, 0x40, 0], // a later slice of an IDR picture
        &[0x7c, 0x05, 0x88],
        &[0x7c, 0x81, 0x88],
        &[0x7c, 0x85],
    ];
    for payload in others {
        assert!(!starts_keyframe(H264, payload), "{payload:x?}");
    }
}

#[test]
fn real_sps_give_the_size_that_is_shown() {
    for (what, size, sps) in sizes(H264) {
        assert_eq!(picture_size(H264, &sps), Some(size), "{what}");
        let stap_a = nal::aggregate(&[PPS.to_vec(), sps.clone()], 1);
        assert_eq!(
            picture_size(H264, &stap_a),
            Some(size),
            "{what} in a STAP-A"
        );
        for end in 0..6 {
            assert_eq!(picture_size(H264, &sps[..end]), None, "{what} cut short");
        }
    }
    assert_eq!(picture_size(H264, &IDR), None);
}

#[test]
fn a_real_stream_comes_out_as_the_encoder_made_it() {
    let (units, counters) = assemble(H264, &captured("h264"));
    assert_same(&units, &expected("h264"), "real stream");
    assert_eq!(counters, Default::default());
}

#[test]
fn any_packetization_survives_reordering() {
    for seed in 0..60 {
        let mut random = Random(seed);
        let (mut pictures, mut want) = (Vec::new(), Vec::new());
        for index in 0..40 {
            let key = index % 10 == 0;
            let mut nals = if key {
                vec![SPS.to_vec(), PPS.to_vec()]
            } else {
                vec![]
            };
            for _ in 0..=random.below(3) {
                let mut slice = if key { IDR.to_vec() } else { SLICE.to_vec() };
                let size = random.below(500);
                slice.extend(random.bytes(size));
                nals.push(slice);
            }
            let mtu = 20 + random.below(200);
            pictures.push(nal::packetize(&nals, 1, mtu, &mut random));
            want.push(unit(index * 3000, key, nal::join(&nals)));
        }
        let packets = reorder(&sequence(pictures), &mut random);
        let (units, counters) = assemble(H264, &packets);
        assert_same(&units, &want, &format!("seed {seed}"));
        assert_eq!(counters, Default::default(), "seed {seed}");
    }
}

#[test]
fn garbage_never_panics() {
    assert!(survive_garbage(H264, &captured("h264"), 264) > 0);
}
