//! Loss, late packets, restarts and limits, on VP8 because its pictures are easy to write.

mod packetize;

use packetize::{Packet, Random, assemble, assemble_within, packet, push, reorder, sequence};
use sluice_media_core::codec::Codec::Vp8;
use sluice_media_core::depacketize::{Assembler, Limits, Unit};

/// Pictures of three packets each, a key frame every tenth. Packet i of picture p is 3p + i.
fn stream(pictures: usize) -> Vec<Packet> {
    let picture = |index: usize| {
        let tag = if index.is_multiple_of(10) { 0x10 } else { 0x11 };
        vec![vec![0x10, tag], vec![0x00, 2], vec![0x00, 3]]
    };
    sequence((0..pictures).map(picture).collect())
}

fn without(mut packets: Vec<Packet>, lost: &[usize]) -> Vec<Packet> {
    let seqs: Vec<_> = lost.iter().map(|&i| packets[i].seq).collect();
    packets.retain(|packet| !seqs.contains(&packet.seq));
    packets
}

fn pictures(units: &[Unit]) -> Vec<u64> {
    units.iter().map(|unit| unit.time / 3000).collect()
}

#[test]
fn after_a_loss_nothing_comes_out_before_the_next_keyframe() {
    for lost in [3 * 4, 3 * 4 + 1, 3 * 4 + 2] {
        let (units, counters) = assemble(Vp8, &without(stream(40), &[lost]));
        let want: Vec<_> = (0..4).chain(10..40).collect();
        assert_eq!(pictures(&units), want, "packet {lost}");
        assert_eq!(counters.lost_packets, 1);
        assert_eq!(
            counters.malformed, 0,
            "what follows a hole is not malformed"
        );
        assert_eq!(counters.dropped_units, 6);
    }
}

#[test]
fn a_wholly_lost_picture_breaks_the_chain_too() {
    let (units, counters) = assemble(Vp8, &without(stream(40), &[12, 13, 14]));
    let want: Vec<_> = (0..4).chain(10..40).collect();
    assert_eq!(pictures(&units), want);
    assert_eq!((counters.lost_packets, counters.dropped_units), (3, 5));
}

#[test]
fn a_keyframe_with_a_hole_is_no_start() {
    for lost in [30, 31, 32] {
        let (units, counters) = assemble(Vp8, &without(stream(50), &[lost]));
        let want: Vec<_> = (0..10).chain(20..50).collect();
        assert_eq!(pictures(&units), want, "packet {lost}");
        assert_eq!(counters.dropped_units, 10);
    }
}

#[test]
fn several_holes_in_a_unit_drop_it_once() {
    let mut packets = stream(40);
    for packet in &mut packets[12..21] {
        packet.time = 4 * 3000; // one picture of nine packets
    }
    let (units, counters) = assemble(Vp8, &without(packets, &[13, 15, 17]));
    assert_eq!(pictures(&units), (0..4).chain(10..40).collect::<Vec<_>>());
    assert_eq!(counters.lost_packets, 3);
    assert_eq!(counters.dropped_units, 4, "pictures 4, 7, 8 and 9");
}

#[test]
fn a_retransmission_within_the_window_repairs_the_stream() {
    let mut packets = stream(30);
    let late = packets.remove(13);
    packets.insert(40, late);
    let (units, counters) = assemble(Vp8, &packets);
    assert_eq!(pictures(&units), (0..30).collect::<Vec<_>>());
    assert_eq!(counters, Default::default());
}

#[test]
fn a_retransmission_after_the_window_is_ignored() {
    let mut packets = stream(40);
    let late = packets.remove(13);
    packets.insert(100, late);
    let (units, counters) = assemble(Vp8, &packets);
    assert_eq!(pictures(&units), (0..4).chain(10..40).collect::<Vec<_>>());
    assert_eq!((counters.lost_packets, counters.malformed), (1, 0));
}

