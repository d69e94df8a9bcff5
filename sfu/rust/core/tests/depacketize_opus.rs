//! Opus (RFC 7587): a packet is a unit, and what is lost is skipped.

mod packetize;

use packetize::{Packet, Random, assemble, packet, reorder, survive_garbage, unit};
use sluice_media_core::codec::Codec::Opus;
use sluice_media_core::depacketize::{picture_size, starts_keyframe};

/// 20 ms packets with one frame each; the marker is of no importance.
fn speech(count: u64) -> Vec<Packet> {
    (0..count)
        .map(|i| packet(i, i * 960, i % 7 == 0, [0xfc, i as u8]))
        .collect()
}

#[test]
fn every_packet_is_a_unit_at_once() {
    let (units, counters) = assemble(Opus, &speech(2));
    assert_eq!(
        units,
        [unit(0, true, [0xfc, 0]), unit(960, true, [0xfc, 1])]
    );
    assert_eq!(counters, Default::default());
}

#[test]
fn reordered_and_repeated_packets_come_out_once_and_in_order() {
    for seed in 0..60 {
        let (units, counters) = assemble(Opus, &reorder(&speech(300), &mut Random(seed)));
        assert_eq!(units.len(), 300, "seed {seed}");
        for (i, unit) in units.iter().enumerate() {
            assert_eq!(unit.time, i as u64 * 960, "seed {seed}");
        }
        assert_eq!(counters, Default::default(), "seed {seed}");
    }
}

#[test]
fn a_lost_packet_is_skipped_after_the_window() {
    let mut packets = speech(40);
    packets.remove(5);
    let (units, counters) = assemble(Opus, &packets);
    let times: Vec<_> = units.iter().map(|unit| unit.time / 960).collect();
    let want: Vec<_> = (0..40).filter(|&i| i != 5).collect();
    assert_eq!(times, want);
    assert_eq!((counters.lost_packets, counters.dropped_units), (1, 0));
}

#[test]
fn a_hole_is_kept_open_for_the_window() {
    let mut packets = speech(20);
    packets.remove(5);
    let (units, counters) = assemble(Opus, &packets);
    assert_eq!(units.len(), 5, "the others wait for packet 5");
    assert_eq!(counters.lost_packets, 0);
    packets.push(speech(20).swap_remove(5));
    let (units, _) = assemble(Opus, &packets);
    assert_eq!(units.len(), 20);
}

#[test]
fn packets_that_break_the_framing_rules_are_malformed() {
    let bad: [&[u8]; 4] = [&[0xfd, 1], &[0xfe], &[0xff], &[0xff, 0x40]];
    for bytes in bad {
        let (units, counters) = assemble(Opus, &[packet(1, 0, false, bytes)]);
        assert_eq!(units, [], "{bytes:x?}");
        assert_eq!(counters.malformed, 1, "{bytes:x?}");
    }
    let good: [&[u8]; 5] = [&[0xfc], &[0xfd], &[0xfd, 1, 2], &[0xfe, 0], &[0xff, 1]];
    for bytes in good {
        let (units, _) = assemble(Opus, &[packet(1, 0, false, bytes)]);
        assert_eq!(units.len(), 1, "{bytes:x?}");
    }
}

#[test]
fn a_packet_of_padding_only_fills_its_place() {
    let mut packets = speech(3);
    packets[1].bytes.clear();
    let (units, counters) = assemble(Opus, &packets);
    assert_eq!(units.len(), 2);
    assert_eq!(counters, Default::default());
}

#[test]
fn a_decoder_can_start_anywhere() {
    assert!(starts_keyframe(Opus, &[0xfc]));
    assert_eq!(picture_size(Opus, &[0xfc, 1, 2]), None);
}

#[test]
fn garbage_never_panics() {
    assert!(survive_garbage(Opus, &speech(20), 48) > 0);
}
