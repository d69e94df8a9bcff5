//! The last packets of a layer.

mod world;

use std::sync::Arc;

use sluice_media_core::packet::Packet;
use sluice_media_core::ring::Ring;
use world::{shared, video};

const PACKETS: u64 = 1024;

fn packet(seq: u64) -> Arc<Packet> {
    shared(video(1, seq, seq))
}

fn ring(seqs: impl IntoIterator<Item = u64>) -> Ring {
    let mut ring = Ring::new();
    seqs.into_iter().for_each(|seq| ring.push(&packet(seq)));
    ring
}

fn found(ring: &Ring, seq: u64) -> Option<u64> {
    ring.get(seq).map(|packet| packet.seq)
}

#[test]
fn an_empty_ring_has_nothing() {
    let ring = Ring::new();
    assert!(
        [0, 1, PACKETS, u64::MAX]
            .iter()
            .all(|seq| ring.get(*seq).is_none())
    );
}

#[test]
fn the_last_packets_are_found_and_older_ones_are_gone() {
    let ring = ring(5000..5000 + 2 * PACKETS);
    for seq in 5000..5000 + PACKETS {
        assert_eq!(found(&ring, seq), None);
        assert_eq!(found(&ring, seq + PACKETS), Some(seq + PACKETS));
    }
    assert_eq!(found(&ring, 5000 + 2 * PACKETS), None);
}

#[test]
fn a_packet_is_shared_and_not_copied() {
    let one = packet(7);
    let mut ring = Ring::new();
    ring.push(&one);
    assert!(ring.get(7).is_some_and(|kept| Arc::ptr_eq(kept, &one)));
}

#[test]
fn a_hole_holds_nothing_of_the_round_before() {
    let ring = ring((0..PACKETS).chain((PACKETS..2 * PACKETS).filter(|seq| seq % 10 != 3)));
    for seq in PACKETS..2 * PACKETS {
        assert_eq!(found(&ring, seq), (seq % 10 != 3).then_some(seq));
    }
}

#[test]
fn a_late_packet_takes_its_place_but_never_a_newer_ones() {
    let mut ring = ring((3000..3010).filter(|seq| *seq != 3004));
    ring.push(&packet(3004));
    ring.push(&packet(3005 - PACKETS));
    assert_eq!(found(&ring, 3004), Some(3004));
    assert_eq!(found(&ring, 3005), Some(3005));
    assert_eq!(found(&ring, 3005 - PACKETS), None);
}