#[test]
fn the_window_is_bounded_in_packets_even_when_time_stands_still() {
    let mut packets = vec![packet(1, 0, true, [0x10, 0x10])];
    packets.extend((3..=514).map(|seq| packet(seq, 0, false, [0x00, 1])));
    let (_, before) = assemble(Vp8, &packets[..511]);
    assert_eq!(before.lost_packets, 0);
    let (_, after) = assemble(Vp8, &packets);
    assert_eq!(after.lost_packets, 1);
}

#[test]
fn the_first_keyframe_may_arrive_out_of_order() {
    let mut packets = stream(12);
    packets.swap(0, 2);
    let (units, counters) = assemble(Vp8, &packets);
    assert_eq!(pictures(&units), (0..12).collect::<Vec<_>>());
    assert_eq!(counters, Default::default());
}

#[test]
fn what_comes_before_the_first_keyframe_is_left_out_and_not_counted() {
    let (units, counters) = assemble(Vp8, &stream(30)[3 * 4 + 1..]);
    assert_eq!(pictures(&units), (10..30).collect::<Vec<_>>());
    assert_eq!(counters, Default::default());
}

#[test]
fn it_says_when_it_wants_a_keyframe() {
    let mut assembler = Assembler::new(Vp8, Limits::default());
    let mut units = Vec::new();
    assert!(assembler.wants_keyframe());
    let mut wanted = Vec::new();
    let mut packets = stream(40);
    packets[30].bytes[1] = 0x11; // no key frame before picture 20
    for packet in without(packets, &[12]) {
        push(&mut assembler, &packet, &mut units);
        if packet.marker {
            wanted.push(assembler.wants_keyframe());
        }
    }
    // The window is 12 pictures of 33 ms.
    let wants: Vec<_> = (0..40).filter(|&picture| wanted[picture]).collect();
    assert_eq!(wants, [17, 18, 19]);
}

#[test]
fn a_jump_ahead_is_a_gap() {
    let mut packets = stream(30);
    for packet in &mut packets[45..] {
        packet.seq += 30_000;
    }
    let (units, counters) = assemble(Vp8, &packets);
    assert_eq!(pictures(&units), (0..15).chain(20..30).collect::<Vec<_>>());
    assert_eq!(counters.lost_packets, 30_000);
}

#[test]
fn a_sender_that_restarts_its_sequence_is_followed() {
    let mut packets = stream(100);
    for packet in &mut packets[..45] {
        packet.seq += 30_000;
    }
    let (units, _) = assemble(Vp8, &packets);
    // 64 packets convince it, which is in picture 36.
    assert_eq!(pictures(&units), (0..15).chain(40..100).collect::<Vec<_>>());
}

#[test]
fn an_oversized_unit_is_dropped_and_counted() {
    let limits = Limits {
        unit_bytes: 10,
        ..Limits::default()
    };
    let mut packets = stream(30);
    packets[13].bytes = vec![0; 12];
    let (units, counters) = assemble_within(Vp8, &packets, limits);
    assert_eq!(pictures(&units), (0..4).chain(10..30).collect::<Vec<_>>());
    assert_eq!((counters.dropped_units, counters.malformed), (6, 0));
}

#[test]
fn random_loss_never_lets_a_broken_chain_through() {
    for seed in 0..200 {
        let mut random = Random(seed);
        let mut packets = stream(200);
        let total = packets.len();
        packets.retain(|packet| packet.seq == 1000 || !random.chance(3));
        let lost = total - packets.len();
        let (units, counters) = assemble(Vp8, &reorder(&packets, &mut random));
        let mut last = None;
        for unit in &units {
            assert_eq!(unit.payload.len(), 3, "seed {seed}: a unit with a hole");
            let picture = unit.time / 3000;
            assert!(
                unit.keyframe || last == Some(picture - 1),
                "seed {seed}: picture {picture} without its reference"
            );
            last = Some(picture);
        }
        assert!(counters.lost_packets <= lost as u64, "seed {seed}");
        assert_eq!(counters.malformed, 0, "seed {seed}");
    }
}
