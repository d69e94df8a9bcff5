//! Readers of a channel's access units.

mod world;

use std::time::SystemTime;

use sluice_media_core::codec::Codec;
use sluice_media_io::outbox::Unit;
use world::World;

fn of(world: &World, codec: Codec) -> Vec<&Unit> {
    world
        .units
        .iter()
        .filter(|unit| unit.codec == codec)
        .collect()
}

#[test]
fn a_reader_gets_every_picture_and_sound_with_their_capture_times() {
    let mut world = World::new();
    let tap = world.engine.open_tap("town", 1000);
    let publisher = world.publish("town");
    let before = SystemTime::now();
    world.stream(publisher, 40, 10);
    world.until("everything arrived", |w| {
        of(w, Codec::Vp8).len() == 40 && of(w, Codec::Opus).len() == 40
    });
    let keyframes = of(&world, Codec::Vp8)
        .iter()
        .filter(|unit| unit.keyframe)
        .count();
    assert_eq!(keyframes, 4);
    let times: Vec<u64> = of(&world, Codec::Vp8)
        .iter()
        .map(|unit| unit.rtp_time)
        .collect();
    assert!(
        times.windows(2).all(|pair| pair[1] == pair[0] + 3000),
        "{times:?}"
    );
    // Captured on the wall clock of today: within a minute, however slow this machine is.
    let unix = before
        .duration_since(SystemTime::UNIX_EPOCH)
        .expect("after 1970");
    for unit in &world.units {
        assert!(unit.captured_ms.abs_diff(unix.as_millis() as i64) < 60_000);
    }
    world.engine.close_tap("town", tap);
}

#[test]
fn a_reader_outlives_its_publisher() {
    let mut world = World::new();
    world.engine.open_tap("town", 1000);
    for publishers in 1..=2 {
        let publisher = world.publish("town");
        world.stream(publisher, 10, 10);
        world.until("its units arrived", |w| {
            of(w, Codec::Vp8).len() == publishers * 10
        });
    }
}

#[test]
fn a_closed_reader_gets_nothing_more() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let tap = world.engine.open_tap("town", 1000);
    world.stream(publisher, 10, 10);
    world.until("its units arrived", |w| of(w, Codec::Vp8).len() == 10);
    world.engine.close_tap("town", tap);
    let viewer = world.watch("town");
    world.stream(publisher, 10, 10);
    world.until("a viewer has them", |w| w[viewer].pictures.len() >= 10);
    world.collect();
    assert_eq!(of(&world, Codec::Vp8).len(), 10);
}

#[test]
fn a_reader_can_have_keyframes_asked_for() {
    let mut world = World::new();
    world.engine.open_tap("town", 1000);
    let publisher = world.publish("town");
    world.stream(publisher, 10, 10);
    world.until("its units arrived", |w| of(w, Codec::Vp8).len() == 10);
    let before = world[publisher].keyframes_wanted;
    world.engine.want_keyframes("town");
    world.until("the publisher was asked", |w| {
        w[publisher].keyframes_wanted > before
    });
    world.engine.want_keyframes("nowhere"); // and nothing happens
}
