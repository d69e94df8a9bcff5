//! What peers seal, from an address that they have not proved yet.

mod world;

use std::net::{Ipv4Addr, UdpSocket};
use std::time::Instant;

use sluice_media_core::demux::{self, Kind};
use sluice_media_io::peer::Role;
use str0m::crypto::from_feature_flags;
use str0m::ice::StunMessage;
use world::client::Client;
use world::client::media::contiguous;
use world::forger::{Forger, report};
use world::{Who, World};

fn address(world: &World, who: Who) -> Option<String> {
    world.engine.stats(who.peer).map(|peer| peer.address)
}

#[test]
fn media_goes_on_before_the_first_check_from_the_publishers_new_port() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let viewer = world.watch("town");
    world.stream(publisher, 10, 10);
    world.until("it began", |w| w[viewer].pictures.len() == 10);
    let before = address(&world, publisher);
    world[publisher].mute = Some(Kind::Stun);
    world[publisher].rebind();
    world.stream(publisher, 10, 0);
    world.until("media goes on", |w| w[viewer].pictures.len() == 20);
    assert_eq!(world[viewer].picture_payloads(), world[publisher].sent);
    assert!(contiguous(&world[viewer].picture_numbers()));
    // Nothing is sent to an address that only media came from.
    assert_eq!(address(&world, publisher), before);
    assert!(world.count("media_unproved_address") >= 10);
    world[publisher].mute = None;
    world.until("a check came from the new port", |w| {
        w.count("path_changes") == 1
    });
    assert_ne!(address(&world, publisher), before);
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

#[test]
fn a_peer_that_seems_to_have_moved_is_asked_and_moves_before_its_next_check() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let viewer = world.watch("town");
    world.stream(publisher, 10, 10);
    world.until("it began", |w| w[viewer].pictures.len() == 10);
    let before = [publisher, viewer].map(|who| address(&world, who));
    for (nth, who) in [viewer, publisher].into_iter().enumerate() {
        world[who].hold_checks = true;
        world[who].rebind();
        world.stream(publisher, 1, 1);
        world.until("it answered", |w| w.count("path_changes") == 1 + nth as u64);
    }
    world.until("all came", |w| w[viewer].pictures.len() >= 11);
    let pictures = world[viewer].pictures.len();
    world.stream(publisher, 10, 10);
    world.until("media goes on", |w| {
        w[viewer].pictures.len() >= pictures + 10
    });
    assert_ne!([publisher, viewer].map(|who| address(&world, who)), before);
    assert!(world.count("checks_asked") >= 2);
    // And what is sent to a publisher reaches it.
    let wanted = world[publisher].keyframes_wanted;
    world[viewer].request_keyframe();
    world.until("a keyframe is asked for", |w| {
        w[publisher].keyframes_wanted > wanted
    });
}

#[test]
fn a_viewers_messages_go_on_from_there_too() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let viewer = world.add(Client::with_channel("echo"), Role::Viewer, "town");
    world.until("its channel is open", |w| w[viewer].channel_open);
    world.stream(publisher, 10, 10);
    world.until("it began", |w| w[viewer].pictures.len() == 10);
    world[viewer].hold_checks = true;
    world[viewer].rebind();
    world.stream(publisher, 1, 1);
    world.until("it answered", |w| w.count("path_changes") == 1);
    assert!(world[viewer].say(false, b"hello"));
    world.until("it is echoed", |w| w[viewer].messages.len() == 1);
}

#[test]
fn whoever_overheard_a_report_cannot_answer_for_its_viewer() {
    let mut world = World::new();
    let _publisher = world.publish("town");
    let mut forger = Forger::watch(&mut world, "town", str::to_owned);
    let viewer = forger.who;
    let before = address(&world, viewer);
    let heard = world.count("reports_received");
    forger.say(&mut world, &report(1, 0, 0));
    world.until("the first is heard", |w| {
        w.count("reports_received") > heard
    });
    let sockets = [(); 2].map(|()| {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.set_nonblocking(true).expect("a socket");
        socket
    });
    let [there, elsewhere] = &sockets;
    let to = world.address("udp");
    // One that never reached us from the viewer itself: it is good, wherever it comes from.
    let caught = forger.seal(&report(1, 0, 0));
    there.send_to(&caught, to).expect("loopback");
    world.until("there is a question", |_| {
        there.peek(&mut [0; 2048]).is_ok()
    });
    let mut question = vec![0; 2048];
    let length = there.recv(&mut question).expect("a question");
    question.truncate(length);
    assert!(question.len() <= 128, "{}", question.len());
    let pass = world[viewer].password();
    let unanswered = |w: &World| w.count("drops_unknown_address");
    let mut sent = unanswered(&world);
    for (from, pass) in [
        (there, Some("w".repeat(22))),
        (there, None),
        (elsewhere, Some(pass.clone())),
    ] {
        from.send_to(&answered(&question, pass.as_deref()), to)
            .expect("loopback");
        sent += 1;
        world.until("it is refused", |w| unanswered(w) == sent);
    }
    // The same report says nothing twice.
    elsewhere.send_to(&caught, to).expect("loopback");
    world.until("it is refused", |w| unanswered(w) == sent + 1);
    assert_eq!(address(&world, viewer), before);
    assert_eq!(
        (world.count("checks_asked"), world.count("path_changes")),
        (1, 0)
    );
    // Who has the viewer's password is the viewer.
    there
        .send_to(&answered(&question, Some(&pass)), to)
        .expect("loopback");
    world.until("it moves", |w| w.count("path_changes") == 1);
    assert_ne!(address(&world, viewer), before);
}

#[test]
fn a_flood_in_a_viewers_name_is_looked_at_so_often_and_no_more() {
    let mut world = World::new();
    let _publisher = world.publish("town");
    let mut forger = Forger::watch(&mut world, "town", str::to_owned);
    let heard = world.count("reports_received");
    forger.say(&mut world, &report(1, 0, 0));
    world.until("it is heard", |w| w.count("reports_received") > heard);
    // Under a number that is still to come, so that only the viewer's key tells that it is forged.
    let mut forged = forger.seal(&report(1, 0, 0));
    forged[10] ^= 1;
    let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    let to = world.address("udp");
    let before = world.count("drops_unknown_address");
    let began = Instant::now();
    for sent in 1..=4_000 {
        stranger.send_to(&forged, to).expect("loopback");
        if sent % 100 == 0 {
            world.until("they came", |w| {
                w.count("drops_unknown_address") == before + sent
            });
        }
    }
    let allowed = 200.0 * (1.0 + began.elapsed().as_secs_f64());
    let tried = world.count("drops_srtp") as f64;
    assert!((200.0..=allowed).contains(&tried), "{tried} of {allowed}");
    // What the viewer itself says is heard all the time.
    let heard = world.count("reports_received");
    forger.say(&mut world, &report(1, 0, 0));
    world.until("it is heard", |w| w.count("reports_received") > heard);
}

/// The answer of an ICE agent with this password.
fn answered(question: &[u8], pass: Option<&str>) -> Vec<u8> {
    let asked = StunMessage::parse(question).expect("a question");
    let sha1 = from_feature_flags().sha1_hmac_provider;
    let mapped = (Ipv4Addr::LOCALHOST, 9).into();
    let mut answer = vec![0; 512];
    let length = StunMessage::binding_reply(asked.trans_id(), mapped)
        .to_bytes(pass.map(str::as_bytes), &mut answer, |key, parts| {
            sha1.sha1_hmac(key, parts)
        })
        .expect("an answer");
    answer.truncate(length);
    answer
}
