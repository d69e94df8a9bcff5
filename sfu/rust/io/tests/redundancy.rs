//! Sound that carries earlier sound along (RFC 2198).

mod world;

use sluice_media_io::peer::Role;
use str0m::format::Codec;
use str0m::media::{Direction, Pt};
use world::client::Client;
use world::{Who, World};

fn client(redundant: bool, direction: Direction) -> Client {
    Client::with(|config| config.enable_opus(true, redundant), direction)
}

/// The payload types of plain and of redundant sound.
fn types(world: &World, who: Who) -> (Pt, Option<Pt>) {
    let plain = world[who].payload_type(world[who].audio, Codec::Opus);
    let mut params = world[who].rtc.codec_config().params().iter();
    let found = params.find(|p| p.pt() == plain).expect("it was agreed on");
    (plain, found.red())
}

/// A block for each packet that came before, and the newest one.
fn payload(pt: Pt, earlier: &[&[u8]], newest: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (back, block) in (1..=earlier.len() as u32).rev().zip(earlier) {
        let word = 1 << 31 | u32::from(*pt) << 24 | (back * 960) << 10 | block.len() as u32;
        bytes.extend_from_slice(&word.to_be_bytes());
    }
    bytes.push(*pt);
    earlier
        .iter()
        .for_each(|block| bytes.extend_from_slice(block));
    bytes.extend_from_slice(newest);
    bytes
}

fn sound(number: u8) -> Vec<u8> {
    vec![0xfc, number, 1, 2, 3]
}

/// A publisher whose sound is redundant, if that is agreed on, and a viewer of each kind.
fn town(redundant: bool) -> (World, Who, Who, Who) {
    let mut world = World::new();
    let publisher = client(redundant, Direction::SendOnly);
    let publisher = world.add(publisher, Role::Publisher, "town");
    let taker = world.add(client(true, Direction::RecvOnly), Role::Viewer, "town");
    let plain = world.add(client(false, Direction::RecvOnly), Role::Viewer, "town");
    world.until("all are connected", |w| {
        [publisher, taker, plain]
            .iter()
            .all(|who| w[*who].connected)
    });
    (world, publisher, taker, plain)
}

#[test]
fn whoever_takes_redundant_sound_gets_it_whole_and_others_the_newest_of_it() {
    let (mut world, publisher, taker, plain) = town(true);
    let (own, redundant) = types(&world, publisher);
    let redundant = redundant.expect("it was agreed on");
    let tap = world.engine.open_tap("town", 1000);
    for number in 0..50u8 {
        let before = sound(number.wrapping_sub(1));
        let earlier: &[&[u8]] = if number == 0 { &[] } else { &[&before] };
        let bytes = payload(own, earlier, &sound(number));
        world[publisher].send_sound(redundant, bytes);
        world.turn();
    }
    world.until("everything arrived", |w| {
        w[taker].sounds.len() == 50 && w[plain].sounds.len() == 50 && w.units.len() == 50
    });
    let (theirs, wrapped) = types(&world, taker);
    let expected: Vec<Vec<u8>> = (0..50u8)
        .map(|number| {
            let before = sound(number.wrapping_sub(1));
            let earlier: &[&[u8]] = if number == 0 { &[] } else { &[&before] };
            payload(theirs, earlier, &sound(number))
        })
        .collect();
    assert_eq!(world[taker].sound_payloads(), expected);
    let of = |who: Who, pt: Option<Pt>| {
        let mut all = world[who].sounds.iter();
        all.all(|packet| Some(packet.header.payload_type) == pt)
    };
    assert!(of(taker, wrapped) && wrapped.is_some());
    let newest: Vec<Vec<u8>> = (0..50).map(sound).collect();
    assert_eq!(world[plain].sound_payloads(), newest);
    assert!(of(plain, Some(types(&world, plain).0)));
    let units: Vec<Vec<u8>> = world
        .units
        .iter()
        .map(|unit| unit.payload.to_vec())
        .collect();
    assert_eq!(units, newest);
    world.engine.close_tap("town", tap);
}

#[test]
fn plain_and_redundant_sound_may_take_turns_and_rubbish_is_counted() {
    let (mut world, publisher, taker, _) = town(true);
    let (own, redundant) = types(&world, publisher);
    let redundant = redundant.expect("it was agreed on");
    // Another codec lies before it: only the newest is passed on.
    let foreign = payload(Pt::from(0), &[&[9; 9]], &sound(2));
    let foreign = [&foreign[..4], &[*own], &foreign[5..]].concat();
    for (pt, bytes) in [
        (redundant, vec![0xff; 40]),
        (own, sound(0)),
        (redundant, payload(own, &[], &sound(1))),
        (redundant, vec![0xff; 40]),
        (redundant, foreign),
        (own, sound(3)),
    ] {
        world[publisher].send_sound(pt, bytes);
        world.turn();
    }
    world.until("the good ones arrived", |w| w[taker].sounds.len() == 4);
    let (theirs, _) = types(&world, taker);
    let expected = [
        sound(0),
        payload(theirs, &[], &sound(1)),
        sound(2),
        sound(3),
    ];
    assert_eq!(world[taker].sound_payloads(), expected);
    assert_eq!(world.count("drops_refused"), 2);
    assert_eq!(world.count("errors_panic"), 0);
}

#[test]
fn a_publisher_without_redundancy_is_heard_by_all() {
    let (mut world, publisher, taker, plain) = town(false);
    assert_eq!(types(&world, publisher).1, None);
    world.stream(publisher, 20, 10);
    world.until("everything arrived", |w| {
        w[taker].sounds.len() == 20 && w[plain].sounds.len() == 20
    });
    for viewer in [taker, plain] {
        assert_eq!(world[viewer].sound_payloads(), world[publisher].sent_sound);
    }
}
