//! From a publisher to its viewers, over real sockets.

mod world;

use sluice_media_io::outbox::{CloseReason, Event};
use sluice_media_io::peer::Role;
use str0m::format::Codec;
use str0m::media::Direction;
use world::client::media::contiguous;
use world::client::{Client, lose_every};
use world::{World, settings};

#[test]
fn every_viewer_gets_every_packet_untouched() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let viewers = [world.watch("town"), world.watch("town")];
    world.stream(publisher, 200, 50);
    world.until("everything arrived", |w| {
        viewers
            .iter()
            .all(|v| w[*v].pictures.len() >= 200 && w[*v].sounds.len() >= 200)
    });
    for viewer in viewers {
        assert_eq!(world[viewer].picture_payloads(), world[publisher].sent);
        assert_eq!(world[viewer].sound_payloads(), world[publisher].sent_sound);
        assert!(contiguous(&world[viewer].picture_numbers()));
        assert!(world[viewer].picture_numbers()[0] < 1 << 15);
        let video = world[viewer].video;
        let pt = world[viewer].payload_type(video, Codec::Vp8);
        assert!(
            world[viewer]
                .pictures
                .iter()
                .all(|p| p.header.payload_type == pt)
        );
        let ssrc = world[viewer].pictures[0].header.ssrc;
        assert!(
            world[viewer]
                .pictures
                .iter()
                .all(|p| p.header.ssrc == ssrc && p.header.marker)
        );
    }
    assert_eq!(world.count("received_packets"), 400);
    assert_eq!(world.count("forwarded_packets"), 800);
    assert_eq!(
        (world.count("errors_peer"), world.count("errors_panic")),
        (0, 0)
    );
}

#[test]
fn times_keep_their_distances() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let viewer = world.watch("town");
    world.stream(publisher, 30, 0);
    world[publisher].picture(true);
    world.until("the keyframe arrived", |w| !w[viewer].pictures.is_empty());
    world.stream(publisher, 30, 0);
    world.until("the rest arrived", |w| w[viewer].pictures.len() == 31);
    let times: Vec<u64> = world[viewer]
        .pictures
        .iter()
        .map(|p| p.time.numer())
        .collect();
    assert!(
        times.windows(2).all(|pair| pair[1] == pair[0] + 3000),
        "{times:?}"
    );
}

#[test]
fn channels_are_kept_apart() {
    let mut world = World::with(sluice_media_io::settings::Settings {
        workers: 2,
        ..settings()
    });
    let here = world.publish("here");
    let there = world.publish("there");
    let viewer = world.watch("here");
    world.stream(there, 20, 10);
    world.stream(here, 20, 10);
    world.until("everything arrived", |w| w[viewer].pictures.len() >= 20);
    assert_eq!(world[viewer].picture_payloads(), world[here].sent);
}

#[test]
fn a_viewer_that_joins_within_a_group_begins_with_its_keyframe() {
    let mut world = World::new();
    let publisher = world.publish("town");
    world.stream(publisher, 130, 60);
    let viewer = world.watch("town");
    // The group that began with picture 120.
    world.until("the replay arrived", |w| w[viewer].pictures.len() >= 10);
    world.stream(publisher, 30, 0);
    world.until("live goes on", |w| w[viewer].pictures.len() >= 40);
    assert_eq!(
        world[viewer].picture_payloads(),
        world[publisher].sent[120..]
    );
    assert!(contiguous(&world[viewer].picture_numbers()));
    assert_eq!(world.count("replayed_packets"), 10);
    // Nobody had to be asked for a keyframe.
    assert_eq!(world.count("keyframe_requests_to_publishers"), 0);
}

#[test]
fn a_long_replay_and_live_packets_meet_without_a_gap() {
    let mut world = World::new();
    let publisher = world.publish("town");
    // Together they span less than a kept group may (10 s), however slowly the replay goes.
    world.stream(publisher, 200, 1000);
    let viewer = world.watch("town");
    // Pictures come on while the replay goes out in turns.
    world.stream(publisher, 80, 0);
    world.until("everything arrived", |w| w[viewer].pictures.len() >= 280);
    assert_eq!(world[viewer].picture_payloads(), world[publisher].sent);
    assert!(contiguous(&world[viewer].picture_numbers()));
    assert!(world.count("replayed_packets") >= 200);
}

