//! The kept group of pictures.

mod world;

use std::time::Duration;

use sluice_media_core::gop::Gop;
use world::{key, shared, sound, video};

fn gop() -> Gop {
    Gop::new(1 << 20, Duration::from_secs(10))
}

fn seqs(gop: &Gop) -> Vec<u64> {
    let mut at = 0;
    std::iter::from_fn(|| {
        let packet = gop.at_or_after(at)?;
        at = packet.seq + 1;
        Some(packet.seq)
    })
    .collect()
}

fn pushed(packets: impl IntoIterator<Item = sluice_media_core::packet::Packet>) -> Gop {
    let mut gop = gop();
    for packet in packets {
        gop.push(&shared(packet));
    }
    gop
}

#[test]
fn nothing_is_kept_before_the_first_keyframe() {
    let gop = pushed([video(1, 10, 0), video(1, 11, 33)]);
    assert!(gop.is_empty() && gop.first().is_none() && gop.last().is_none());
    assert_eq!(gop.span(), Duration::ZERO);
}

#[test]
fn a_group_is_everything_from_its_keyframe_on() {
    let gop = pushed([
        video(1, 9, 0),
        key(1, 10, 33),
        video(1, 11, 66),
        video(1, 12, 133),
    ]);
    assert_eq!(seqs(&gop), [10, 11, 12]);
    assert_eq!(gop.len(), 3);
    assert_eq!(gop.span(), Duration::from_millis(100));
}

#[test]
fn late_packets_find_their_place_and_repeated_ones_are_kept_once() {
    let gop = pushed([
        key(1, 10, 0),
        video(1, 13, 66),
        video(1, 11, 0),
        video(1, 12, 33),
        video(1, 11, 0),
        video(1, 13, 66),
    ]);
    assert_eq!(seqs(&gop), [10, 11, 12, 13]);
}

#[test]
fn a_new_keyframe_begins_a_new_group() {
    let gop = pushed([
        key(1, 10, 0),
        video(1, 11, 33),
        key(1, 12, 66),
        video(1, 13, 99),
    ]);
    assert_eq!(seqs(&gop), [12, 13]);
}

#[test]
fn parameter_sets_and_slice_of_one_keyframe_are_one_start() {
    // Each of these packets says that a decoder can start in it.
    let gop = pushed([
        key(1, 10, 0),
        key(1, 11, 0),
        key(1, 12, 0),
        video(1, 13, 33),
    ]);
    assert_eq!(seqs(&gop), [10, 11, 12, 13]);
}

#[test]
fn packets_of_an_older_group_that_come_late_are_let_go() {
    let gop = pushed([
        key(1, 10, 0),
        key(1, 20, 500),
        video(1, 19, 466),
        key(1, 15, 250),
    ]);
    assert_eq!(seqs(&gop), [20]);
}

#[test]
fn the_rest_of_a_keyframe_may_overtake_its_first_packet() {
    // 20 was lost and resent; 21 to 23 came meanwhile.
    let gop = pushed([
        key(1, 10, 0),
        video(1, 11, 33),
        video(1, 21, 500),
        video(1, 22, 500),
        video(1, 23, 533),
        key(1, 20, 500),
    ]);
    assert_eq!(seqs(&gop), [20, 21, 22, 23]);
}

#[test]
fn what_comes_before_the_start_in_the_same_picture_stays() {
    // An access unit delimiter in a packet of its own.
    let gop = pushed([key(1, 10, 0), video(1, 19, 500), key(1, 20, 500)]);
    assert_eq!(seqs(&gop), [19, 20]);
}

#[test]
fn a_group_begins_even_when_the_publishers_time_jumped_back() {
    let gop = pushed([
        key(1, 10, 9000),
        video(1, 11, 9033),
        key(1, 12, 100),
        video(1, 13, 133),
    ]);
    assert_eq!(seqs(&gop), [12, 13]);
}

#[test]
fn a_group_past_its_bytes_is_forgotten_whole_until_the_next_keyframe() {
    // Packets have 100 bytes.
    let mut gop = Gop::new(250, Duration::from_secs(10));
    for packet in [
        key(1, 10, 0),
        video(1, 11, 33),
        video(1, 12, 66),
        video(1, 13, 99),
    ] {
        gop.push(&shared(packet));
    }
    assert!(gop.is_empty());
    assert_eq!(gop.overflows(), 1);
    gop.push(&shared(key(1, 14, 133)));
    gop.push(&shared(video(1, 15, 166)));
    assert_eq!(seqs(&gop), [14, 15]);
    assert_eq!(gop.overflows(), 1);
}

#[test]
fn bytes_of_a_group_that_is_over_do_not_count() {
    let mut gop = Gop::new(250, Duration::from_secs(10));
    for group in 0..50 {
        gop.push(&shared(key(1, 10 + 2 * group, 100 * group)));
        gop.push(&shared(video(1, 11 + 2 * group, 100 * group + 33)));
        assert_eq!(gop.len(), 2);
    }
    assert_eq!(gop.overflows(), 0);
}

#[test]
fn a_group_past_its_media_time_is_forgotten_whole() {
    let mut gop = Gop::new(1 << 20, Duration::from_secs(1));
    gop.push(&shared(key(1, 10, 0)));
    gop.push(&shared(video(1, 11, 1000)));
    assert_eq!(gop.len(), 2);
    gop.push(&shared(video(1, 12, 1001)));
    assert!(gop.is_empty());
    assert_eq!(gop.overflows(), 1);
}

#[test]
fn the_span_is_in_the_codecs_own_clock() {
    let gop = pushed([sound(1, 1, 0)]);
    assert_eq!(gop.span(), Duration::ZERO);
    let gop = pushed([key(1, 1, 20), video(1, 2, 40)]);
    assert_eq!(gop.span(), Duration::from_millis(20));
}

#[test]
fn a_cleared_group_keeps_nothing() {
    let mut gop = pushed([key(1, 10, 0), video(1, 11, 33)]);
    gop.clear();
    assert!(gop.is_empty() && gop.at_or_after(0).is_none());
    gop.push(&shared(video(1, 12, 66)));
    assert!(gop.is_empty());
}

#[test]
fn the_bitrate_is_that_of_its_own_time() {
    let mut gop = Gop::new(1 << 20, Duration::from_secs(10));
    assert_eq!(gop.bitrate(), None);
    gop.push(&shared(key(1, 10, 0)));
    assert_eq!(gop.bitrate(), None);
    let payload = key(1, 10, 0).payload.len() as u64;
    gop.push(&shared(video(1, 11, 500)));
    let both = payload + video(1, 11, 500).payload.len() as u64;
    assert_eq!(gop.bitrate(), Some(both * 16));
}
