//! Sender reports: a viewer can put sound and picture together as they were captured.

mod world;

use std::time::{Duration, Instant, SystemTime};

use str0m::media::{Mid, SenderFeedback};
use world::{Who, World};

/// What a viewer's player does: the wall clock of an RTP time, from the newest report.
fn wall_clock(world: &World, viewer: Who, mid: Mid, rtp: u32, rate: i64) -> i64 {
    let of_mid = |r: &&SenderFeedback| r.mid == mid;
    let report = world[viewer]
        .reports
        .iter()
        .rev()
        .find(of_mid)
        .expect("a report");
    let since = |at: SystemTime| {
        at.duration_since(SystemTime::UNIX_EPOCH)
            .expect("after 1970")
    };
    let ntp = since(report.sender_info.ntp_time).as_micros() as i64;
    let ticks = rtp.wrapping_sub(report.sender_info.rtp_time.numer() as u32) as i32;
    ntp + i64::from(ticks) * 1_000_000 / rate
}

#[test]
fn reports_reach_the_viewer_and_map_sound_and_picture_to_one_clock() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let viewer = world.watch("town");
    // The picture leaves 150 ms after it was captured, the sound at once: an encoder's delay.
    let delay = Duration::from_millis(150);
    let begin = Instant::now();
    let both = |w: &World| {
        let has = |mid| w[viewer].reports.iter().filter(|r| r.mid == mid).count() >= 3;
        has(w[viewer].video) && has(w[viewer].audio)
    };
    let mut number = 0;
    while !both(&world) {
        assert!(number < 1500, "no reports came");
        let due = begin + Duration::from_millis(20 * number);
        while Instant::now() < due {
            world.turn();
        }
        let captured = begin.elapsed();
        world[publisher].sound_at(captured.as_micros() as u64 * 48 / 1000, Instant::now());
        if let Some(earlier) = captured.checked_sub(delay) {
            let rtp = earlier.as_micros() as u64 * 90 / 1000;
            world[publisher].picture_at(number % 25 == 10, rtp, Instant::now() - delay);
        }
        number += 1;
    }
    world.turn();
    let viewer_ref = &world[viewer];
    let picture = viewer_ref.pictures.last().expect("pictures");
    let sound = viewer_ref.sounds.last().expect("sounds");
    // What the publisher stamped on those two.
    let (sent, sounds) = (&world[publisher], &world[publisher]);
    let picture_captured = sent.picture_time(&picture.payload) * 1_000_000 / 90_000;
    let sound_captured = sounds.sound_time(&sound.payload) * 1_000_000 / 48_000;
    let told = wall_clock(
        &world,
        viewer,
        viewer_ref.video,
        picture.header.timestamp,
        90_000,
    ) - wall_clock(
        &world,
        viewer,
        viewer_ref.audio,
        sound.header.timestamp,
        48_000,
    );
    let really = picture_captured as i64 - sound_captured as i64;
    let wrong = Duration::from_micros(told.abs_diff(really));
    assert!(
        wrong < Duration::from_millis(5),
        "{wrong:?} apart: {told} {really}"
    );
}
