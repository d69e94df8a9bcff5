//! What networks and strangers do to peers.

mod world;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::time::Duration;

use sluice_media_core::demux;
use sluice_media_io::outbox::CloseReason;
use sluice_media_io::peer::Role;
use sluice_media_io::settings::Settings;
use str0m::media::Direction;
use world::client::Client;
use world::client::media::contiguous;
use world::{Who, World, settings};

/// A STUN binding request for this ufrag without integrity.
fn binding(ufrag: &str) -> Vec<u8> {
    let name = format!("{ufrag}:them");
    let mut body = vec![0, 6];
    body.extend_from_slice(&(name.len() as u16).to_be_bytes());
    body.extend_from_slice(name.as_bytes());
    body.resize(body.len().next_multiple_of(4), 0);
    let mut datagram = vec![0, 1];
    datagram.extend_from_slice(&(body.len() as u16).to_be_bytes());
    datagram.extend_from_slice(&[
        0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
    ]);
    datagram.extend_from_slice(&body);
    datagram
}

/// A viewer that is connected, and the checks that it sent until then.
fn watch_overheard(world: &mut World) -> (Who, Vec<Vec<u8>>) {
    let viewer = world.add(Client::viewer(), Role::Viewer, "town");
    world[viewer].record = Some(Vec::new());
    world.until("it is connected", |w| w[viewer].connected);
    let mut checks = world[viewer].record.take().expect("a record");
    checks.retain(|datagram| demux::binding_request(datagram).is_some());
    assert!(!checks.is_empty());
    (viewer, checks)
}

/// Rubbish of every kind, cut at every length.
fn rubbish() -> Vec<Vec<u8>> {
    let mut seed = 88u64;
    let mut roll = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as u8
    };
    let mut all = Vec::new();
    for first in 0..=255 {
        let mut datagram: Vec<u8> = (0..60).map(|_| roll()).collect();
        datagram[0] = first;
        all.push(datagram);
    }
    let handshake = [
        &[22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 40, 1][..],
        &[7; 39],
    ]
    .concat();
    let media = [
        &[
            0x90, 96, 0, 1, 0, 0, 0, 9, 1, 2, 3, 4, 0xbe, 0xde, 0xff, 0xff,
        ][..],
        &[9; 20],
    ]
    .concat();
    let report = [&[0x81, 201, 0xff, 0xff, 0, 0, 0, 1][..], &[3; 24]].concat();
    for whole in [binding("nobody"), handshake, media, report] {
        all.extend((0..=whole.len()).map(|length| whole[..length].to_vec()));
    }
    all
}

fn ufrag(world: &World, who: Who) -> String {
    let line = world[who].answered("a=ice-ufrag:");
    line.expect("a ufrag in the answer")
}

#[test]
fn rubbish_from_strangers_is_dropped_and_counted_and_an_honest_viewer_loses_nothing() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let viewer = world.watch("town");
    let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    stranger.set_nonblocking(true).expect("a socket");
    let (to, rubbish) = (world.address("udp"), rubbish());
    let known = binding(&ufrag(&world, viewer));
    for round in 0..60 {
        for datagram in rubbish.iter().skip(round).step_by(20) {
            stranger.send_to(datagram, to).expect("loopback");
        }
        // Our ufrag, but no integrity.
        stranger.send_to(&known, to).expect("loopback");
        world.stream(publisher, 2, 10);
    }
    world.until("everything arrived", |w| {
        w[viewer].pictures.len() == 120 && w[viewer].sounds.len() == 120
    });
    assert_eq!(world[viewer].picture_payloads(), world[publisher].sent);
    assert!(contiguous(&world[viewer].picture_numbers()));
    for counter in [
        "drops_not_ours",
        "drops_unknown_address",
        "drops_unknown_ufrag",
        "drops_refused",
    ] {
        assert!(world.count(counter) > 0, "{counter}");
    }
    for counter in [
        "errors_peer",
        "errors_panic",
        "path_changes",
        "peers_closed",
    ] {
        assert_eq!(world.count(counter), 0, "{counter}");
    }
    // Nothing is ever answered to somebody without the password.
    assert!(stranger.recv_from(&mut [0; 64]).is_err());
}