#[test]
fn a_viewer_without_a_kept_group_makes_the_publisher_send_a_keyframe() {
    let mut world = World::new();
    let publisher = world.publish("town");
    world.stream(publisher, 5, 0);
    let viewer = world.watch("town");
    world.until("a keyframe was asked for", |w| {
        w[publisher].keyframes_wanted > 0
    });
    world[publisher].picture(true);
    world.until("it arrived", |w| w[viewer].pictures.len() == 1);
}

#[test]
fn viewers_stay_when_the_publisher_is_replaced() {
    let mut world = World::new();
    let first = world.publish("town");
    let viewer = world.watch("town");
    world.stream(first, 50, 25);
    world.until("the first publisher's arrived", |w| {
        w[viewer].pictures.len() == 50
    });
    let second = world.publish("town");
    world.until("the first is told", |w| {
        w.closed(first) == Some(CloseReason::Replaced)
    });
    world.stream(second, 50, 25);
    world.until("the second publisher's arrived", |w| {
        w[viewer].pictures.len() == 100
    });
    let sent = [world[first].sent.clone(), world[second].sent.clone()].concat();
    assert_eq!(world[viewer].picture_payloads(), sent);
    assert!(contiguous(&world[viewer].picture_numbers()));
    let mut times: Vec<(u64, u64)> = world[viewer]
        .pictures
        .iter()
        .map(|p| (*p.seq_no, p.time.numer()))
        .collect();
    times.sort_unstable();
    assert!(times.is_sorted_by(|a, b| a.1 < b.1));
    assert_eq!(world.engine.peers(), 2);
    let started = world
        .events
        .iter()
        .filter(|e| matches!(e, Event::MediaStarted { .. }))
        .count();
    assert_eq!(started, 2);
}

#[test]
fn vp8_numbers_go_on_across_publishers() {
    let mut world = World::new();
    let viewer = world.watch("town");
    for begin in [100, 32_760] {
        let publisher = world.publish("town");
        for i in 0..20 {
            let id = (begin + i) % (1 << 15);
            world[publisher].picture_with_ids(i == 0, id, i as u8);
            world.turn();
        }
        let all = if begin == 100 { 20 } else { 40 };
        world.until("its pictures arrived", |w| w[viewer].pictures.len() == all);
    }
    let ids = |payload: &Vec<u8>| {
        let id = u16::from_be_bytes([payload[2], payload[3]]) & 0x7fff;
        (id, payload[4], payload.len())
    };
    let payloads = world[viewer].picture_payloads();
    let got: Vec<_> = payloads.iter().map(ids).collect();
    let expected: Vec<_> = (0..40).map(|i| (100 + i, i as u8, 200)).collect();
    assert_eq!(got, expected);
    // Nothing but the numbers is changed.
    assert!(
        payloads
            .iter()
            .all(|p| p[..2] == [0x90, 0xe0] && p[20..] == payloads[0][20..])
    );
}

#[test]
fn a_publisher_that_left_is_followed_by_the_next() {
    let mut world = World::new();
    let viewer = world.watch("town");
    let first = world.publish("town");
    world.stream(first, 20, 10);
    world.until("its pictures arrived", |w| w[viewer].pictures.len() == 20);
    assert!(world.engine.remove(first.peer));
    assert!(!world.engine.remove(first.peer));
    world.until("it is told", |w| {
        w.closed(first) == Some(CloseReason::Removed) && w[first].closed
    });
    let second = world.publish("town");
    world.stream(second, 20, 10);
    world.until("everything arrived", |w| w[viewer].pictures.len() == 40);
    assert!(contiguous(&world[viewer].picture_numbers()));
}

#[test]
fn a_lost_packet_is_resent() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let viewer = world.watch("town");
    let pt = {
        let client = &world[viewer];
        client.payload_type(client.video, Codec::Vp8)
    };
    world[viewer].swallow = Some(lose_every(19, pt));
    // A client asks again for what is at most a hundred packets old.
    for chunk in 1..=10 {
        world.stream(publisher, 30, 30);
        world.until("everything arrived", |w| {
            w[viewer].pictures.len() == chunk * 30 && contiguous(&w[viewer].picture_numbers())
        });
    }
    assert_eq!(world[viewer].picture_payloads(), world[publisher].sent);
}

