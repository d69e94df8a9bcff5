//! Under which numbers and times a viewer gets a publisher's packets.

mod world;

use std::time::{Duration, Instant};

use sluice_media_core::forward::{Forwarder, Outgoing, Pace};
use sluice_media_core::gop::Gop;
use sluice_media_core::packet::{Packet, SourceId};
use world::{at, key, shared, sound, ticks, video};

const PICTURE: SourceId = SourceId(1);

fn gop() -> Gop {
    Gop::new(1 << 20, Duration::from_secs(10))
}

/// A group of pictures of one packet each, 40 ms apart, from `seq` and `ms` on.
fn group(seq: u64, ms: u64, pictures: u64) -> Vec<Packet> {
    let rest = (1..pictures).map(|i| video(1, seq + i, ms + 40 * i));
    std::iter::once(key(1, seq, ms)).chain(rest).collect()
}

fn kept(packets: &[Packet]) -> Gop {
    let mut gop = gop();
    for packet in packets {
        gop.push(&shared(packet.clone()));
    }
    gop
}

fn forwarder(source: SourceId) -> Forwarder {
    let mut forwarder = Forwarder::new(100, 5000);
    forwarder.follow(source);
    forwarder
}

/// The whole replay: what came in and what goes out.
fn replay(forwarder: &mut Forwarder, gop: &Gop, now: Instant) -> Vec<(u64, Outgoing)> {
    std::iter::from_fn(|| forwarder.replay_next(gop, now))
        .map(|(packet, outgoing)| (packet.seq, outgoing))
        .collect()
}

fn seqs(outgoing: &[(u64, Outgoing)]) -> Vec<u64> {
    outgoing.iter().map(|(_, outgoing)| outgoing.seq).collect()
}

// ---- joining ----------------------------------------------------------------------------------

#[test]
fn the_first_number_leaves_room_before_the_first_rollover() {
    for seq in [0, 1, 0x7fff, 0x8000, 0xffff] {
        let mut forwarder = Forwarder::new(seq, 0);
        forwarder.follow(PICTURE);
        let first = forwarder.live(&key(1, 70_000, 0), at(0)).expect("a start");
        assert_eq!(first.seq, u64::from(seq) % (1 << 15));
    }
}

#[test]
fn a_viewer_that_follows_nothing_gets_nothing() {
    let mut forwarder = Forwarder::new(100, 5000);
    assert_eq!(forwarder.following(), None);
    assert_eq!(forwarder.live(&key(1, 10, 0), at(0)), None);
    assert!(!forwarder.start_replay(&kept(&group(10, 0, 3)), at(0)));
}

#[test]
fn pictures_begin_with_a_keyframe() {
    let mut forwarder = forwarder(PICTURE);
    assert_eq!(forwarder.live(&video(1, 10, 0), at(0)), None);
    let first = forwarder.live(&key(1, 11, 40), at(40)).expect("a start");
    let second = forwarder.live(&video(1, 12, 80), at(80)).expect("a packet");
    assert_eq!((first.seq, first.time, first.pace), (100, 5000, Pace::Own));
    assert_eq!(
        (second.seq, u64::from(second.time)),
        (101, 5000 + ticks(40))
    );
    assert_eq!(second.captured, at(80));
}

#[test]
fn sound_begins_with_any_packet() {
    let mut forwarder = forwarder(SourceId(2));
    let mut quiet = sound(2, 500, 0);
    quiet.keyframe_start = false;
    assert_eq!(forwarder.live(&quiet, at(0)).map(|o| o.seq), Some(100));
    let next = forwarder
        .live(&sound(2, 501, 20), at(20))
        .expect("a packet");
    assert_eq!((next.seq, next.time), (101, 5000 + 960));
}

#[test]
fn packets_older_than_the_join_are_not_sent() {
    let mut forwarder = forwarder(PICTURE);
    forwarder.live(&key(1, 20, 800), at(800)).expect("a start");
    assert_eq!(forwarder.live(&video(1, 19, 760), at(801)), None);
    assert_eq!(
        forwarder.live(&video(1, 21, 840), at(840)).map(|o| o.seq),
        Some(101)
    );
}

#[test]
fn a_lost_packet_leaves_its_place_and_a_late_one_takes_it() {
    let mut forwarder = forwarder(PICTURE);
    forwarder.live(&key(1, 10, 0), at(0)).expect("a start");
    let after = forwarder
        .live(&video(1, 13, 120), at(120))
        .expect("a packet");
    let late = forwarder
        .live(&video(1, 12, 80), at(130))
        .expect("a packet");
    assert_eq!((after.seq, late.seq), (103, 102));
    assert_eq!(u64::from(late.time), 5000 + ticks(80));
    assert_eq!(
        forwarder.live(&video(1, 14, 160), at(160)).map(|o| o.seq),
        Some(104)
    );
}

