//! How peers come and end, and that one peer's end is nobody else's.

mod world;

use std::time::Duration;

use sluice_media_io::engine::AcceptError;
use sluice_media_io::feed::home;
use sluice_media_io::outbox::{CloseReason, Event};
use sluice_media_io::peer::Role;
use sluice_media_io::settings::Settings;
use world::client::Client;
use world::{World, settings};

#[test]
fn a_peer_is_told_connected_once_and_counted() {
    let mut world = World::new();
    let viewer = world.watch("town");
    let told = Event::PeerConnected { peer: viewer.peer };
    world.until("it is told", |w| w.events.contains(&told));
    assert_eq!(world.events.iter().filter(|e| **e == told).count(), 1);
    assert_eq!(world.engine.peers(), 1);
    let stats = world.engine.stats(viewer.peer).expect("a peer");
    assert_eq!((stats.connected, stats.role), (true, Role::Viewer));
    assert_eq!(stats.channel, "town");
    assert!(
        stats.address.starts_with("udp:127.0.0.1:"),
        "{}",
        stats.address
    );
    assert!(world.engine.stats(viewer.peer + 1000).is_none());
}

#[test]
fn a_peer_that_says_goodbye_has_left() {
    let mut world = World::new();
    let viewer = world.watch("town");
    world[viewer].rtc.close().expect("a goodbye");
    world[viewer].tick();
    world.until("it is told", |w| {
        w.closed(viewer) == Some(CloseReason::Left)
    });
    assert_eq!(world.engine.peers(), 0);
    assert_eq!(world.count("peers_closed"), 1);
}

#[test]
fn a_removed_peer_is_told_so_itself() {
    let mut world = World::new();
    let viewer = world.watch("town");
    assert!(world.engine.remove(viewer.peer));
    world.until("both sides know", |w| {
        w.closed(viewer) == Some(CloseReason::Removed) && w[viewer].closed
    });
    assert!(world.engine.stats(viewer.peer).is_none());
}

#[test]
fn a_peer_that_falls_silent_ends_when_its_consent_does() {
    let mut world = World::with(Settings {
        consent_timeout: Duration::from_millis(1500),
        ..settings()
    });
    let publisher = world.publish("town");
    let silent = world.watch("town");
    let honest = world.watch("town");
    world[silent].frozen = true;
    world.until("it is told", |w| {
        w.closed(silent) == Some(CloseReason::Timeout)
    });
    // Checks alone keep the others alive.
    assert_eq!(
        (world.closed(honest), world.closed(publisher)),
        (None, None)
    );
    assert_eq!(world.engine.peers(), 2);
}

#[test]
fn peers_that_never_connect_end_and_leave_room() {
    let mut world = World::with(Settings {
        connect_timeout: Duration::from_secs(2),
        max_half_open: 20,
        ..settings()
    });
    let offer = Client::viewer().offer();
    for _ in 0..20 {
        world
            .engine
            .accept(Role::Viewer, "town", &offer)
            .expect("an answer");
    }
    assert_eq!(world.engine.peers(), 20);
    let refused = world.engine.accept(Role::Viewer, "town", &offer);
    assert!(matches!(refused, Err(AcceptError::Busy(_))), "{refused:?}");
    assert_eq!(world.engine.peers(), 20);
    world.until("all ended", |w| w.engine.peers() == 0);
    world.collect();
    let timeouts = world.events.iter().filter(|event| {
        matches!(
            event,
            Event::PeerClosed {
                reason: CloseReason::Timeout,
                ..
            }
        )
    });
    assert_eq!(timeouts.count(), 20);
    let viewer = world.watch("town");
    assert!(world[viewer].connected);
}

#[test]
fn connected_peers_are_not_half_open() {
    let mut world = World::with(Settings {
        max_half_open: 1,
        ..settings()
    });
    for _ in 0..3 {
        world.watch("town");
    }
    assert_eq!(world.engine.peers(), 3);
}

#[test]
fn the_limit_of_peers_holds_and_a_refused_offer_takes_no_place() {
    let mut world = World::with(Settings {
        max_peers: 2,
        ..settings()
    });
    let first = world.watch("town");
    assert!(
        world
            .engine
            .accept(Role::Viewer, "town", "v=0\r\n")
            .is_err()
    );
    world.watch("town");
    let offer = Client::viewer().offer();
    let refused = world.engine.accept(Role::Viewer, "town", &offer);
    assert!(matches!(refused, Err(AcceptError::Busy(_))), "{refused:?}");
    assert!(world.engine.remove(first.peer));
    world.watch("town");
    assert_eq!(world.engine.peers(), 2);
}

#[test]
fn a_panic_in_one_viewer_ends_that_viewer_alone() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let poor = world.watch("town");
    let honest = world.watch("town");
    world.stream(publisher, 20, 10);
    world.engine.poison(poor.peer);
    world.until("it is told", |w| {
        w.closed(poor) == Some(CloseReason::Failed)
    });
    world.stream(publisher, 50, 10);
    world.until("the other got everything", |w| {
        w[honest].pictures.len() == 70
    });
    assert_eq!(world[honest].picture_payloads(), world[publisher].sent);
    assert_eq!(world.count("errors_panic"), 1);
    assert_eq!(
        (world.closed(honest), world.closed(publisher)),
        (None, None)
    );
    assert_eq!(world.engine.peers(), 2);
}

