//! Layers inside an encoding: what of them a viewer gets.

mod world;

use std::time::Instant;

use sluice_media_io::command::LayerWish;
use sluice_media_io::peer::Role;
use str0m::format::Codec;
use str0m::media::Direction;
use world::client::media::contiguous;
use world::client::{Client, lose_every};
use world::{Who, World};

/// Spatial layers of the publisher.
const LAYERS: u8 = 3;

fn client(direction: Direction) -> Client {
    Client::with(|config| config.clear_codecs().enable_vp9(true), direction)
}

/// A publisher of VP9 with layers and a viewer, connected, and a first picture that arrived.
fn scalable() -> (World, Who, Who) {
    let mut world = World::new();
    let publisher = world.add(client(Direction::SendOnly), Role::Publisher, "town");
    let viewer = world.add(client(Direction::RecvOnly), Role::Viewer, "town");
    world.until("both are connected", |w| {
        w[publisher].connected && w[viewer].connected
    });
    (world, publisher, viewer)
}

/// Send a picture of three spatial layers, each in one packet (RFC 9628 section 4.2). Every other
/// one is of the higher temporal layer.
fn picture(world: &mut World, publisher: Who, keyframe: bool) {
    let client = &mut world[publisher];
    let number = client.sent.len() as u64 / u64::from(LAYERS);
    let temporal = (number % 2) as u8;
    for spatial in 0..LAYERS {
        let flags = 0xac | u8::from(!keyframe) << 6;
        // A keyframe's header, or another picture's; then something to know it by.
        let frame = if keyframe && spatial == 0 { 0x82 } else { 0x86 };
        let layers = temporal << 5 | 0x10 | spatial << 1;
        let mut payload = vec![flags, number as u8 & 0x7f, layers, number as u8, frame];
        payload.extend_from_slice(&number.to_be_bytes());
        payload.resize(100 << spatial, spatial);
        let marker = spatial + 1 == LAYERS;
        client.send_video(Codec::Vp9, payload, number * 3000, Instant::now(), marker);
    }
    world.turn();
}

fn spatial(payload: &[u8]) -> u8 {
    payload[2] >> 1 & 7
}

fn temporal(payload: &[u8]) -> u8 {
    payload[2] >> 5
}

/// Pictures until this is true of what the viewer got since.
fn pictures_until(
    world: &mut World,
    (publisher, viewer): (Who, Who),
    what: &str,
    done: impl Fn(&[Vec<u8>]) -> bool,
) {
    let before = world[viewer].pictures.len();
    for _ in 0..4000 {
        let wanted = world[publisher].keyframes_wanted > 0;
        world[publisher].keyframes_wanted = 0;
        picture(world, publisher, wanted);
        if done(&world[viewer].picture_payloads()[before..]) {
            return;
        }
    }
    panic!("never came true: {what}");
}

/// The newest so many.
fn newest(payloads: &[Vec<u8>], count: usize) -> &[Vec<u8>] {
    &payloads[payloads.len().saturating_sub(count)..]
}

fn wish(spatial: Option<u8>, temporal: Option<u8>) -> LayerWish {
    LayerWish {
        // The only encoding: nothing is left to bandwidth.
        rid: Some(String::new()),
        spatial,
        temporal,
    }
}

#[test]
fn a_viewer_gets_no_more_layers_than_it_wants_and_then_all_again() {
    let (mut world, publisher, viewer) = scalable();
    let both = (publisher, viewer);
    picture(&mut world, publisher, true);
    pictures_until(&mut world, both, "all layers arrive", |got| {
        newest(got, 6).len() == 6 && got.iter().any(|p| spatial(p) == 2)
    });
    assert!(world.engine.select_layer(viewer.peer, wish(Some(0), None)));
    pictures_until(&mut world, both, "only the lowest is left", |got| {
        got.len() >= 20 && newest(got, 20).iter().all(|p| spatial(p) == 0)
    });
    let lowest = world[viewer].pictures.len();
    // Each packet of it ends its picture, though the publisher did not say so.
    let mut recent = world[viewer].pictures[lowest - 10..].iter();
    assert!(recent.all(|packet| packet.header.marker));
    assert!(
        world
            .engine
            .select_layer(viewer.peer, wish(Some(0), Some(0)))
    );
    pictures_until(&mut world, both, "every other picture is left", |got| {
        got.len() >= 20 && newest(got, 20).iter().all(|p| temporal(p) == 0)
    });
    assert!(world.engine.select_layer(viewer.peer, wish(None, None)));
    pictures_until(&mut world, both, "all layers are back", |got| {
        let new = newest(got, 12);
        new.len() == 12 && (0..3).all(|s| new.iter().filter(|p| spatial(p) == s).count() == 4)
    });
    // No number is missing, whatever was left out.
    assert!(contiguous(&world[viewer].picture_numbers()));
    assert!(world.count("keyframe_requests_to_publishers") > 0);
    assert_eq!(
        (
            world.count("errors_panic"),
            world.count("drops_sent_before")
        ),
        (0, 0)
    );
    assert_eq!(world.count("nacks_received"), 0);
}

#[test]
fn what_a_viewer_of_some_layers_lost_is_found_among_those_that_were_left_out() {
    let (mut world, publisher, viewer) = scalable();
    let both = (publisher, viewer);
    picture(&mut world, publisher, true);
    pictures_until(&mut world, both, "it began", |got| !got.is_empty());
    assert!(world.engine.select_layer(viewer.peer, wish(Some(1), None)));
    pictures_until(&mut world, both, "two layers arrive", |got| {
        got.len() >= 20 && newest(got, 20).iter().all(|p| spatial(p) < 2)
    });
    let video = world[viewer].video;
    let pt = world[viewer].payload_type(video, Codec::Vp9);
    // A client asks again for what is at most a hundred packets old.
    for _ in 0..10 {
        let from = world[publisher].sent.len();
        world[viewer].swallow = Some(lose_every(7, pt));
        for _ in 0..30 {
            picture(&mut world, publisher, false);
        }
        // What follows a loss tells of it.
        world[viewer].swallow = None;
        picture(&mut world, publisher, false);
        let sent = world[publisher].sent[from..].iter();
        let expected: Vec<_> = sent.filter(|p| spatial(p) < 2).cloned().collect();
        world.until("everything arrived, some of it late", |w| {
            newest(&w[viewer].picture_payloads(), expected.len()) == expected
        });
    }
    assert!(contiguous(&world[viewer].picture_numbers()));
    assert!(world.count("resent_packets") > 10);
}

#[test]
fn the_kept_group_is_replayed_with_the_wanted_layers_only() {
    let (mut world, publisher, _) = scalable();
    picture(&mut world, publisher, true);
    for _ in 0..30 {
        picture(&mut world, publisher, false);
    }
    let viewer = world.add(client(Direction::RecvOnly), Role::Viewer, "town");
    // Before it is connected.
    assert!(world.engine.select_layer(viewer.peer, wish(Some(0), None)));
    world.until("it is replayed", |w| w[viewer].pictures.len() >= 31);
    for _ in 0..10 {
        picture(&mut world, publisher, false);
    }
    world.until("live goes on", |w| w[viewer].pictures.len() >= 41);
    let got = world[viewer].picture_payloads();
    assert!(got.iter().all(|payload| spatial(payload) == 0));
    assert_eq!(got.len(), 41);
    assert!(contiguous(&world[viewer].picture_numbers()));
    assert_eq!(world.count("replayed_packets"), 31);
}