// ---- replay -----------------------------------------------------------------------------------

#[test]
fn a_replay_closes_up_its_times_and_they_still_grow() {
    let gop = kept(&group(10, 1000, 50));
    let mut forwarder = forwarder(PICTURE);
    assert!(forwarder.start_replay(&gop, at(3000)));
    assert!(forwarder.is_replaying());
    let out = replay(&mut forwarder, &gop, at(3000));
    assert!(!forwarder.is_replaying());
    assert_eq!(seqs(&out), (100..150).collect::<Vec<_>>());
    let times: Vec<u32> = out.iter().map(|(_, o)| o.time).collect();
    assert!(times.is_sorted_by(|a, b| a < b), "{times:?}");
    // 49 pictures at 40 ms closed up to 1/40.
    assert_eq!(u64::from(times[49] - times[0]), ticks(49));
}

#[test]
fn over_a_narrow_line_the_times_of_a_replay_go_on_like_the_clock() {
    let mut gop = kept(&group(10, 1000, 50));
    let mut forwarder = forwarder(PICTURE);
    forwarder.start_replay(&gop, at(3000));
    // A picture leaves every 10 ms, and the publisher sends one every 40 ms.
    let (mut newest, mut out) = (2960, Vec::new());
    for now in (3000..).step_by(10) {
        while newest + 40 <= now {
            newest += 40;
            gop.push(&shared(video(1, newest / 40 - 15, newest)));
        }
        match forwarder.replay_next(&gop, at(now)) {
            Some((_, outgoing)) => out.push((now, outgoing.time)),
            None => break,
        }
    }
    assert!(out.len() > 60, "{out:?}");
    assert!(out.is_sorted_by(|a, b| a.1 < b.1), "{out:?}");
    let (began, first) = out[0];
    for (now, time) in out {
        let media = u64::from(time - first) / 90;
        assert!(media.abs_diff(now - began) <= 90, "{media} at {now}");
    }
}

#[test]
fn after_a_replay_live_goes_on_at_a_constant_distance() {
    let packets = group(10, 1000, 50);
    let gop = kept(&packets);
    let mut forwarder = forwarder(PICTURE);
    forwarder.start_replay(&gop, at(3000));
    let (_, last) = *replay(&mut forwarder, &gop, at(3000))
        .last()
        .expect("a replay");
    for i in 1..100 {
        let ms = 2960 + 40 * i;
        let live = forwarder
            .live(&video(1, 59 + i, ms), at(ms))
            .expect("a packet");
        assert_eq!(live.seq, last.seq + i);
        assert_eq!(u64::from(live.time - last.time), ticks(40 * i));
    }
}

#[test]
fn time_and_capture_time_stay_together_so_that_a_sender_report_is_true_for_both() {
    let gop = kept(&group(10, 1000, 50));
    let mut forwarder = forwarder(PICTURE);
    forwarder.start_replay(&gop, at(3000));
    let mut out = replay(&mut forwarder, &gop, at(3000));
    let live = forwarder
        .live(&video(1, 60, 3000), at(3000))
        .expect("a packet");
    out.push((60, live));
    let (_, first) = out[0];
    for (seq, outgoing) in &out {
        let media =
            Duration::from_micros(u64::from(outgoing.time - first.time) * 1_000_000 / 90_000);
        let wall = outgoing.captured - first.captured;
        assert!(
            wall.abs_diff(media) < Duration::from_micros(30),
            "packet {seq}: {wall:?} {media:?}"
        );
    }
    assert_eq!(live.captured, at(3000));
}

#[test]
fn a_player_is_told_to_hurry_then_to_settle_and_then_left_alone() {
    let gop = kept(&group(10, 1000, 3));
    let mut forwarder = forwarder(PICTURE);
    forwarder.start_replay(&gop, at(2000));
    let paces: Vec<Pace> = replay(&mut forwarder, &gop, at(2000))
        .iter()
        .map(|(_, o)| o.pace)
        .collect();
    // The newest picture is shown at its own time.
    assert_eq!(paces, [Pace::Hurry, Pace::Hurry, Pace::Own]);
    let mut pace = |seq, ms| forwarder.live(&video(1, seq, ms), at(ms)).map(|o| o.pace);
    assert_eq!(pace(13, 2040), Some(Pace::Settle));
    assert_eq!(pace(14, 3960), Some(Pace::Settle));
    assert_eq!(pace(15, 4040), Some(Pace::Own));
}

#[test]
fn a_live_start_leaves_the_player_alone() {
    let mut forwarder = forwarder(PICTURE);
    let first = forwarder.live(&key(1, 10, 0), at(0)).expect("a start");
    assert_eq!(first.pace, Pace::Own);
}

