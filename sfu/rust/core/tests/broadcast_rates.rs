//! What a broadcast knows of each source: its rates, its kept pictures, its last packets.

mod world;

use std::time::Duration;

use sluice_media_core::broadcast::{Broadcast, Settings, Source};
use sluice_media_core::codec::Codec;
use sluice_media_core::packet::{Packet, SourceId};
use world::{at, key, shared, sound, video};

const PICTURE: SourceId = SourceId(1);
const OTHER: SourceId = SourceId(2);
const SOUND: SourceId = SourceId(3);

fn broadcast() -> Broadcast {
    let mut broadcast = Broadcast::new(Settings {
        replay_bytes: 1 << 20,
        replay_span: Duration::from_secs(10),
        keyframe_gap: Duration::from_millis(500),
        lower_keyframe_gap: Duration::from_millis(500),
        keyframe_age: Duration::from_secs(4),
        silence: Duration::from_millis(500),
    });
    broadcast.add_source(PICTURE, "q", Codec::H264, at(0));
    broadcast.add_source(OTHER, "f", Codec::H264, at(0));
    broadcast.add_source(SOUND, "", Codec::Opus, at(0));
    broadcast
}

fn push(broadcast: &mut Broadcast, packet: Packet) {
    let now = packet.arrived;
    broadcast.packet(&shared(packet), now, &mut Vec::new());
}

/// A packet of this size each 10 ms, and a tick each 100 ms, from `from` on.
fn run(broadcast: &mut Broadcast, bytes: usize, from: u64, until: u64) {
    for ms in (from..until).step_by(10) {
        if ms % 100 == 0 {
            broadcast.tick(at(ms));
        }
        if bytes > 0 {
            let mut packet = video(1, ms, ms);
            packet.payload = vec![0x41; bytes].into();
            push(broadcast, packet);
        }
    }
}

fn picture(broadcast: &Broadcast) -> &Source {
    broadcast.source(PICTURE).expect("a source")
}

/// Within a hundredth.
fn about(value: u64, expected: u64) -> bool {
    value.abs_diff(expected) <= expected / 100
}

#[test]
fn a_layer_that_just_began_has_a_rate_after_a_tenth_of_a_second() {
    let mut broadcast = broadcast();
    run(&mut broadcast, 1000, 0, 100);
    assert_eq!(picture(&broadcast).steady().bitrate, 0);
    broadcast.tick(at(100));
    let source = picture(&broadcast);
    assert_eq!(
        (
            source.bitrate(),
            source.steady().bitrate,
            source.steady().packets_per_second
        ),
        (800_000, 800_000, 100)
    );
    // It gets better until the first second is whole.
    run(&mut broadcast, 500, 100, 1000);
    broadcast.tick(at(1000));
    assert_eq!(picture(&broadcast).steady().bitrate, 440_000);
}

#[test]
fn a_keyframe_makes_no_wave_in_the_steady_rate() {
    let mut broadcast = broadcast();
    run(&mut broadcast, 1000, 0, 5000);
    let before = picture(&broadcast).steady().bitrate;
    assert!(about(before, 800_000), "{before}");
    run(&mut broadcast, 2000, 5000, 6000);
    broadcast.tick(at(6000));
    let source = picture(&broadcast);
    assert!(about(source.bitrate(), 1_600_000), "{}", source.bitrate());
    let steady = source.steady().bitrate;
    assert!(about(steady, 1_000_000), "{steady}");
    assert!(about(source.steady().packets_per_second, 100));
    run(&mut broadcast, 1000, 6000, 20_000);
    let after = picture(&broadcast).steady().bitrate;
    assert!(about(after, 800_000), "{after}");
}

#[test]
fn a_layer_that_stopped_has_no_rate_in_the_end() {
    let mut broadcast = broadcast();
    run(&mut broadcast, 1000, 0, 3000);
    run(&mut broadcast, 0, 3000, 90_000);
    let source = picture(&broadcast);
    assert_eq!(
        (
            source.steady().bitrate,
            source.steady().packets_per_second,
            source.active
        ),
        (0, 0, false)
    );
}