#[test]
fn rubbish_from_a_viewers_own_address_ends_at_most_that_viewer() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let forged = world.watch("town");
    let honest = world.watch("town");
    let to = world.address("udp");
    for datagram in rubbish() {
        world[forged].inject(&datagram, to);
        world.turn();
    }
    world.stream(publisher, 50, 10);
    world.until("the other got everything", |w| {
        w[honest].pictures.len() == 50
    });
    assert_eq!(world.count("errors_panic"), 0);
    assert_eq!(
        (world.closed(honest), world.closed(publisher)),
        (None, None)
    );
}

#[test]
fn media_goes_on_when_a_nat_gives_the_viewer_another_port() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let viewer = world.watch("town");
    world.stream(publisher, 10, 10);
    world.until("it began", |w| w[viewer].pictures.len() == 10);
    let before = world.engine.stats(viewer.peer).expect("a peer").address;
    world[viewer].rebind();
    world.until("a check came from the new port", |w| {
        w.count("path_changes") == 1
    });
    world.stream(publisher, 10, 10);
    world.until("media goes on", |w| w[viewer].pictures.len() == 20);
    let after = world.engine.stats(viewer.peer).expect("a peer").address;
    assert_ne!(before, after);
    assert!(contiguous(&world[viewer].picture_numbers()));
    assert_eq!(world.count("path_changes"), 1);
}

#[test]
fn a_check_that_was_overheard_names_no_other_path() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let (robbed, overheard) = watch_overheard(&mut world);
    let other = world.watch("town");
    let to = world.address("udp");
    let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    let mut sent = 0;
    for check in overheard {
        // From nowhere; and from an address that is somebody else's, who would be cut off.
        stranger.send_to(&check, to).expect("loopback");
        world[other].inject(&check, to);
        sent += 2;
    }
    world.until("all are refused", |w| {
        w.count("drops_check_overheard") == sent
    });
    world.stream(publisher, 10, 10);
    world.until("both go on", |w| {
        w[robbed].pictures.len() == 10 && w[other].pictures.len() == 10
    });
    assert_eq!(world.count("path_changes"), 0);
}

#[test]
fn a_check_that_comes_again_on_a_path_that_was_left_does_not_lead_back() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let (viewer, overheard) = watch_overheard(&mut world);
    let left = world.watch("town");
    world.swap_links(viewer, left);
    world.until("both are where the other was", |w| {
        w.count("path_changes") == 2
    });
    let to = world.address("udp");
    for check in &overheard {
        world[left].inject(check, to);
    }
    world.stream(publisher, 10, 10);
    world.until("both go on", |w| {
        w[viewer].pictures.len() == 10 && w[left].pictures.len() == 10
    });
    assert_eq!(world.count("path_changes"), 2);
}

#[test]
fn media_goes_on_when_a_nat_gives_the_publisher_another_port() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let viewer = world.watch("town");
    world.stream(publisher, 10, 10);
    world.until("it began", |w| w[viewer].pictures.len() == 10);
    world[publisher].rebind();
    world.until("a check came from the new port", |w| {
        w.count("path_changes") == 1
    });
    world.stream(publisher, 10, 10);
    world.until("media goes on", |w| w[viewer].pictures.len() == 20);
}

#[test]
fn an_address_may_become_another_peers() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let first = world.watch("town");
    let second = world.watch("town");
    // The NAT gives the first one's port to the second, and another to the first.
    world.swap_links(first, second);
    world.until("checks came from the new ports", |w| {
        w.count("path_changes") == 2
    });
    world.stream(publisher, 10, 10);
    world.until("both go on", |w| {
        w[first].pictures.len() == 10 && w[second].pictures.len() == 10
    });
}

#[test]
fn a_restart_leaves_the_old_path_until_the_new_check_and_then_moves() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let viewer = world.watch("town");
    world.stream(publisher, 10, 10);
    world.until("it began", |w| w[viewer].pictures.len() == 10);
    let old = ufrag(&world, viewer);
    let (ufrag, pwd) = world[viewer].begin_restart();
    let restarted = world.engine.restart_ice(viewer.peer, ufrag, pwd);
    let (ufrag, pwd) = restarted.expect("a peer");
    assert_ne!(ufrag, old);
    // The viewer does not know yet.
    world.stream(publisher, 10, 0);
    world.until("the old path goes on", |w| w[viewer].pictures.len() == 20);
    assert_eq!(world.count("path_changes"), 0);
    // It moved to another network meanwhile.
    world[viewer].rebind();
    world[viewer].finish_restart(&ufrag, &pwd);
    world.until("the new check was answered", |w| {
        w.count("path_changes") == 1
    });
    world.stream(publisher, 10, 0);
    world.until("the new path goes on", |w| w[viewer].pictures.len() == 30);
    assert!(contiguous(&world[viewer].picture_numbers()));
    assert_eq!(world.closed(viewer), None);
}