#[test]
fn what_lies_ahead_of_the_replay_comes_with_it_and_what_is_behind_is_sent_at_once() {
    // 12 is missing at first.
    let mut packets = group(10, 1000, 6);
    packets.remove(2);
    let mut gop = kept(&packets);
    let mut forwarder = forwarder(PICTURE);
    forwarder.start_replay(&gop, at(1300));
    for expected in [10, 11, 13] {
        let (packet, _) = forwarder.replay_next(&gop, at(1300)).expect("more");
        assert_eq!(packet.seq, expected);
    }
    let newest = video(1, 16, 1240);
    gop.push(&shared(newest.clone()));
    assert_eq!(forwarder.live(&newest, at(1301)), None);
    let late = video(1, 12, 1080);
    gop.push(&shared(late.clone()));
    let late = forwarder
        .live(&late, at(1302))
        .expect("its place is behind the cursor");
    assert_eq!((late.seq, late.pace), (102, Pace::Hurry));
    let rest = replay(&mut forwarder, &gop, at(1303));
    assert_eq!(seqs(&rest), [104, 105, 106]);
}

#[test]
fn a_new_group_within_a_replay_leaves_no_gap() {
    let packets = group(10, 1000, 20);
    let mut gop = kept(&packets);
    let mut forwarder = forwarder(PICTURE);
    forwarder.start_replay(&gop, at(1800));
    let mut out = Vec::new();
    for _ in 0..5 {
        let (packet, outgoing) = forwarder.replay_next(&gop, at(1800)).expect("more");
        out.push((packet.seq, outgoing));
    }
    for packet in group(30, 1800, 4) {
        gop.push(&shared(packet.clone()));
        assert_eq!(forwarder.live(&packet, at(1800)), None);
    }
    out.extend(replay(&mut forwarder, &gop, at(1804)));
    let incoming: Vec<u64> = out.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(incoming, [10, 11, 12, 13, 14, 30, 31, 32, 33]);
    assert_eq!(seqs(&out), (100..109).collect::<Vec<_>>());
    assert!(out.is_sorted_by(|(_, a), (_, b)| a.time < b.time));
}

#[test]
fn a_new_group_right_at_the_replays_end_goes_on_without_a_gap() {
    let mut gop = kept(&group(10, 1000, 3));
    let mut forwarder = forwarder(PICTURE);
    forwarder.start_replay(&gop, at(1100));
    for _ in 0..3 {
        forwarder.replay_next(&gop, at(1100)).expect("more");
    }
    let next = key(1, 13, 1120);
    gop.push(&shared(next.clone()));
    assert_eq!(forwarder.live(&next, at(1120)), None);
    assert_eq!(seqs(&replay(&mut forwarder, &gop, at(1120))), [103]);
}

#[test]
fn a_group_that_was_forgotten_ends_the_replay_and_live_goes_on() {
    let mut gop = kept(&group(10, 1000, 6));
    let mut forwarder = forwarder(PICTURE);
    forwarder.start_replay(&gop, at(1300));
    forwarder.replay_next(&gop, at(1300)).expect("more");
    gop.clear();
    assert!(forwarder.replay_next(&gop, at(1304)).is_none());
    assert!(!forwarder.is_replaying());
    // The gap is true: these pictures never come, and the decoder must know.
    assert_eq!(
        forwarder.live(&video(1, 16, 1240), at(1310)).map(|o| o.seq),
        Some(106)
    );
}

#[test]
fn a_replay_that_is_broken_off_goes_on_with_the_next_keyframe_and_no_gap() {
    let gop = kept(&group(10, 1000, 6));
    let mut forwarder = forwarder(PICTURE);
    assert_eq!(forwarder.left(&gop), 0);
    forwarder.start_replay(&gop, at(1300));
    forwarder.replay_next(&gop, at(1300)).expect("more");
    let rest = gop.packets().skip(1).map(|packet| packet.payload.len());
    assert_eq!(forwarder.left(&gop), rest.sum::<usize>());
    forwarder.break_off(at(1310));
    assert_eq!((forwarder.left(&gop), forwarder.is_replaying()), (0, false));
    assert_eq!(
        (forwarder.following(), forwarder.sending()),
        (Some(PICTURE), None)
    );
    assert_eq!(forwarder.live(&video(1, 16, 1240), at(1310)), None);
    let next = forwarder.live(&key(1, 17, 1280), at(1350));
    assert_eq!(next.map(|o| (o.seq, o.pace)), Some((101, Pace::Settle)));
}

#[test]
fn another_sources_group_is_no_start() {
    let gop = kept(&group(10, 1000, 3));
    let mut forwarder = forwarder(SourceId(9));
    assert!(!forwarder.start_replay(&gop, at(1100)));
    assert!(!forwarder.start_replay(&gop_of_nothing(), at(1100)));
    assert!(forwarder.replay_next(&gop, at(1100)).is_none());
}

