//! One live run of a channel.

mod world;

use std::time::Duration;

use sluice_media_core::broadcast::{Broadcast, Changes, Settings, Source, TappedUnit};
use sluice_media_core::codec::Codec;
use sluice_media_core::packet::{Packet, SourceId};
use world::{at, key, shared, sound, video, vp8_key};

const SMALL: SourceId = SourceId(1);
const LARGE: SourceId = SourceId(2);
const SOUND: SourceId = SourceId(3);

fn broadcast() -> Broadcast {
    Broadcast::new(Settings {
        replay_bytes: 1 << 20,
        replay_span: Duration::from_secs(10),
        keyframe_gap: Duration::from_millis(1000),
        lower_keyframe_gap: Duration::from_millis(500),
        keyframe_age: Duration::from_secs(4),
        silence: Duration::from_millis(500),
    })
}

fn push(broadcast: &mut Broadcast, packet: Packet) -> Vec<TappedUnit> {
    let mut units = Vec::new();
    let now = packet.arrived;
    broadcast.packet(&shared(packet), now, &mut units);
    units
}

/// Two layers and sound, each with its first packet.
fn simulcast() -> Broadcast {
    let mut broadcast = broadcast();
    broadcast.add_source(SMALL, "q", Codec::Vp8, at(0));
    broadcast.add_source(LARGE, "f", Codec::Vp8, at(0));
    broadcast.add_source(SOUND, "", Codec::Opus, at(0));
    push(&mut broadcast, vp8_key(1, 10, 0, 320, 180));
    push(&mut broadcast, vp8_key(2, 10, 0, 1280, 720));
    push(&mut broadcast, sound(3, 10, 0));
    broadcast
}

/// Ticks every 100 ms in `from..until`, with a packet before each of those sources.
fn run(
    broadcast: &mut Broadcast,
    sources: &[SourceId],
    from: u64,
    until: u64,
) -> Vec<(u64, Changes)> {
    let mut found = Vec::new();
    for ms in (from..until).step_by(100) {
        for source in sources {
            let mut packet = video(source.0, 1000 + ms, ms);
            packet.codec = broadcast.source(*source).expect("a source").codec;
            push(broadcast, packet);
        }
        let changes = broadcast.tick(at(ms));
        if changes != Changes::default() {
            found.push((ms, changes));
        }
    }
    found
}

fn stalls(found: &[(u64, Changes)]) -> Vec<(u64, bool)> {
    let stall = |(ms, changes): &(u64, Changes)| Some((*ms, changes.stalled?));
    found.iter().filter_map(stall).collect()
}

/// When viewers were told to follow another layer.
fn switches(found: &[(u64, Changes)]) -> Vec<u64> {
    let switches = found.iter().filter(|(_, changes)| changes.video);
    switches.map(|(ms, _)| *ms).collect()
}

// ---- silence ----------------------------------------------------------------------------------

#[test]
fn a_publisher_that_has_sent_nothing_yet_is_not_stalled() {
    let mut broadcast = broadcast();
    assert_eq!(broadcast.tick(at(10_000)), Changes::default());
}

#[test]
fn silence_and_return_are_told_once_each() {
    let mut broadcast = simulcast();
    broadcast.tick(at(0));
    let silent = run(&mut broadcast, &[], 100, 3000);
    assert_eq!(stalls(&silent), [(500, true)]);
    let back = run(&mut broadcast, &[SMALL, LARGE, SOUND], 3000, 5000);
    assert_eq!(stalls(&back), [(3000, false)]);
}

#[test]
fn one_packet_of_any_track_keeps_the_publisher_from_being_stalled() {
    let mut broadcast = simulcast();
    broadcast.tick(at(0));
    let found = run(&mut broadcast, &[SOUND], 100, 3000);
    assert_eq!(stalls(&found), []);
}

#[test]
fn the_next_publisher_starts_afresh() {
    let mut broadcast = simulcast();
    broadcast.tick(at(0));
    broadcast.tick(at(1000));
    broadcast.clear();
    assert!(broadcast.sources().is_empty() && broadcast.replay().is_none());
    assert_eq!((broadcast.video(), broadcast.audio()), (None, None));
    let gone = Changes {
        layers: true,
        ..Changes::default()
    };
    assert_eq!(broadcast.tick(at(1100)), gone);
    assert_eq!(broadcast.tick(at(9000)), Changes::default());
}

// ---- layers -----------------------------------------------------------------------------------

#[test]
fn a_change_of_layers_is_told_once() {
    let mut broadcast = simulcast();
    assert!(broadcast.tick(at(0)).layers);
    assert!(!broadcast.tick(at(100)).layers);
    broadcast.remove_source(SOUND);
    assert!(broadcast.tick(at(200)).layers);
    assert!(!broadcast.tick(at(300)).layers);
    assert_eq!(broadcast.audio(), None);
}

