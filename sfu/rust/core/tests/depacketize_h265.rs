//! H.265 (RFC 7798): packet kinds, keyframes, sizes, a real stream.

mod packetize;

use packetize::{
    Random, assemble, assert_same, captured, expected, nal, packet, reorder, sequence, sizes,
    survive_garbage, unit,
};
use sluice_media_core::codec::Codec::H265;
use sluice_media_core::depacketize::{picture_size, starts_keyframe};

const VPS: [u8; 3] = [0x40, 1, 0x0c];
const SPS: [u8; 3] = [0x42, 1, 0x01];
const PPS: [u8; 3] = [0x44, 1, 0xc1];
/// First slices: the bit behind the header is `first_slice_segment_in_pic_flag`.
const IDR: [u8; 4] = [0x26, 1, 0xaf, 9];
const SLICE: [u8; 4] = [0x02, 1, 0xd0, 9];

fn annex_b(nals: &[&[u8]]) -> Vec<u8> {
    nal::join(&nals.iter().map(|nal| nal.to_vec()).collect::<Vec<_>>())
}

#[test]
fn an_aggregation_packet_is_taken_apart() {
    let ap = [
        &[0x60, 1, 0, 3][..],
        &VPS,
        &[0, 3],
        &SPS,
        &[0, 3],
        &PPS,
        &[0, 4],
        &IDR,
    ]
    .concat();
    let packets = [packet(1, 0, true, ap), packet(2, 3000, true, SLICE)];
    let (units, counters) = assemble(H265, &packets);
    assert_eq!(
        units,
        [
            unit(0, true, annex_b(&[&VPS, &SPS, &PPS, &IDR])),
            unit(3000, false, annex_b(&[&SLICE])),
        ]
    );
    assert_eq!(counters, Default::default());
}

#[test]
fn fragments_are_joined_under_their_original_header() {
    // Type 19 (IDR_W_RADL), layer id 1 with its high bit clear, temporal id 1.
    let packets = [
        packet(1, 0, false, [0x62, 0x09, 0x93, 0xaf, 1]),
        packet(2, 0, false, [0x62, 0x09, 0x13, 2]),
        packet(3, 0, true, [0x62, 0x09, 0x53, 3]),
    ];
    let (units, _) = assemble(H265, &packets);
    assert_eq!(
        units,
        [unit(0, true, annex_b(&[&[0x26, 0x09, 0xaf, 1, 2, 3]]))]
    );
}

#[test]
fn every_irap_picture_is_a_keyframe_and_no_other() {
    for kind in 0..32_u8 {
        let slice = [kind << 1, 1, 0x80, 0];
        let irap = (16..24).contains(&kind);
        assert_eq!(starts_keyframe(H265, &slice), irap, "type {kind}");
        let packets = [packet(1, 0, true, IDR), packet(2, 3000, true, slice)];
        let (units, _) = assemble(H265, &packets);
        assert_eq!(units[1].keyframe, irap, "type {kind}");
    }
}

#[test]
fn a_keyframe_starts_with_parameter_sets_or_the_first_slice_segment() {
    let starts: [&[u8]; 4] = [&VPS, &SPS, &IDR, &[0x62, 1, 0x93, 0xaf, 0]];
    for payload in starts {
        assert!(starts_keyframe(H265, payload), "{payload:x?}");
    }
    let others: [&[u8]; 7] = [
        &[],
        &[0x26],
        &PPS, // may come before any picture
        &SLICE,
        &[0x26, 1, 0x2f],       // a later slice segment
        &[0x62, 1, 0x13, 0xaf], // a later fragment
        &[0x46, 1, 0x50],       // access unit delimiter
    ];
    for payload in others {
        assert!(!starts_keyframe(H265, payload), "{payload:x?}");
    }
}

#[test]
fn paci_and_broken_packets_are_malformed() {
    let bad: [&[u8]; 7] = [
        &[0x64, 1, 0, 0, 0],      // PACI
        &[0x66, 1, 0],            // type 51
        &[0x60, 1],               // AP without NAL units
        &[0x60, 1, 0, 9, 1],      // AP: size past the end
        &[0x60, 1, 0, 1, 2],      // AP: NAL unit without a whole header
        &[0x62, 1],               // FU without its header
        &[0x62, 1, 0x81 + 48, 1], // FU of an aggregation packet
    ];
    for payload in bad {
        let packets = [packet(1, 0, true, IDR), packet(2, 3000, true, payload)];
        let (units, counters) = assemble(H265, &packets);
        assert_eq!(units.len(), 1, "{payload:x?}");
        assert_eq!(counters.malformed, 1, "{payload:x?}");
    }
}

#[test]
fn real_sps_give_the_size_that_is_shown() {
    for (what, size, sps) in sizes(H265) {
        assert_eq!(picture_size(H265, &sps), Some(size), "{what}");
        let ap = nal::aggregate(&[VPS.to_vec(), sps.clone()], 2);
        assert_eq!(picture_size(H265, &ap), Some(size), "{what} in an AP");
        for end in 0..18 {
            assert_eq!(picture_size(H265, &sps[..end]), None, "{what} cut short");
        }
    }
    assert_eq!(picture_size(H265, &IDR), None);
}

#[test]
fn a_real_stream_comes_out_as_the_encoder_made_it() {
    let (units, counters) = assemble(H265, &captured("h265"));
    assert_same(&units, &expected("h265"), "real stream");
    assert_eq!(counters, Default::default());
}

#[test]
fn any_packetization_survives_reordering() {
    for seed in 0..60 {
        let mut random = Random(seed);
        let (mut pictures, mut want) = (Vec::new(), Vec::new());
        for index in 0..40 {
            let key = index % 10 == 0;
            let sets = [VPS.to_vec(), SPS.to_vec(), PPS.to_vec()];
            let mut nals = if key { sets.to_vec() } else { vec![] };
            for _ in 0..=random.below(3) {
                let mut slice = if key { IDR.to_vec() } else { SLICE.to_vec() };
                let size = random.below(500);
                slice.extend(random.bytes(size));
                nals.push(slice);
            }
            let mtu = 20 + random.below(200);
            pictures.push(nal::packetize(&nals, 2, mtu, &mut random));
            want.push(unit(index * 3000, key, nal::join(&nals)));
        }
        let packets = reorder(&sequence(pictures), &mut random);
        let (units, counters) = assemble(H265, &packets);
        assert_same(&units, &want, &format!("seed {seed}"));
        assert_eq!(counters, Default::default(), "seed {seed}");
    }
}

#[test]
fn garbage_never_panics() {
    assert!(survive_garbage(H265, &captured("h265"), 265) > 0);
}
