//! VP8's running numbers stay gapless for a viewer, whoever publishes (RFC 7741).

mod world;

use sluice_media_core::forward::Forwarder;
use sluice_media_core::packet::{Packet, SourceId};
use world::{at, vp8};

const PICTURE: SourceId = SourceId(1);

fn forwarder(source: SourceId) -> Forwarder {
    let mut forwarder = Forwarder::new(100, 5000);
    forwarder.follow(source);
    forwarder
}

fn vp8_key(source: u64, seq: u64, ms: u64, id: u16, id_bits: u8, tl0: u8) -> Packet {
    Packet {
        keyframe_start: true,
        ..vp8(source, seq, ms, id, id_bits, tl0)
    }
}

#[test]
fn vp8_ids_of_the_first_publisher_are_left_alone() {
    let mut forwarder = forwarder(PICTURE);
    let first = forwarder
        .live(&vp8_key(1, 10, 0, 77, 15, 5), at(0))
        .expect("a start");
    let second = forwarder
        .live(&vp8(1, 11, 40, 78, 15, 6), at(40))
        .expect("a packet");
    assert_eq!((first.vp8, second.vp8), (None, None));
}

#[test]
fn vp8_ids_go_on_across_publishers_for_both_widths() {
    for bits in [7, 15] {
        let wrap = 1 << bits;
        let mut forwarder = forwarder(PICTURE);
        forwarder
            .live(&vp8_key(1, 10, 0, 100, bits, 250), at(0))
            .expect("a start");
        forwarder
            .live(&vp8(1, 11, 40, 101, bits, 251), at(40))
            .expect("a packet");
        forwarder.follow(SourceId(2));
        // The next publisher's own ids wrap around on the way.
        for i in 0..200u16 {
            let ms = 1000 + u64::from(i) * 40;
            let id = (wrap - 5 + i) % wrap;
            let tl0 = 3u8.wrapping_add(i as u8);
            let mut packet = vp8(2, 70 + u64::from(i), ms, id, bits, tl0);
            packet.keyframe_start = i == 0;
            let outgoing = forwarder.live(&packet, at(ms)).expect("a packet");
            let expected = ((102 + i) % wrap, 252u8.wrapping_add(i as u8));
            assert_eq!(outgoing.vp8, Some(expected), "{bits} bits, picture {i}");
        }
    }
}

#[test]
fn vp8_packets_of_one_picture_share_their_new_id() {
    let mut forwarder = forwarder(PICTURE);
    forwarder
        .live(&vp8_key(1, 10, 0, 100, 15, 0), at(0))
        .expect("a start");
    forwarder.follow(SourceId(2));
    let first = forwarder
        .live(&vp8_key(2, 70, 40, 9, 15, 0), at(40))
        .expect("a start");
    let second = forwarder
        .live(&vp8(2, 71, 40, 9, 15, 0), at(40))
        .expect("a packet");
    assert_eq!((first.vp8, second.vp8), (Some((101, 1)), Some((101, 1))));
}

#[test]
fn vp8_without_ids_needs_none() {
    let mut forwarder = forwarder(PICTURE);
    forwarder
        .live(&vp8_key(1, 10, 0, 100, 15, 0), at(0))
        .expect("a start");
    forwarder.follow(SourceId(2));
    let mut plain = vp8_key(2, 70, 40, 9, 15, 0);
    plain.vp8 = None;
    assert_eq!(forwarder.live(&plain, at(40)).map(|o| o.vp8), Some(None));
}
