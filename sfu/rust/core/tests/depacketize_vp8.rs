//! VP8 (RFC 7741): the payload descriptor, keyframes, sizes, a real stream.

mod packetize;

use packetize::{
    Random, assemble, assert_same, captured, expected, packet, reorder, sequence, sizes,
    survive_garbage, unit,
};
use sluice_media_core::codec::Codec::Vp8;
use sluice_media_core::depacketize::{
    Vp8Ids, picture_size, rewrite_vp8_ids, starts_keyframe, vp8_ids,
};

/// A key frame's first bytes: the P bit of the frame tag is 0.
const KEY: [u8; 3] = [0x10, 0, 0];
const DELTA: [u8; 3] = [0x11, 0, 0];

#[test]
fn the_ids_are_read_at_every_width() {
    let cases: [(&[u8], _, _); 6] = [
        (&[0x10, 0], None, None),
        (&[0x90, 0x80, 0x11, 0], Some((0x11, 7)), None),
        (&[0x90, 0x80, 0x92, 0x34, 0], Some((0x1234, 15)), None),
        (
            &[0x90, 0xe0, 0x92, 0x34, 0x56, 0x20, 0],
            Some((0x1234, 15)),
            Some(0x56),
        ),
        (&[0x90, 0x40, 0x56, 0], None, Some(0x56)),
        (&[0x80, 0x10, 0x1f], None, None),
    ];
    for (payload, picture_id, tl0_pic_idx) in cases {
        let want = Vp8Ids {
            picture_id,
            tl0_pic_idx,
        };
        assert_eq!(vp8_ids(payload), Some(want), "{payload:x?}");
    }
    let cut: [&[u8]; 5] = [
        &[],
        &[0x90],
        &[0x90, 0x80],
        &[0x90, 0x80, 0x92],
        &[0x90, 0xf0, 1, 2],
    ];
    for payload in cut {
        assert_eq!(vp8_ids(payload), None, "{payload:x?}");
    }
}

#[test]
fn ids_are_rewritten_where_they_lie_and_nothing_else_changes() {
    let cases: [(&[u8], &[u8]); 7] = [
        (&[0x10, 9, 9, 9, 9], &[0x10, 9, 9, 9, 9]),
        (&[0x90, 0x80, 0x11, 9], &[0x90, 0x80, 0x45, 9]),
        (&[0x90, 0x80, 0x92, 0x34, 9], &[0x90, 0x80, 0xa3, 0x45, 9]),
        (
            &[0x90, 0xe0, 0x92, 0x34, 0x56, 0x20, 9],
            &[0x90, 0xe0, 0xa3, 0x45, 0x67, 0x20, 9],
        ),
        (
            &[0x90, 0xf0, 0x11, 0x56, 0x3f, 9],
            &[0x90, 0xf0, 0x45, 0x67, 0x3f, 9],
        ),
        (&[0x90, 0x40, 0x56, 9], &[0x90, 0x40, 0x67, 9]),
        // Layer without ids.
        (&[0x80, 0x10, 0x1f, 9], &[0x80, 0x10, 0x1f, 9]),
    ];
    for (before, after) in cases {
        let mut payload = before.to_vec();
        rewrite_vp8_ids(&mut payload, 0x2345, 0x67);
        assert_eq!(payload, after, "{before:x?}");
    }
}

#[test]
fn a_payload_cut_short_is_left_as_it_is() {
    let whole = [0x90, 0xf0, 0x92, 0x34, 0x56, 0x20];
    for end in 0..whole.len() {
        let mut cut = whole[..end].to_vec();
        rewrite_vp8_ids(&mut cut, 0x2345, 0x67);
        assert_eq!(cut, whole[..end]);
    }
}

