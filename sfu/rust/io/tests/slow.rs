//! A viewer that reads too slowly degrades alone, and comes back.

mod world;

use std::time::{Duration, Instant};

use sluice_media_io::peer::Role;
use world::client::Client;
use world::client::media::contiguous;
use world::{Who, World};

/// A publisher, a viewer that will be slow, and one that is not.
fn three() -> (World, Who, Who, Who) {
    let mut world = World::new();
    let publisher = world.publish("town");
    let slow = Client::over_narrow_tcp(world.address("tcp"));
    let slow = world.add(slow, Role::Viewer, "town");
    let other = world.watch("town");
    world.until("it is connected", |w| w[slow].connected);
    world.stream(publisher, 10, 10);
    world.until("it began", |w| w[slow].pictures.len() == 10);
    (world, publisher, slow, other)
}

fn drops(world: &World, who: Who) -> u64 {
    world.engine.stats(who.peer).expect("a peer").drops
}

/// A publisher that answers to requests: a keyframe for each.
fn stream(world: &mut World, publisher: Who, answered: &mut usize) {
    let wanted = world[publisher].keyframes_wanted;
    world[publisher].picture(wanted > *answered);
    world[publisher].sound();
    *answered = wanted;
    world.turn();
}

#[test]
fn a_viewer_that_stops_to_read_loses_what_is_late_and_nobody_else_does() {
    let (mut world, publisher, slow, other) = three();
    let mut answered = world[publisher].keyframes_wanted;
    world[slow].frozen = true;
    while drops(&world, slow) < 400 {
        stream(&mut world, publisher, &mut answered);
    }
    assert_eq!(world.count("drops_queue"), drops(&world, slow));
    assert_eq!(drops(&world, other), 0);
    // What a blocked connection costs is bounded: the rest is not even asked of it.
    let forwarded = world.count("forwarded_packets");
    let sent = (world[publisher].sent.len() + world[publisher].sent_sound.len()) as u64;
    assert!(forwarded < 2 * sent - 300, "{forwarded} of {sent}");
    world[slow].frozen = false;
    let before = world[publisher].sent.len();
    let fresh = |w: &World| {
        let newest = w[slow].pictures.iter().max_by_key(|p| p.seq_no);
        let payload = newest.expect("pictures").payload.to_vec();
        w[publisher].sent[before..].contains(&payload)
    };
    let begin = Instant::now();
    while !fresh(&world) {
        stream(&mut world, publisher, &mut answered);
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "it never comes back"
        );
    }
    for _ in 0..50 {
        stream(&mut world, publisher, &mut answered);
    }
    let (pictures, sounds) = (
        world[publisher].sent.clone(),
        world[publisher].sent_sound.clone(),
    );
    world.until("the newest came", |w| {
        w[slow].picture_payloads().last() == pictures.last()
            && w[slow].sound_payloads().last() == sounds.last()
    });
    // The numbers tell of no loss: pictures stopped, and went on with a keyframe.
    assert!(contiguous(&world[slow].picture_numbers()));
    let got = world[slow].picture_payloads();
    let breaks = got.windows(2).filter(|pair| {
        let place = |payload: &Vec<u8>| pictures.iter().position(|sent| sent == payload);
        let (one, next) = (
            place(&pair[0]).expect("sent"),
            place(&pair[1]).expect("sent"),
        );
        let is_keyframe = pair[1][1] & 1 == 0;
        assert!(next == one + 1 || is_keyframe, "{one} then {next}");
        next != one + 1
    });
    assert!(breaks.count() >= 1);
    // Sound went on when pictures had stopped already.
    let missing = |sent: usize, got: usize| sent - got;
    let silent = missing(sounds.len(), world[slow].sounds.len());
    let dark = missing(pictures.len(), got.len());
    assert!(
        silent < dark,
        "{silent} sounds and {dark} pictures are missing"
    );
    // The other one saw nothing of all this.
    world.until("it has it all", |w| {
        w[other].picture_payloads() == pictures && w[other].sound_payloads() == sounds
    });
    assert_eq!((world.closed(slow), world.closed(other)), (None, None));
    assert_eq!(drops(&world, other), 0);
}

#[test]
fn a_long_replay_does_not_overflow_a_narrow_connection() {
    let mut world = World::new();
    let publisher = world.publish("town");
    world.stream(publisher, 280, 1000);
    let slow = Client::over_narrow_tcp(world.address("tcp"));
    let slow = world.add(slow, Role::Viewer, "town");
    world.until("it is connected", |w| w[slow].connected);
    world.until("the replay came", |w| w[slow].pictures.len() == 280);
    world.stream(publisher, 20, 0);
    world.until("live goes on", |w| w[slow].pictures.len() == 300);
    assert_eq!(world[slow].picture_payloads(), world[publisher].sent);
    assert_eq!(drops(&world, slow) + world.count("drops_tcp_buffer"), 0);
}