#[test]
fn the_size_of_a_layer_is_read_from_its_keyframes() {
    let mut broadcast = simulcast();
    broadcast.tick(at(0));
    let size = |broadcast: &Broadcast| broadcast.source(LARGE).map(|s| (s.width, s.height));
    assert_eq!(size(&broadcast), Some((1280, 720)));
    push(&mut broadcast, vp8_key(2, 11, 100, 1280, 720));
    assert!(!broadcast.tick(at(100)).layers);
    // The phone turned.
    push(&mut broadcast, vp8_key(2, 12, 200, 720, 1280));
    assert_eq!(size(&broadcast), Some((720, 1280)));
    assert!(broadcast.tick(at(200)).layers);
}

#[test]
fn the_bitrate_is_that_of_the_last_second() {
    let mut broadcast = simulcast();
    // 100 bytes each 100 ms.
    run(&mut broadcast, &[LARGE], 100, 3100);
    assert_eq!(broadcast.source(LARGE).map(Source::bitrate), Some(8000));
    run(&mut broadcast, &[], 3100, 5200);
    assert_eq!(broadcast.source(LARGE).map(Source::bitrate), Some(0));
}

#[test]
fn viewers_follow_the_largest_active_layer() {
    let mut broadcast = simulcast();
    assert_eq!(broadcast.video(), Some(SMALL));
    let first = broadcast.tick(at(0));
    assert!(first.video && broadcast.video() == Some(LARGE));
    assert!(broadcast.poll_keyframes(at(0)).contains(&LARGE));
    let steady = run(&mut broadcast, &[SMALL, LARGE, SOUND], 100, 2000);
    assert_eq!(switches(&steady), []);
    // The uplink became narrow: the large layer stops.
    let down = run(&mut broadcast, &[SMALL, SOUND], 2000, 4000);
    assert_eq!(
        (switches(&down), broadcast.video()),
        (vec![2400], Some(SMALL))
    );
    let up = run(&mut broadcast, &[SMALL, LARGE, SOUND], 4000, 5000);
    assert_eq!(
        (switches(&up), broadcast.video()),
        (vec![4000], Some(LARGE))
    );
}

#[test]
fn a_publisher_that_falls_silent_keeps_its_layer() {
    let mut broadcast = simulcast();
    broadcast.tick(at(0));
    run(&mut broadcast, &[SMALL, LARGE, SOUND], 100, 1000);
    run(&mut broadcast, &[SMALL, SOUND], 1000, 2000);
    assert_eq!(broadcast.video(), Some(SMALL));
    let silent = run(&mut broadcast, &[], 2000, 5000);
    assert_eq!(switches(&silent), []);
    assert_eq!(broadcast.video(), Some(SMALL));
}

#[test]
fn a_removed_layer_leaves_the_next_best() {
    let mut broadcast = simulcast();
    broadcast.tick(at(0));
    broadcast.remove_source(LARGE);
    assert_eq!(broadcast.video(), Some(SMALL));
    assert!(broadcast.source(LARGE).is_none());
    broadcast.remove_source(SMALL);
    assert_eq!(broadcast.video(), None);
}

// ---- the kept group and keyframes -------------------------------------------------------------

#[test]
fn the_replay_is_the_followed_layers() {
    let mut broadcast = simulcast();
    broadcast.tick(at(0));
    let first = broadcast.replay().and_then(|gop| gop.first().cloned());
    assert_eq!(first.map(|packet| packet.source), Some(LARGE));
}

#[test]
fn packets_of_a_source_that_is_gone_change_nothing() {
    let mut broadcast = simulcast();
    broadcast.tick(at(0));
    push(&mut broadcast, key(99, 1, 100));
    assert_eq!(broadcast.tick(at(100)), Changes::default());
    assert_eq!(broadcast.sources().len(), 3);
}

#[test]
fn a_keyframe_is_asked_of_the_layer_that_wants_one_and_no_other() {
    let mut broadcast = simulcast();
    for _ in 0..50 {
        broadcast.want_keyframe(SMALL);
    }
    broadcast.want_keyframe(SourceId(99));
    assert_eq!(broadcast.poll_keyframes(at(10)), [SMALL]);
    assert_eq!(broadcast.poll_keyframes(at(20)), []);
}