#[test]
fn restarts_may_follow_each_other_and_consent_is_kept() {
    let mut world = World::with(Settings {
        consent_timeout: Duration::from_millis(1500),
        ..settings()
    });
    let viewer = world.watch("town");
    for moves in 1..=4 {
        let (ufrag, pwd) = world[viewer].begin_restart();
        let restarted = world.engine.restart_ice(viewer.peer, ufrag, pwd);
        let (ufrag, pwd) = restarted.expect("a peer");
        world[viewer].rebind();
        world[viewer].finish_restart(&ufrag, &pwd);
        world.until("it moved", |w| w.count("path_changes") == moves);
    }
    // A clock for the test: this one's consent ends, the other's does not.
    let silent = world.watch("town");
    world[silent].frozen = true;
    world.until("it is told", |w| w.closed(silent).is_some());
    assert_eq!(world.closed(viewer), None);
    let gone = world
        .engine
        .restart_ice(silent.peer, "abcd".into(), "x".repeat(22));
    assert_eq!(gone, None);
}

#[test]
fn viewers_and_publishers_come_over_tcp_too() {
    let mut world = World::new();
    let to = world.address("tcp");
    let publisher = Client::over_tcp(to, Direction::SendOnly);
    let publisher = world.add(publisher, Role::Publisher, "town");
    let viewer = world.add(
        Client::over_tcp(to, Direction::RecvOnly),
        Role::Viewer,
        "town",
    );
    let other = world.watch("town");
    world.until("all are connected", |w| {
        w[publisher].connected && w[viewer].connected
    });
    world.stream(publisher, 100, 50);
    world.until("everything arrived", |w| {
        w[viewer].pictures.len() == 100 && w[other].pictures.len() == 100
    });
    for viewer in [viewer, other] {
        assert_eq!(world[viewer].picture_payloads(), world[publisher].sent);
        assert!(contiguous(&world[viewer].picture_numbers()));
    }
    let stats = world.engine.stats(viewer.peer).expect("a peer");
    assert!(
        stats.address.starts_with("tcp:127.0.0.1:"),
        "{}",
        stats.address
    );
}

#[test]
fn a_peers_connection_ends_with_the_peer() {
    let mut world = World::new();
    let to = world.address("tcp");
    let viewer = world.add(
        Client::over_tcp(to, Direction::RecvOnly),
        Role::Viewer,
        "town",
    );
    world.until("it is connected", |w| w[viewer].connected);
    world.engine.remove(viewer.peer);
    world.until("the connection ended", |w| w[viewer].hung_up());
    assert_eq!(world.closed(viewer), Some(CloseReason::Removed));
}

#[test]
fn a_connection_that_breaks_the_framing_ends_and_is_counted() {
    let mut world = World::new();
    let mut stream = TcpStream::connect(world.address("tcp")).expect("a listener");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a socket");
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .expect("an open connection");
    // Ended by the engine; unread bytes make that a reset.
    assert!(matches!(stream.read(&mut [0; 16]), Ok(0) | Err(_)));
    world.until("it is counted", |w| w.count("errors_tcp_framing") == 1);
}

#[test]
fn a_connection_that_sends_rubbish_in_good_frames_gets_no_answer() {
    let mut world = World::new();
    let mut stream = TcpStream::connect(world.address("tcp")).expect("a listener");
    for datagram in rubbish() {
        let mut framed = Vec::new();
        sluice_media_core::framing::frame(&datagram, &mut framed);
        stream.write_all(&framed).expect("an open connection");
    }
    let all = rubbish().len() as u64;
    world.until("all is dropped", |w| {
        w.count("drops_not_ours")
            + w.count("drops_unknown_address")
            + w.count("drops_unknown_ufrag")
            == all
    });
    stream.set_nonblocking(true).expect("a socket");
    let nothing = stream.read(&mut [0; 16]).map_err(|error| error.kind());
    assert_eq!(nothing, Err(std::io::ErrorKind::WouldBlock));
}