fn gop_of_nothing() -> Gop {
    gop()
}

// ---- another source ---------------------------------------------------------------------------

#[test]
fn a_new_publisher_goes_on_with_the_next_number_and_the_time_that_passed() {
    let mut forwarder = forwarder(PICTURE);
    forwarder.live(&key(1, 10, 0), at(0)).expect("a start");
    let before = forwarder.live(&video(1, 11, 40), at(50)).expect("a packet");
    forwarder.follow(SourceId(7));
    assert_eq!(forwarder.following(), Some(SourceId(7)));
    // Three seconds later, with numbers and times of its own.
    let mut first = key(7, 40_000, 0);
    first.time = 77_777_777;
    let after = forwarder.live(&first, at(3050)).expect("a start");
    assert_eq!(after.seq, before.seq + 1);
    assert_eq!(u64::from(after.time - before.time), ticks(3000));
    let mut second = video(7, 40_001, 0);
    second.time = first.time + ticks(40);
    let second = forwarder.live(&second, at(3090)).expect("a packet");
    assert_eq!(
        (second.seq, u64::from(second.time - after.time)),
        (after.seq + 1, ticks(40))
    );
    assert_eq!(forwarder.live(&video(1, 12, 80), at(3100)), None);
}

#[test]
fn time_grows_even_when_no_time_passed() {
    let mut forwarder = forwarder(PICTURE);
    let before = forwarder.live(&key(1, 10, 0), at(0)).expect("a start");
    forwarder.follow(SourceId(7));
    let after = forwarder.live(&key(7, 10, 0), at(0)).expect("a start");
    assert!(after.time > before.time);
}

#[test]
fn a_wanted_layer_begins_with_its_keyframe_and_the_present_one_goes_on_until_then() {
    let mut forwarder = forwarder(PICTURE);
    forwarder.live(&key(1, 10, 0), at(0)).expect("a start");
    forwarder.follow(SourceId(2));
    assert_eq!(forwarder.live(&video(2, 900, 40), at(40)), None);
    assert_eq!(
        forwarder.live(&video(1, 11, 40), at(40)).map(|o| o.seq),
        Some(101)
    );
    assert_eq!(
        forwarder.live(&key(2, 901, 80), at(80)).map(|o| o.seq),
        Some(102)
    );
    assert_eq!(forwarder.live(&video(1, 12, 80), at(81)), None);
    assert_eq!(
        forwarder.live(&video(2, 902, 120), at(120)).map(|o| o.seq),
        Some(103)
    );
}

#[test]
fn a_layer_that_is_no_longer_wanted_is_not_begun() {
    let mut forwarder = forwarder(PICTURE);
    forwarder.live(&key(1, 10, 0), at(0)).expect("a start");
    forwarder.follow(SourceId(2));
    forwarder.follow(PICTURE);
    assert_eq!(forwarder.live(&key(2, 901, 80), at(80)), None);
    assert_eq!(
        forwarder.live(&video(1, 11, 80), at(80)).map(|o| o.seq),
        Some(101)
    );
}

#[test]
fn a_publisher_that_takes_over_within_a_replay_ends_it_and_the_player_settles() {
    let gop = kept(&group(10, 1000, 20));
    let mut forwarder = forwarder(PICTURE);
    forwarder.start_replay(&gop, at(1800));
    let (_, before) = forwarder.replay_next(&gop, at(1800)).expect("more");
    assert_eq!(before.pace, Pace::Hurry);
    forwarder.follow(SourceId(7));
    let after = forwarder.live(&key(7, 5, 1900), at(1900)).expect("a start");
    assert!(!forwarder.is_replaying());
    assert_eq!((after.seq, after.pace), (before.seq + 1, Pace::Settle));
    assert!(forwarder.replay_next(&gop, at(1900)).is_none());
}

#[test]
fn sound_goes_on_with_the_next_publishers_first_packet() {
    let mut forwarder = forwarder(SourceId(2));
    let before = forwarder.live(&sound(2, 500, 0), at(0)).expect("a start");
    forwarder.follow(SourceId(8));
    let after = forwarder.live(&sound(8, 9, 0), at(1000)).expect("a packet");
    assert_eq!(after.seq, before.seq + 1);
    assert_eq!(after.time - before.time, 48_000);
}

#[test]
fn rtp_time_wraps_around_like_rtp_time() {
    let mut forwarder = Forwarder::new(0, u32::MAX - 100);
    forwarder.follow(PICTURE);
    let first = forwarder.live(&key(1, 10, 0), at(0)).expect("a start");
    let second = forwarder.live(&video(1, 11, 40), at(40)).expect("a packet");
    assert_eq!(u64::from(second.time.wrapping_sub(first.time)), ticks(40));
}
