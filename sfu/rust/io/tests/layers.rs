//! Which of a publisher's encodings a viewer is sent.

mod world;

use std::time::Duration;

use sluice_media_io::command::LayerWish;
use sluice_media_io::outbox::Event;
use sluice_media_io::peer::Role;
use sluice_media_io::settings::Settings;
use world::client::Client;
use world::client::layers::Seen;
use world::client::media::contiguous;
use world::{Who, World, settings};

/// A publisher of three encodings and a viewer, connected.
fn world() -> (World, Who, Who) {
    with(settings(), Client::simulcast())
}

fn with(settings: Settings, publisher: Client) -> (World, Who, Who) {
    let mut world = World::with(settings);
    let publisher = world.add(publisher, Role::Publisher, "live");
    world.until("the publisher is connected", |w| w[publisher].connected);
    let viewer = world.watch("live");
    // With the sound.
    stream_until(&mut world, publisher, "all encodings", |w| {
        let stats = w.engine.stats(publisher.peer);
        stats.is_some_and(|stats| stats.layers.len() == 4)
    });
    (world, publisher, viewer)
}

fn wish(rid: Option<&str>) -> LayerWish {
    LayerWish {
        rid: rid.map(str::to_owned),
        ..LayerWish::default()
    }
}

/// Send pictures, each tenth a keyframe, until this is true.
fn stream_until(world: &mut World, publisher: Who, what: &str, done: impl Fn(&World) -> bool) {
    let send = |w: &mut World, turn| {
        w[publisher].picture_in_all(turn % 10 == 0);
        w[publisher].sound();
    };
    world.sending_until(what, send, done);
}

/// Pin an encoding and stream until it is seen.
fn pin(world: &mut World, publisher: Who, viewer: Who, rid: char) {
    let name = rid.to_string();
    assert!(world.engine.select_layer(viewer.peer, wish(Some(&name))));
    stream_until(world, publisher, &name, |w| w[viewer].sees() == Some(rid));
}

fn layer(world: &World, viewer: Who) -> String {
    let stats = world.engine.stats(viewer.peer);
    stats.expect("a viewer").layer
}

/// What was told of the viewer's encodings, in order.
fn told(world: &World, viewer: Who) -> Vec<Option<String>> {
    let switch = |event: &Event| match event {
        Event::LayerSwitched { peer, rid } if *peer == viewer.peer => Some(rid.clone()),
        _ => None,
    };
    world.events.iter().filter_map(switch).collect()
}

#[test]
fn a_viewer_is_sent_the_encoding_that_it_asks_for() {
    let (mut world, publisher, viewer) = world();
    for rid in ['q', 'f', 'h', 'q'] {
        pin(&mut world, publisher, viewer, rid);
        assert_eq!(layer(&world, viewer), rid.to_string());
        stream_until(&mut world, publisher, "the switch is told", |w| {
            told(w, viewer).last() == Some(&Some(rid.to_string()))
        });
    }
    let stats = world.engine.stats(viewer.peer).expect("a viewer");
    assert!(stats.switches >= 3 && world.count("layer_switches") >= 3);
    assert!(!stats.audio_only);
}

#[test]
fn an_encoding_that_is_pinned_stays_whatever_the_link_carries() {
    let (mut world, publisher, viewer) = world();
    pin(&mut world, publisher, viewer, 'q');
    let before = world[viewer].pictures.len();
    stream_until(&mut world, publisher, "many pictures", |w| {
        w[viewer].pictures.len() > before + 300
    });
    let seen = world[viewer].seen();
    assert!(seen[before..].iter().all(|picture| picture.rid == 'q'));
}

#[test]
fn an_encoding_that_nobody_sends_is_refused_and_changes_nothing() {
    let (mut world, publisher, viewer) = world();
    pin(&mut world, publisher, viewer, 'h');
    for rid in ["x", "", "hh", "Q"] {
        assert!(!world.engine.select_layer(viewer.peer, wish(Some(rid))));
    }
    // Neither a publisher nor a peer that is not there watches anything.
    for peer in [publisher.peer, 12_345] {
        assert!(!world.engine.select_layer(peer, wish(Some("q"))));
    }
    let before = world[viewer].pictures.len();
    stream_until(&mut world, publisher, "more pictures", |w| {
        w[viewer].pictures.len() > before + 50
    });
    assert_eq!(world[viewer].sees(), Some('h'));
}

#[test]
fn without_a_wish_the_best_that_the_link_carries_is_sent() {
    let (mut world, publisher, viewer) = world();
    pin(&mut world, publisher, viewer, 'q');
    assert!(world.engine.select_layer(viewer.peer, wish(None)));
    stream_until(&mut world, publisher, "the full picture", |w| {
        w[viewer].sees() == Some('f')
    });
    assert_eq!(layer(&world, viewer), "f");
    let stats = world.engine.stats(viewer.peer).expect("a viewer");
    assert!(stats.estimate.is_some_and(|bits| bits > 100_000));
}

#[test]
fn a_switch_leaves_no_gap_and_turns_no_time_back() {
    let (mut world, publisher, viewer) = world();
    for rid in ['q', 'h', 'f', 'q', 'f'] {
        pin(&mut world, publisher, viewer, rid);
    }
    let seen = world[viewer].seen();
    let numbers: Vec<u64> = seen.iter().map(|picture| picture.seq).collect();
    assert!(contiguous(&numbers), "{numbers:?}");
    for pair in seen.windows(2) {
        follows(&pair[0], &pair[1]);
    }
}

