//! Floods of bad datagrams, and who is answered at all.

mod world;

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use sluice_media_core::demux::{self, Kind};
use sluice_media_io::peer::Role;
use world::client::Client;
use world::client::media::contiguous;
use world::rubbish::Dice;
use world::{Who, World};

const VIEWERS: usize = 100;

fn stranger() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    socket.set_nonblocking(true).expect("a socket");
    socket
}

/// Everything that these have sent from now on until media flowed for a while.
fn overheard(world: &mut World, publisher: Who, all: &[Who]) -> Vec<Vec<u8>> {
    for who in all {
        world[*who].record = Some(Vec::new());
    }
    let seen = |w: &World, kind| {
        let mut sent = all
            .iter()
            .filter_map(|who| w[*who].record.as_ref())
            .flatten();
        sent.any(|datagram| demux::kind(datagram) == kind)
    };
    while ![Kind::Stun, Kind::Rtp, Kind::Rtcp]
        .iter()
        .all(|kind| seen(world, *kind))
    {
        world.stream(publisher, 1, 50);
    }
    let records = all.iter().filter_map(|who| world[*who].record.take());
    records.flatten().collect()
}

#[test]
fn spoiled_datagrams_by_the_thousand_cost_honest_viewers_nothing() {
    let mut world = World::new();
    let publisher = world.add(Client::publisher(), Role::Publisher, "town");
    // What the handshakes of the first ones looked like, DTLS among it.
    world[publisher].record = Some(Vec::new());
    world.until("it is connected", |w| w[publisher].connected);
    let mut good = world[publisher].record.take().expect("a record");
    let viewers: Vec<Who> = (0..VIEWERS)
        .map(|_| world.add(Client::viewer(), Role::Viewer, "town"))
        .collect();
    world.until("all are connected", |w| {
        viewers.iter().all(|v| w[*v].connected)
    });
    good.extend(overheard(&mut world, publisher, &[publisher, viewers[0]]));
    // As many of each protocol, however often it was heard.
    let kinds = [Kind::Stun, Kind::Dtls, Kind::Rtp, Kind::Rtcp];
    let of = |kind| -> Vec<Vec<u8>> {
        let mut all = good.clone();
        all.retain(|datagram| demux::kind(datagram) == kind);
        all
    };
    let good = kinds.map(of);
    assert!(good.iter().all(|kind| !kind.is_empty()));
    let (to, mut dice) = (world.address("udp"), Dice(2026));
    let strangers = [stranger(), stranger(), stranger()];
    for round in 0..400 {
        for _ in 0..50 {
            let kind = &good[dice.below(4)];
            let which = dice.below(kind.len());
            let bad = dice.spoil(&kind[which]);
            match dice.below(2) {
                // A datagram of no bytes is one too; a full buffer of ours is not their test.
                0 => drop(strangers[dice.below(3)].send_to(&bad, to)),
                _ => world[viewers[dice.below(VIEWERS)]].inject(&bad, to),
            }
        }
        world.stream(publisher, 1, 50);
        assert_eq!(world.count("errors_panic"), 0, "round {round}");
    }
    let (pictures, sounds) = (
        world[publisher].sent.clone(),
        world[publisher].sent_sound.clone(),
    );
    world.until("everything arrived", |w| {
        viewers
            .iter()
            .all(|v| w[*v].pictures.len() == pictures.len())
            && viewers.iter().all(|v| w[*v].sounds.len() == sounds.len())
    });
    for viewer in &viewers {
        assert_eq!(world[*viewer].picture_payloads(), pictures);
        assert_eq!(world[*viewer].sound_payloads(), sounds);
        assert!(contiguous(&world[*viewer].picture_numbers()));
        assert_eq!(world.closed(*viewer), None);
    }
    assert_eq!(world.closed(publisher), None);
    for counter in [
        "errors_peer",
        "errors_panic",
        "errors_receive",
        "path_changes",
        "peers_closed",
    ] {
        assert_eq!(world.count(counter), 0, "{counter}");
    }
    for counter in [
        "drops_not_ours",
        "drops_unknown_address",
        "drops_refused",
        "drops_srtp",
    ] {
        assert!(
            world.count(counter) > 100,
            "{counter} {}",
            world.count(counter)
        );
    }
    for stranger in &strangers {
        assert!(
            stranger.recv_from(&mut [0; 64]).is_err(),
            "a stranger was answered"
        );
    }
}

#[test]
fn only_a_check_with_the_password_is_answered_and_with_less_than_it_brought() {
    let mut world = World::new();
    let viewer = world.add(Client::viewer(), Role::Viewer, "town");
    world[viewer].record = Some(Vec::new());
    world.until("it is connected", |w| w[viewer].connected);
    let sent = world[viewer].record.replace(Vec::new()).expect("a record");
    let hello = sent
        .iter()
        .find(|sent| demux::kind(sent) == Kind::Dtls)
        .expect("a handshake")
        .clone();
    // A check that nobody was sent yet.
    world[viewer].mute = Some(Kind::Stun);
    let made = |w: &World| {
        let made = w[viewer].record.iter().flatten();
        made.into_iter()
            .find(|made| demux::binding_request(made).is_some())
            .cloned()
    };
    world.until("it makes another check", |w| made(w).is_some());
    let check = made(&world).expect("a check");
    let (to, stranger) = (world.address("udp"), stranger());
    // From an address that proved nothing: no handshake, no media, no wrong password.
    let mut forged = check.clone();
    let integrity = check.len() - 8 - 20;
    forged[integrity] ^= 1;
    for datagram in [&hello, &forged] {
        for _ in 0..100 {
            stranger.send_to(datagram, to).expect("loopback");
        }
    }
    world.until("all are refused", |w| {
        w.count("drops_refused") == 100 && w.count("drops_unknown_address") == 100
    });
    let mut unknown = check.clone();
    // The ufrag stands behind the header of 20 bytes and the attribute's of 4.
    unknown[24..28].copy_from_slice(b"????");
    for _ in 0..1000 {
        stranger.send_to(&unknown, to).expect("loopback");
        world.turn();
    }
    world.until("all are dropped", |w| {
        w.count("drops_unknown_ufrag") >= 1000
    });
    let mut answer = [0; 2048];
    assert!(
        stranger.recv_from(&mut answer).is_err(),
        "a stranger was answered"
    );
    // The check itself is the password's proof, wherever it comes from.
    stranger.send_to(&check, to).expect("loopback");
    stranger.set_nonblocking(false).expect("a socket");
    stranger
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a socket");
    let (length, _) = stranger.recv_from(&mut answer).expect("an answer");
    assert!(demux::binding_success(&answer[..length]).is_some());
    assert!(
        2 * length <= 3 * check.len(),
        "{length} for {}",
        check.len()
    );
    assert_eq!(world.count("peers_closed"), 0);
}
