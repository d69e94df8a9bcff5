//! Data channels: the echo, messages for the outside, and their limits.

mod world;

use sluice_media_io::outbox::Event;
use sluice_media_io::peer::Role;
use sluice_media_io::settings::Settings;
use world::client::Client;
use world::{Who, World, settings};

fn with_channel(world: &mut World, label: &str) -> Who {
    let who = world.add(Client::with_channel(label), Role::Viewer, "town");
    world.until("its channel is open", |w| w[who].channel_open);
    who
}

#[test]
fn an_echo_answers_the_same_bytes_as_the_same_kind() {
    let mut world = World::new();
    let who = with_channel(&mut world, "echo");
    let messages: [(bool, &[u8]); 4] = [
        (true, b"\0\xff"),
        (false, "grüße".as_bytes()),
        (true, &[7; 1024]),
        (false, b"x"),
    ];
    for (binary, message) in messages {
        assert!(world[who].say(binary, message));
    }
    world.until("all are answered", |w| w[who].messages.len() == 4);
    let answers: Vec<(bool, &[u8])> = world[who]
        .messages
        .iter()
        .map(|m| (m.binary, &m.data[..]))
        .collect();
    assert_eq!(answers, messages);
    // The outside has nothing to do with it.
    let told = |e: &Event| matches!(e, Event::DataMessage { .. });
    assert!(!world.events.iter().any(told));
    assert_eq!(
        (
            world.count("data_messages"),
            world.count("drops_data_message")
        ),
        (4, 0)
    );
}

#[test]
fn other_messages_go_out_with_their_label_and_answers_come_back() {
    let mut world = World::new();
    let who = with_channel(&mut world, "chat");
    world[who].say(false, b"hello");
    let told = Event::DataMessage {
        peer: who.peer,
        label: "chat".into(),
        payload: b"hello".to_vec(),
        binary: false,
    };
    world.until("it is told", |w| w.events.contains(&told));
    assert!(
        world
            .engine
            .send_data(who.peer, "chat".into(), b"hi".to_vec(), true)
    );
    world.until("it arrived", |w| w[who].messages.len() == 1);
    assert_eq!(
        (
            world[who].messages[0].binary,
            &world[who].messages[0].data[..]
        ),
        (true, &b"hi"[..])
    );
    assert!(
        !world
            .engine
            .send_data(who.peer, "other".into(), b"hi".to_vec(), true)
    );
    assert!(
        !world
            .engine
            .send_data(who.peer + 1000, "chat".into(), b"hi".to_vec(), true)
    );
}

#[test]
fn one_message_goes_to_many_and_those_without_a_channel_are_told() {
    let mut world = World::new();
    let some: Vec<Who> = (0..3).map(|_| with_channel(&mut world, "chat")).collect();
    let other = with_channel(&mut world, "echo");
    let gone = other.peer + 1000;
    let peers: Vec<u64> = some
        .iter()
        .map(|who| who.peer)
        .chain([other.peer, gone])
        .collect();
    let mut refused = world.engine.send_data_many(&peers, "chat", b"all", false);
    refused.sort_unstable();
    assert_eq!(refused, [other.peer, gone]);
    for who in some {
        world.until("it arrived", |w| w[who].messages.len() == 1);
        assert_eq!(world[who].messages[0].data, b"all");
    }
}

#[test]
fn a_message_over_the_limit_is_dropped_and_counted() {
    let mut world = World::new();
    let who = with_channel(&mut world, "echo");
    world[who].say(true, &[1; 1025]);
    world[who].say(true, &[2; 3]);
    world.until("the second is answered", |w| w[who].messages.len() == 1);
    assert_eq!(world[who].messages[0].data, [2; 3]);
    assert_eq!(world.count("drops_data_message"), 1);
}

#[test]
fn messages_over_the_rate_are_dropped_and_counted() {
    let mut world = World::with(Settings {
        // The burst is as large as the rate, and nothing comes back within the test.
        messages_per_second: 5.0,
        ..settings()
    });
    let who = with_channel(&mut world, "echo");
    for _ in 0..50 {
        world[who].say(true, &[1; 8]);
    }
    world.until("all were looked at", |w| w.count("data_messages") == 50);
    let dropped = world.count("drops_data_message");
    // Five at once, and those that time allowed meanwhile.
    assert!((1..=45).contains(&dropped), "{dropped}");
    world.until("the rest is answered", |w| {
        w[who].messages.len() as u64 == 50 - dropped
    });
}

#[test]
fn messages_flow_with_media() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let who = with_channel(&mut world, "echo");
    for i in 0..10 {
        world[who].say(true, &[i]);
        world.stream(publisher, 5, 10);
    }
    world.until("everything arrived", |w| {
        w[who].messages.len() == 10 && w[who].pictures.len() == 50
    });
    assert_eq!(world[who].picture_payloads(), world[publisher].sent);
}