/// One picture follows the other as if one encoder had made both.
fn follows(before: &Seen, after: &Seen) {
    let ahead = after.time.wrapping_sub(before.time);
    assert!(ahead > 0 && ahead < 10 * 90_000, "{before:?} {after:?}");
    assert_eq!(after.id, (before.id + 1) & 0x7fff, "{before:?} {after:?}");
    assert_eq!(after.tl0, before.tl0.wrapping_add(1));
    let switched = after.rid != before.rid;
    assert!(!switched || after.keyframe, "{before:?} {after:?}");
}

#[test]
fn a_keyframe_is_asked_for_where_a_switch_needs_one() {
    let (mut world, publisher, viewer) = world();
    pin(&mut world, publisher, viewer, 'q');
    let before = world[publisher].keyframes_wanted;
    assert!(world.engine.select_layer(viewer.peer, wish(Some("f"))));
    // The present encoding goes on until then.
    let pictures = world[viewer].pictures.len();
    for _ in 0..20 {
        world[publisher].picture_in_all(false);
        world.turn();
    }
    world.until("a keyframe is asked for", |w| {
        w[publisher].keyframes_wanted > before && w[viewer].pictures.len() >= pictures + 20
    });
    assert_eq!(world[viewer].sees(), Some('q'));
    world[publisher].picture_in_all(true);
    world.until("the switch", |w| w[viewer].sees() == Some('f'));
}

#[test]
fn a_pin_outlives_the_publisher() {
    let (mut world, publisher, viewer) = world();
    pin(&mut world, publisher, viewer, 'h');
    let next = world.add(Client::simulcast(), Role::Publisher, "live");
    world.until("the next publisher is connected", |w| w[next].connected);
    let before = world[viewer].pictures.len();
    stream_until(&mut world, next, "pictures of the next", |w| {
        w[viewer].pictures.len() > before + 50
    });
    assert_eq!(world[viewer].sees(), Some('h'));
    let seen = world[viewer].seen();
    let numbers: Vec<u64> = seen.iter().map(|picture| picture.seq).collect();
    assert!(contiguous(&numbers), "{numbers:?}");
}

// ---- what is asked of the publisher -----------------------------------------------------------

fn impatient() -> Settings {
    Settings {
        demand_patience: Duration::from_millis(300),
        ..settings()
    }
}

#[test]
fn a_publisher_is_asked_to_leave_out_what_nobody_can_come_to_watch() {
    let (mut world, publisher, viewer) = with(impatient(), Client::simulcast());
    pin(&mut world, publisher, viewer, 'q');
    stream_until(&mut world, publisher, "a limit", |w| {
        !w[publisher].limits.is_empty()
    });
    let limit = world[publisher].limits[0];
    let layers = world
        .engine
        .stats(publisher.peer)
        .expect("a publisher")
        .layers;
    let all: u64 = layers.iter().map(|layer| layer.bitrate).sum();
    assert!(limit < all, "{limit} of {all}");
    // Somebody who may come to watch any of them lifts it.
    assert!(world.engine.select_layer(viewer.peer, wish(None)));
    stream_until(&mut world, publisher, "no limit", |w| {
        w[publisher]
            .limits
            .last()
            .is_some_and(|bits| *bits > 50_000_000)
    });
    assert_eq!(world.count("publisher_limits"), 2);
}

#[test]
fn a_larger_encoding_that_is_asked_for_later_lifts_the_limit() {
    let (mut world, publisher, viewer) = with(impatient(), Client::simulcast());
    pin(&mut world, publisher, viewer, 'q');
    stream_until(&mut world, publisher, "a limit", |w| {
        !w[publisher].limits.is_empty()
    });
    assert!(world.engine.select_layer(viewer.peer, wish(Some("h"))));
    stream_until(&mut world, publisher, "no limit", |w| {
        w[publisher].limits.iter().any(|bits| *bits > 50_000_000)
    });
    // And only what is above that one is left out then.
    stream_until(&mut world, publisher, "another limit", |w| {
        w[publisher]
            .limits
            .last()
            .is_some_and(|bits| *bits < 50_000_000)
    });
    let limits = &world[publisher].limits;
    assert!(limits.last() > limits.first(), "{limits:?}");
}

#[test]
fn an_encoding_counts_by_its_size_and_not_by_its_rate() {
    // As it is when the publisher left the larger ones out already: they cost nothing.
    let thin = Client::simulcast_of([("q", 900), ("h", 40), ("f", 40)]);
    let (mut world, publisher, viewer) = with(impatient(), thin);
    pin(&mut world, publisher, viewer, 'q');
    stream_until(&mut world, publisher, "a limit", |w| {
        !w[publisher].limits.is_empty()
    });
    assert_eq!(world.count("publisher_limits"), 1);
}

#[test]
fn a_reader_wants_the_best_there_is() {
    let (mut world, publisher, viewer) = with(impatient(), Client::simulcast());
    world.engine.open_tap("live", 1000);
    pin(&mut world, publisher, viewer, 'q');
    // As many pictures as others need for a limit, several times over.
    stream_until(&mut world, publisher, "some seconds of units", |w| {
        w[viewer].pictures.len() > 600
    });
    assert_eq!(world.count("publisher_limits"), 0);
}
