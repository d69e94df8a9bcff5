//! Temporal layers of VP8 (RFC 7741).

mod world;

use sluice_media_core::codec::Codec;
use sluice_media_core::depacketize::layer_of;
use sluice_media_core::packet::Packet;
use sluice_media_core::svc::LayerFilter;
use world::{video, vp8_frame};

/// A picture in one packet. `sync`: it builds on the lowest layer only.
fn picture(number: u64, temporal: u8, sync: bool) -> Packet {
    let layer = temporal << 6 | u8::from(sync) << 5;
    let mut payload = vec![0x90, 0xe0, number as u8 & 0x7f, 0, layer];
    payload.extend(vp8_frame(640, 360));
    if number > 0 {
        // A predicted frame.
        payload[5] |= 1;
    }
    Packet {
        codec: Codec::Vp8,
        marker: true,
        payload: payload.into(),
        ..video(1, number, 1000 + number * 33)
    }
}

fn left_out(filter: &mut LayerFilter, packet: &Packet) -> Option<u16> {
    let layer = layer_of(Codec::Vp8, &packet.payload);
    let kept = filter.keep(packet, layer)?;
    assert!(kept.marker);
    Some(kept.pictures_left_out)
}

/// The usual order of three layers; the higher ones begin anew in every round that is even.
fn stream(pictures: u64) -> impl Iterator<Item = Packet> {
    (0..pictures).map(|number| {
        let temporal = [0, 2, 1, 2][number as usize % 4];
        let sync = number / 4 % 2 == 0 && number % 4 < 3;
        picture(number, temporal, temporal > 0 && sync)
    })
}

#[test]
fn what_is_left_out_is_counted_for_the_picture_ids() {
    let mut filter = LayerFilter::new(0, 1);
    let kept: Vec<_> = stream(8).map(|p| left_out(&mut filter, &p)).collect();
    let expected = [Some(0), None, Some(1), None, Some(2), None, Some(3), None];
    assert_eq!(kept, expected);
}

#[test]
fn layers_are_entered_one_by_one_where_they_begin_anew() {
    let mut filter = LayerFilter::new(0, 0);
    let mut passed = Vec::new();
    for (index, packet) in stream(20).enumerate() {
        if index == 5 {
            filter.want(0, 2);
        }
        if left_out(&mut filter, &packet).is_some() {
            passed.push(index);
        }
    }
    // Round 2 begins anew, but its first picture of layer 2 comes before layer 1 is there, and its
    // second one builds on more than the lowest layer. Round 4 brings layer 2.
    assert_eq!(passed, [0, 4, 8, 10, 12, 14, 16, 17, 18, 19]);
}

#[test]
fn a_keyframe_brings_all_layers() {
    let mut filter = LayerFilter::new(0, 2);
    let passed = stream(8).filter(|p| left_out(&mut filter, p).is_some());
    assert_eq!(passed.count(), 8);
}

#[test]
fn in_the_middle_of_a_stream_the_lowest_layer_comes_first() {
    let mut filter = LayerFilter::new(0, 2);
    let all: Vec<Packet> = stream(12).collect();
    let passed: Vec<u64> = all[5..]
        .iter()
        .filter(|packet| left_out(&mut filter, packet).is_some())
        .map(|packet| packet.seq)
        .collect();
    assert_eq!(passed, [8, 10]);
}

#[test]
fn every_packet_of_a_picture_is_counted_once() {
    let mut filter = LayerFilter::new(0, 0);
    left_out(&mut filter, &picture(0, 0, false));
    for _ in 0..3 {
        assert_eq!(left_out(&mut filter, &picture(1, 1, false)), None);
    }
    assert_eq!(left_out(&mut filter, &picture(2, 0, false)), Some(1));
    // A late packet of an earlier picture counts as that picture did.
    assert_eq!(left_out(&mut filter, &picture(0, 0, false)), Some(0));
}

#[test]
fn without_layers_in_the_descriptor_everything_passes() {
    let mut filter = LayerFilter::new(0, 0);
    let plain = world::vp8(1, 5, 33, 9, 15, 3);
    assert_eq!(left_out(&mut filter, &plain), Some(0));
}