#[test]
fn the_payloads_of_a_picture_are_joined_without_their_descriptors() {
    let packets = [
        packet(1, 0, false, [&[0x90, 0x80, 0x11][..], &KEY].concat()),
        packet(2, 0, false, [0x80, 0x80, 0x11, 7]),
        packet(3, 0, true, [0x11, 8]), // start of partition 1
        packet(4, 3000, true, [&[0x10][..], &DELTA].concat()),
    ];
    let (units, counters) = assemble(Vp8, &packets);
    assert_eq!(
        units,
        [unit(0, true, [0x10, 0, 0, 7, 8]), unit(3000, false, DELTA)]
    );
    assert_eq!(counters, Default::default());
}

#[test]
fn a_keyframe_starts_with_the_first_partition_of_a_key_frame() {
    assert!(starts_keyframe(Vp8, &[0x10, 0x10, 0]));
    assert!(starts_keyframe(
        Vp8,
        &[0x90, 0xe0, 0x92, 0x34, 0x56, 0x20, 0x10]
    ));
    let others: [&[u8]; 6] = [
        &[],
        &[0x10],             // nothing behind the descriptor
        &[0x10, 0x11],       // a delta frame
        &[0x00, 0x10],       // not the start of a partition
        &[0x11, 0x10],       // partition 1
        &[0x90, 0x80, 0x10], // ends inside the descriptor
    ];
    for payload in others {
        assert!(!starts_keyframe(Vp8, payload), "{payload:x?}");
    }
}

#[test]
fn a_picture_without_its_start_or_with_two_is_malformed() {
    for second in [vec![0x00, 1], [&[0x10][..], &KEY].concat(), vec![0x90]] {
        let start = [&[0x10][..], &KEY].concat();
        let time = if second[0] == 0x10 { 0 } else { 3000 };
        let packets = [
            packet(1, 0, time != 0, start),
            packet(2, time, true, second.clone()),
        ];
        let (_, counters) = assemble(Vp8, &packets);
        assert_eq!(counters.malformed, 1, "{second:x?}");
        assert_eq!(counters.dropped_units, 1, "{second:x?}");
    }
}

#[test]
fn real_key_frames_give_their_size() {
    for (what, size, payload) in sizes(Vp8) {
        assert_eq!(picture_size(Vp8, &payload), Some(size), "{what}");
        for end in 0..11 {
            assert_eq!(picture_size(Vp8, &payload[..end]), None, "cut short");
        }
    }
    // The two bits above each side ask for scaling; they are no part of the size.
    let scaled = [0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, 0x80, 0x42, 0xe0, 0x81];
    assert_eq!(picture_size(Vp8, &scaled), Some((640, 480)));
    let no_start_code = [0x10, 0x10, 0, 0, 0x9d, 1, 0x2b, 0x80, 0x42, 0xe0, 0x81];
    assert_eq!(picture_size(Vp8, &no_start_code), None);
}

#[test]
fn a_real_stream_comes_out_as_the_encoder_made_it() {
    let (units, counters) = assemble(Vp8, &captured("vp8"));
    assert_same(&units, &expected("vp8"), "real stream");
    assert_eq!(counters, Default::default());
}

#[test]
fn any_packetization_survives_reordering() {
    for seed in 0..60 {
        let mut random = Random(seed);
        let (mut pictures, mut want) = (Vec::new(), Vec::new());
        for index in 0..60_u64 {
            let key = index % 10 == 0;
            let mut frame = if key { KEY.to_vec() } else { DELTA.to_vec() };
            let size = random.below(900);
            frame.extend(random.bytes(size));
            let mtu = 20 + random.below(200);
            let payload = |(i, chunk): (usize, &[u8])| {
                let start = if i == 0 { 0x10 } else { 0 };
                let id = [0x80 | start, 0x80, 0x80, index as u8];
                [&id, chunk].concat()
            };
            pictures.push(frame.chunks(mtu).enumerate().map(payload).collect());
            want.push(unit(index * 3000, key, frame));
        }
        let packets = reorder(&sequence(pictures), &mut random);
        let (units, counters) = assemble(Vp8, &packets);
        assert_same(&units, &want, &format!("seed {seed}"));
        assert_eq!(counters, Default::default(), "seed {seed}");
    }
}

#[test]
fn garbage_never_panics() {
    assert!(survive_garbage(Vp8, &captured("vp8"), 8) > 0);
}