#[test]
fn a_panic_while_media_is_forwarded_ends_that_viewer_alone_on_every_worker() {
    let mut world = World::with(Settings {
        workers: 2,
        ..settings()
    });
    let publisher = world.publish("town");
    let mut viewers: Vec<_> = (0..6).map(|_| world.watch("town")).collect();
    world.stream(publisher, 10, 10);
    let home = home("town", 2) as u64;
    for (ended, at_home) in [true, false].into_iter().enumerate() {
        let here = |who: &world::Who| (who.peer % 2 == home) == at_home;
        let place = viewers.iter().position(here).expect("viewers on each");
        let poor = viewers.remove(place);
        // No datagram comes from it: it is media to it that panics.
        world[poor].frozen = true;
        world.engine.poison(poor.peer);
        let closed = |w: &World| w.closed(poor) == Some(CloseReason::Failed);
        while !closed(&world) {
            world.stream(publisher, 1, 10);
        }
        assert_eq!(world.count("errors_panic"), ended as u64 + 1);
        world.stream(publisher, 20, 10);
    }
    let sent = world[publisher].sent.clone();
    world.until("the others got everything", |w| {
        viewers.iter().all(|v| w[*v].picture_payloads() == sent)
    });
    assert_eq!(world.engine.peers(), 5);
    assert_eq!(world.count("errors_panic"), 2);
}

#[test]
fn a_panic_while_a_layer_is_chosen_ends_that_viewer_alone() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let (poor, honest) = (world.watch("town"), world.watch("town"));
    world.stream(publisher, 10, 10);
    world[poor].frozen = true;
    world.engine.poison(poor.peer);
    // Nothing is sent, and nothing comes: the tick finds it.
    world.until("it is told", |w| {
        w.closed(poor) == Some(CloseReason::Failed)
    });
    world.stream(publisher, 10, 10);
    world.until("the other goes on", |w| w[honest].pictures.len() == 20);
    assert_eq!(world.count("errors_panic"), 1);
    assert_eq!(world.closed(honest), None);
}

#[test]
fn a_panic_in_a_publisher_leaves_its_viewers_for_the_next() {
    let mut world = World::new();
    let poor = world.publish("town");
    let viewer = world.watch("town");
    world.stream(poor, 10, 10);
    world.engine.poison(poor.peer);
    world.until("it is told", |w| {
        w.closed(poor) == Some(CloseReason::Failed)
    });
    let next = world.publish("town");
    world.stream(next, 20, 10);
    world.until("the next one's arrived", |w| w[viewer].pictures.len() == 30);
    assert_eq!(world.count("errors_panic"), 1);
}

#[test]
fn a_stopped_engine_has_told_every_peer() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let viewer = world.watch("town");
    world.engine.stop();
    world.collect();
    assert_eq!(world.closed(publisher), Some(CloseReason::Stopped));
    assert_eq!(world.closed(viewer), Some(CloseReason::Stopped));
    assert_eq!(world.engine.peers(), 0);
    world.until("they know", |w| w[publisher].closed && w[viewer].closed);
    // Twice is fine, and nobody is taken any more.
    world.engine.stop();
    let offer = Client::viewer().offer();
    assert!(matches!(
        world.engine.accept(Role::Viewer, "town", &offer),
        Err(AcceptError::Busy(_))
    ));
    assert_eq!(world.engine.peers(), 0);
    assert!(!world.engine.remove(viewer.peer));
}

#[test]
fn silence_and_return_of_a_publisher_are_told() {
    let mut world = World::new();
    let publisher = world.publish("town");
    world.stream(publisher, 5, 5);
    let stalled = Event::MediaStalled {
        channel: "town".into(),
    };
    world.until("it is told", |w| w.events.contains(&stalled));
    world.stream(publisher, 1, 0);
    let resumed = Event::MediaResumed {
        channel: "town".into(),
    };
    world.until("it is told", |w| w.events.contains(&resumed));
    assert_eq!(world.events.iter().filter(|e| **e == stalled).count(), 1);
}

#[test]
fn layers_are_told_with_their_size_and_vanish_with_their_publisher() {
    let mut world = World::new();
    let publisher = world.publish("town");
    world.stream(publisher, 5, 5);
    let size = |w: &World| {
        w.events.iter().rev().find_map(|event| match event {
            Event::LayersChanged { layers, .. } => Some(
                layers
                    .iter()
                    .map(|l| (l.width, l.height))
                    .max()
                    .unwrap_or((0, 0)),
            ),
            _ => None,
        })
    };
    world.until("its size is told", |w| size(w) == Some((640, 360)));
    assert_eq!(
        world.engine.stats(publisher.peer).map(|s| s.layers.len()),
        Some(2)
    );
    let viewer = world.watch("town");
    world.engine.remove(publisher.peer);
    world.until("nothing is left", |w| size(w) == Some((0, 0)));
    assert_eq!(world.closed(viewer), None);
}