#[test]
fn each_layer_has_its_own_kept_pictures_and_last_packets() {
    let mut broadcast = broadcast();
    push(&mut broadcast, key(1, 10, 0));
    push(&mut broadcast, key(2, 70, 0));
    push(&mut broadcast, video(2, 71, 40));
    push(&mut broadcast, sound(3, 500, 0));
    let kept = |id| broadcast.gop(id).map(|gop| gop.len());
    assert_eq!(
        [kept(PICTURE), kept(OTHER), kept(SOUND)],
        [Some(1), Some(2), Some(0)]
    );
    let last = |id, seq| broadcast.ring(id)?.get(seq).map(|packet| packet.seq);
    assert_eq!([last(PICTURE, 10), last(OTHER, 71)], [Some(10), Some(71)]);
    assert_eq!([last(PICTURE, 71), last(OTHER, 10)], [None, None]);
    // Sound is never asked for again.
    assert_eq!(last(SOUND, 500), None);
    assert!(broadcast.gop(SourceId(9)).is_none() && broadcast.ring(SourceId(9)).is_none());
}

#[test]
fn what_a_group_forgot_can_still_be_sent_again() {
    let mut broadcast = broadcast();
    push(&mut broadcast, key(1, 10, 0));
    push(&mut broadcast, video(1, 11, 40));
    push(&mut broadcast, key(1, 12, 80));
    let gop = broadcast.gop(PICTURE).expect("a source");
    assert_eq!(gop.first().map(|packet| packet.seq), Some(12));
    let ring = broadcast.ring(PICTURE).expect("a source");
    assert!((10..13).all(|seq| ring.get(seq).is_some()));
}

#[test]
fn a_publisher_that_is_gone_leaves_nothing_to_send_again() {
    let mut broadcast = broadcast();
    push(&mut broadcast, key(1, 10, 0));
    broadcast.remove_source(PICTURE);
    assert!(broadcast.gop(PICTURE).is_none() && broadcast.ring(PICTURE).is_none());
    broadcast.clear();
    assert!(broadcast.ring(OTHER).is_none());
}

#[test]
fn kept_pictures_that_a_worker_is_told_of_are_not_the_rate_of_its_first_second() {
    let mut home = broadcast();
    run(&mut home, 1000, 0, 5000);
    home.tick(at(5000));
    let steady = picture(&home).steady();
    let mut elsewhere = broadcast();
    elsewhere.remove_source(PICTURE);
    elsewhere.join_source(PICTURE, "q", Codec::H264, steady, at(5000));
    assert_eq!(picture(&elsewhere).steady(), steady);
    for ms in (0..5000).step_by(10) {
        let mut packet = video(1, ms, ms);
        packet.payload = vec![0x41; 1000].into();
        elsewhere.packet(&shared(packet), at(5000), &mut Vec::new());
    }
    run(&mut elsewhere, 1000, 5000, 6100);
    let (rate, after) = (picture(&elsewhere).bitrate(), picture(&elsewhere).steady());
    assert!(about(rate, 800_000), "{rate}");
    assert!(about(after.bitrate, 800_000), "{after:?}");
    assert!(about(after.packets_per_second, 100), "{after:?}");
}

#[test]
fn a_first_look_that_was_handed_over_gives_way_to_the_first_whole_second() {
    let mut home = broadcast();
    run(&mut home, 4000, 0, 200);
    home.tick(at(200));
    let first = picture(&home).steady();
    assert!(
        about(first.bitrate, 3_200_000) && !first.settled,
        "{first:?}"
    );
    let mut elsewhere = broadcast();
    elsewhere.remove_source(PICTURE);
    elsewhere.join_source(PICTURE, "q", Codec::H264, first, at(200));
    assert_eq!(picture(&elsewhere).steady(), first);
    run(&mut elsewhere, 1000, 200, 1200);
    elsewhere.tick(at(1200));
    let after = picture(&elsewhere).steady();
    assert!(about(after.bitrate, 800_000) && after.settled, "{after:?}");
}
