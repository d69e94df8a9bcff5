//! A publisher's media from an address that it has not proved yet.

mod world;

use std::net::{Ipv4Addr, UdpSocket};

use sluice_media_core::demux::{self, Kind};
use world::World;
use world::client::media::contiguous;

#[test]
fn media_goes_on_before_the_first_check_from_the_publishers_new_port() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let viewer = world.watch("town");
    world.stream(publisher, 10, 10);
    world.until("it began", |w| w[viewer].pictures.len() == 10);
    let address = |world: &World| world.engine.stats(publisher.peer).map(|peer| peer.address);
    let before = address(&world);
    world[publisher].mute = Some(Kind::Stun);
    world[publisher].rebind();
    world.stream(publisher, 10, 0);
    world.until("media goes on", |w| w[viewer].pictures.len() == 20);
    assert_eq!(world[viewer].picture_payloads(), world[publisher].sent);
    assert!(contiguous(&world[viewer].picture_numbers()));
    // Nothing is sent to an address that only media came from.
    assert_eq!(address(&world), before);
    assert!(world.count("media_unproved_address") >= 10);
    world[publisher].mute = None;
    world.until("a check came from the new port", |w| {
        w.count("path_changes") == 1
    });
    assert_ne!(address(&world), before);
}

#[test]
fn nobody_else_can_send_media_that_looks_like_a_publishers() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let viewer = world.watch("town");
    world[publisher].record = Some(Vec::new());
    world.stream(publisher, 10, 10);
    world.until("it began", |w| w[viewer].pictures.len() == 10);
    let record = world[publisher].record.take().expect("a record");
    let media = record
        .iter()
        .filter(|datagram| demux::kind(datagram) == Kind::Rtp);
    let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    let to = world.address("udp");
    let mut sent = 0;
    for datagram in media {
        // As it was, under a number that is still to come, and changed.
        let mut later = datagram.clone();
        later[3] = later[3].wrapping_add(100);
        let mut changed = datagram.clone();
        *changed.last_mut().expect("a packet") ^= 1;
        for forged in [datagram, &later, &changed] {
            stranger.send_to(forged, to).expect("loopback");
            sent += 1;
        }
    }
    assert!(sent >= 60);
    world.until("all are refused", |w| {
        w.count("drops_unknown_address") == sent
    });
    world.stream(publisher, 10, 0);
    world.until("media goes on", |w| w[viewer].pictures.len() == 20);
    assert_eq!(world[viewer].picture_payloads(), world[publisher].sent);
    assert_eq!(
        ["media_unproved_address", "path_changes", "errors_panic"].map(|name| world.count(name)),
        [0; 3]
    );
}

#[test]
fn the_stream_of_a_publisher_that_is_gone_is_nobodys() {
    let mut world = World::new();
    let publisher = world.publish("town");
    world[publisher].record = Some(Vec::new());
    world.stream(publisher, 5, 5);
    world.until("it came", |w| w.count("received_packets") >= 10);
    assert!(world.engine.remove(publisher.peer));
    let record = world[publisher].record.take().expect("a record");
    let media = record
        .iter()
        .find(|datagram| demux::kind(datagram) == Kind::Rtp);
    let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    let to = world.address("udp");
    let before = world.count("drops_unknown_address");
    let packet = media.expect("a packet");
    stranger.send_to(packet, to).expect("loopback");
    world.until("it is refused", |w| {
        w.count("drops_unknown_address") > before
    });
}