#[test]
fn what_the_publishers_uplink_lost_is_asked_for_again_and_takes_its_place() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let viewer = world.watch("town");
    world.stream(publisher, 10, 10);
    world.until("it began", |w| w[viewer].pictures.len() == 10);
    // Three pictures and three sounds: sent, and swallowed by the network.
    world[publisher].lose_outgoing(6);
    world.stream(publisher, 3, 0);
    world.stream(publisher, 50, 0);
    world.until("everything arrived", |w| w[viewer].pictures.len() == 63);
    assert_eq!(world[viewer].picture_payloads(), world[publisher].sent);
    assert!(contiguous(&world[viewer].picture_numbers()));
}

#[test]
fn fifty_viewers_cries_for_a_keyframe_are_one_request_a_second() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let viewers: Vec<_> = (0..50)
        .map(|_| world.add(Client::viewer(), Role::Viewer, "town"))
        .collect();
    world.until("all are connected", |w| {
        viewers.iter().all(|v| w[*v].connected)
    });
    world.stream(publisher, 2, 2);
    world.until("all have the stream", |w| {
        viewers.iter().all(|v| !w[*v].pictures.is_empty())
    });
    let before = world.count("keyframe_requests_to_publishers");
    let begin = std::time::Instant::now();
    while world.count("keyframe_requests_from_viewers") < 500 {
        for viewer in &viewers {
            world[*viewer].request_keyframe();
        }
        world.turn();
    }
    let asked = world.count("keyframe_requests_to_publishers") - before;
    let most = begin.elapsed().as_millis() as u64 / 1000 + 1;
    assert!(
        (1..=most).contains(&asked),
        "{asked} requests, at most {most} allowed"
    );
    world.until("it reached the publisher", |w| {
        w[publisher].keyframes_wanted > 0
    });
}

#[test]
fn a_storm_of_cries_starves_nobody_who_waits_for_a_first_picture() {
    let mut world = World::with(sluice_media_io::settings::Settings {
        workers: 2,
        ..settings()
    });
    let publisher = world.publish("town");
    world.stream(publisher, 2, 2);
    let crying: Vec<_> = (0..10).map(|_| world.watch("town")).collect();
    world.until("all have the stream", |w| {
        crying.iter().all(|v| !w[*v].pictures.is_empty())
    });
    // Another publisher: nothing is kept of it, because it began without a keyframe.
    let publisher = world.publish("town");
    let joiners = [
        world.add(Client::viewer(), Role::Viewer, "town"),
        world.add(Client::viewer(), Role::Viewer, "town"),
    ];
    assert_ne!(joiners[0].peer % 2, joiners[1].peer % 2);
    let mut answered = 0;
    for _ in 0..2 {
        // A keyframe for each request that reached the publisher, and no other.
        let came = |w: &World| joiners.iter().all(|v| !w[*v].pictures.is_empty());
        let limit = world[publisher].sent.len() + 5000;
        while !came(&world) {
            for viewer in &crying {
                world[*viewer].request_keyframe();
            }
            let wanted = world[publisher].keyframes_wanted;
            world[publisher].picture(wanted > answered);
            answered = wanted;
            world.turn();
            assert!(world[publisher].sent.len() < limit, "they starve");
        }
    }
    for joiner in joiners {
        assert!(contiguous(&world[joiner].picture_numbers()));
    }
}

#[test]
fn sound_alone_and_picture_alone_are_taken() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let viewer = world.watch("town");
    for _ in 0..20 {
        world[publisher].sound();
        world.turn();
    }
    world.until("the sound arrived", |w| w[viewer].sounds.len() == 20);
    assert!(world[viewer].pictures.is_empty());
}

#[test]
fn a_viewer_of_another_codec_is_sent_nothing_and_harms_nobody() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let other = Client::with(
        |c| c.clear_codecs().enable_vp9(true).enable_opus(true, false),
        Direction::RecvOnly,
    );
    let other = world.add(other, Role::Viewer, "town");
    let viewer = world.watch("town");
    world.until("both are connected", |w| w[other].connected);
    world.stream(publisher, 30, 10);
    world.until("everything arrived", |w| {
        w[viewer].pictures.len() == 30 && w[other].sounds.len() == 30
    });
    assert!(world[other].pictures.is_empty());
}