#[test]
fn a_storm_of_wishes_is_one_request_a_second_for_the_largest_layer_and_two_for_others() {
    let mut broadcast = simulcast();
    broadcast.tick(at(0));
    broadcast.poll_keyframes(at(0));
    let mut asked = Vec::new();
    for ms in (1000..3000).step_by(10) {
        for source in [SMALL, LARGE, SOUND] {
            push(&mut broadcast, video(source.0, 1000 + ms, ms));
        }
        for _ in 0..100 {
            broadcast.want_keyframe(SMALL);
            broadcast.want_keyframe(LARGE);
        }
        let sources = broadcast.poll_keyframes(at(ms));
        asked.extend(sources.into_iter().map(|source| (ms, source)));
    }
    let of = |layer| {
        let of_it = asked.iter().filter(|(_, source)| *source == layer);
        of_it.map(|(ms, _)| *ms).collect::<Vec<_>>()
    };
    assert_eq!(of(LARGE), [1000, 2000]);
    assert_eq!(of(SMALL), [1000, 1500, 2000, 2500]);
}

#[test]
fn old_groups_are_renewed_for_pictures_and_not_for_sound() {
    let mut broadcast = simulcast();
    broadcast.tick(at(0));
    // The viewers of the layer that is the best now.
    assert_eq!(broadcast.poll_keyframes(at(0)), [LARGE]);
    push(&mut broadcast, vp8_key(2, 11, 0, 1280, 720));
    run(&mut broadcast, &[SMALL, LARGE, SOUND], 100, 4000);
    assert_eq!(broadcast.poll_keyframes(at(3999)), []);
    assert_eq!(broadcast.poll_keyframes(at(4000)), [SMALL, LARGE]);
}

#[test]
fn a_silent_layer_is_not_asked() {
    let mut broadcast = simulcast();
    run(&mut broadcast, &[SMALL, SOUND], 100, 2000);
    broadcast.want_keyframe(LARGE);
    broadcast.want_keyframe(SMALL);
    assert_eq!(broadcast.poll_keyframes(at(2000)), [SMALL]);
}

// ---- readers ----------------------------------------------------------------------------------

#[test]
fn nothing_is_assembled_until_somebody_reads() {
    let mut broadcast = simulcast();
    broadcast.remove_source(SMALL);
    broadcast.remove_source(LARGE);
    assert!(push(&mut broadcast, sound(3, 11, 20)).is_empty());
    broadcast.set_tapped(true);
    assert_eq!(push(&mut broadcast, sound(3, 12, 40)).len(), 1);
    broadcast.set_tapped(false);
    assert!(push(&mut broadcast, sound(3, 13, 60)).is_empty());
}

#[test]
fn a_reader_begins_with_the_kept_groups_like_a_viewer() {
    let mut broadcast = simulcast();
    push(&mut broadcast, vp8_key(2, 11, 40, 1280, 720));
    push(&mut broadcast, sound(3, 11, 20));
    broadcast.set_tapped(true);
    // Its keyframes first, once, then what comes.
    let places = |units: &[TappedUnit]| -> Vec<(String, std::time::Instant)> {
        units.iter().map(|u| (u.rid.clone(), u.captured)).collect()
    };
    let first = push(&mut broadcast, sound(3, 12, 60));
    assert_eq!(
        places(&first),
        [
            ("q".to_owned(), at(0)),
            ("f".to_owned(), at(40)),
            (String::new(), at(60)),
        ]
    );
    // A second reader does not make the first begin anew.
    broadcast.set_tapped(true);
    assert_eq!(push(&mut broadcast, sound(3, 13, 80)).len(), 1);
}

#[test]
fn a_readers_decoder_that_cannot_go_on_gets_a_keyframe() {
    let mut broadcast = broadcast();
    broadcast.set_tapped(true);
    broadcast.add_source(LARGE, "", Codec::H264, at(0));
    // It came in the middle of a group.
    for i in 0..3 {
        push(&mut broadcast, video(2, 10 + i, 33 * i));
    }
    assert_eq!(broadcast.poll_keyframes(at(100)), [LARGE]);
}

#[test]
fn units_carry_their_layer_and_the_capture_time_of_their_own_packets() {
    let mut broadcast = broadcast();
    broadcast.set_tapped(true);
    broadcast.add_source(LARGE, "f", Codec::Vp8, at(0));
    broadcast.add_source(SOUND, "", Codec::Opus, at(0));
    let mut units = push(&mut broadcast, vp8_key(2, 10, 100, 640, 360));
    // 12 comes before 11: both pictures come out with 11, each with its own time.
    units.extend(push(&mut broadcast, vp8_key(2, 12, 180, 640, 360)));
    assert_eq!(units.len(), 1);
    units.extend(push(&mut broadcast, vp8_key(2, 11, 140, 640, 360)));
    units.extend(push(&mut broadcast, sound(3, 50, 200)));
    let found: Vec<_> = units
        .iter()
        .map(|tapped| {
            (
                tapped.codec,
                tapped.rid.as_str(),
                tapped.captured,
                tapped.unit.keyframe,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (Codec::Vp8, "f", at(100), true),
            (Codec::Vp8, "f", at(140), true),
            (Codec::Vp8, "f", at(180), true),
            (Codec::Opus, "", at(200), true),
        ]
    );
}
