//! A channel's viewers on several workers.

mod world;

use sluice_media_io::feed::home;
use sluice_media_io::outbox::CloseReason;
use sluice_media_io::peer::Role;
use sluice_media_io::settings::Settings;
use str0m::format::Codec;
use world::client::media::contiguous;
use world::client::{Client, lose_every};
use world::{Who, World, settings};

const WORKERS: usize = 3;

fn world() -> World {
    World::with(Settings {
        workers: WORKERS,
        ..settings()
    })
}

fn worker(who: Who) -> usize {
    (who.peer % WORKERS as u64) as usize
}

/// A viewer on each worker, in the order of the workers.
fn watch_on_all(world: &mut World, channel: &str) -> Vec<Who> {
    let mut viewers: Vec<Who> = Vec::new();
    while viewers.len() < WORKERS {
        let viewer = world.watch(channel);
        if viewers.iter().all(|other| worker(*other) != worker(viewer)) {
            viewers.push(viewer);
        }
    }
    viewers.sort_by_key(|viewer| worker(*viewer));
    viewers
}

fn arrived(world: &mut World, viewers: &[Who], count: usize) {
    world.until("every viewer has every picture", |w| {
        viewers.iter().all(|v| w[*v].pictures.len() >= count)
    });
}

#[test]
fn peers_are_spread_over_the_workers_and_publishers_live_at_home() {
    let mut world = world();
    let publisher = world.publish("town");
    assert_eq!(worker(publisher), home("town", WORKERS));
    let mut loads = [0; WORKERS];
    loads[worker(publisher)] += 1;
    for _ in 0..8 {
        let viewer = world.watch("town");
        loads[worker(viewer)] += 1;
    }
    assert_eq!(loads, [3; WORKERS]);
    // Whoever leaves makes room where it was.
    let first = world.watch("other");
    assert!(world.engine.remove(first.peer));
    assert_eq!(worker(world.watch("other")), worker(first));
}

#[test]
fn an_idle_engine_takes_a_viewer_where_its_publisher_will_be() {
    let mut world = world();
    for channel in ["a", "b", "c", "d", "e"] {
        let viewer = world.watch(channel);
        assert_eq!(worker(viewer), home(channel, WORKERS));
        assert!(world.engine.remove(viewer.peer));
    }
}

#[test]
fn viewers_on_every_worker_get_every_packet_in_numbers_without_gaps() {
    let mut world = world();
    let publisher = world.publish("town");
    let viewers = watch_on_all(&mut world, "town");
    world.stream(publisher, 200, 50);
    arrived(&mut world, &viewers, 200);
    world.until("every viewer has every sound", |w| {
        viewers.iter().all(|v| w[*v].sounds.len() >= 200)
    });
    for viewer in viewers {
        assert_eq!(world[viewer].picture_payloads(), world[publisher].sent);
        assert_eq!(world[viewer].sound_payloads(), world[publisher].sent_sound);
        assert!(contiguous(&world[viewer].picture_numbers()));
    }
    // Received once, whoever watches.
    assert_eq!(world.count("received_packets"), 400);
    let never = ["drops_worker_queue", "drops_sent_before", "errors_panic"];
    assert_eq!(never.map(|name| world.count(name)), [0; 3]);
}

#[test]
fn a_viewer_on_another_worker_starts_with_the_kept_pictures() {
    let mut world = world();
    let publisher = world.publish("town");
    let first = world.watch("town");
    world.stream(publisher, 30, 20);
    arrived(&mut world, &[first], 30);
    let asked = world[publisher].keyframes_wanted;
    // Some come to workers that know nothing of the channel, some to those that do.
    let viewers: Vec<Who> = (0..2 * WORKERS).map(|_| world.watch("town")).collect();
    arrived(&mut world, &viewers, 10);
    for viewer in &viewers {
        assert_eq!(
            world[*viewer].picture_payloads(),
            world[publisher].sent[20..]
        );
        assert!(contiguous(&world[*viewer].picture_numbers()));
    }
    // And goes on live.
    world.stream(publisher, 10, 0);
    arrived(&mut world, &viewers, 20);
    for viewer in &viewers {
        assert_eq!(
            world[*viewer].picture_payloads(),
            world[publisher].sent[20..]
        );
    }
    assert_eq!(world[publisher].keyframes_wanted, asked);
}

#[test]
fn a_viewer_that_was_there_first_gets_the_first_picture_on_every_worker() {
    let mut world = world();
    let viewers = watch_on_all(&mut world, "town");
    let publisher = world.publish("town");
    world.stream(publisher, 20, 20);
    arrived(&mut world, &viewers, 20);
    for viewer in viewers {
        assert_eq!(world[viewer].picture_payloads(), world[publisher].sent);
    }
}

#[test]
fn a_keyframe_request_reaches_the_publisher_from_every_worker() {
    let mut world = world();
    let publisher = world.publish("town");
    let viewers = watch_on_all(&mut world, "town");
    world.stream(publisher, 10, 10);
    arrived(&mut world, &viewers, 10);
    for &viewer in &viewers {
        let asked = world[publisher].keyframes_wanted;
        let from_viewers = world.count("keyframe_requests_from_viewers");
        world[viewer].request_keyframe();
        // A publisher that sends nothing is not asked.
        world.sending_until(
            "the publisher is asked",
            |w, _| w[publisher].picture(false),
            |w| w[publisher].keyframes_wanted > asked,
        );
        assert_eq!(
            world.count("keyframe_requests_from_viewers"),
            from_viewers + 1
        );
        world[publisher].picture(true);
        // On every worker: a wish that meets a keyframe on its way is granted by that one.
        let sent = world[publisher].sent.len();
        arrived(&mut world, &viewers, sent);
    }
}

#[test]
fn a_lost_packet_is_sent_again_by_the_viewers_own_worker() {
    let mut world = world();
    let publisher = world.publish("town");
    let viewers = watch_on_all(&mut world, "town");
    for viewer in &viewers {
        let video = world[*viewer].video;
        let pt = world[*viewer].payload_type(video, Codec::Vp8);
        world[*viewer].swallow = Some(lose_every(10, pt));
    }
    world.stream(publisher, 100, 50);
    // What is lost at the end shows when something follows.
    world.until("all but the newest are there", |w| {
        viewers.iter().all(|v| {
            let numbers = w[*v].picture_numbers();
            numbers.len() >= 99 && contiguous(&numbers[..99])
        })
    });
    assert!(world.count("resent_packets") >= 9 * WORKERS as u64);
}

#[test]
fn a_publisher_that_returns_is_followed_on_every_worker() {
    let mut world = world();
    let publisher = world.publish("town");
    let viewers = watch_on_all(&mut world, "town");
    world.stream(publisher, 20, 20);
    arrived(&mut world, &viewers, 20);
    assert!(world.engine.remove(publisher.peer));
    let next = world.publish("town");
    world.stream(next, 20, 20);
    arrived(&mut world, &viewers, 40);
    for viewer in &viewers {
        let payloads = world[*viewer].picture_payloads();
        assert_eq!(payloads[20..], world[next].sent);
        assert!(contiguous(&world[*viewer].picture_numbers()));
    }
    // Who comes now sees nothing of the one before.
    let late = watch_on_all(&mut world, "town");
    arrived(&mut world, &late, 20);
    for viewer in late {
        assert_eq!(world[viewer].picture_payloads(), world[next].sent);
    }
}

#[test]
fn a_publisher_that_is_replaced_is_let_go_on_every_worker() {
    let mut world = world();
    let old = world.publish("town");
    let viewers = watch_on_all(&mut world, "town");
    world.stream(old, 20, 20);
    arrived(&mut world, &viewers, 20);
    let new = world.publish("town");
    assert_eq!(world.closed(old), Some(CloseReason::Replaced));
    world.stream(new, 20, 20);
    arrived(&mut world, &viewers, 40);
    for viewer in &viewers {
        assert_eq!(world[*viewer].picture_payloads()[20..], world[new].sent);
        assert!(contiguous(&world[*viewer].picture_numbers()));
    }
}

#[test]
fn a_publisher_that_takes_over_within_a_replay_is_followed_all_the_same() {
    let mut world = world();
    let old = world.publish("town");
    // Many turns of a replay, and no more than is kept.
    world.stream(old, 250, 250);
    for _ in 0..3 {
        let viewers: Vec<Who> = (0..WORKERS)
            .map(|_| world.add(Client::viewer(), Role::Viewer, "town"))
            .collect();
        world.until("a replay began", |w| {
            viewers.iter().any(|v| !w[*v].pictures.is_empty())
        });
        let new = world.publish("town");
        world.until("all are connected", |w| {
            viewers.iter().all(|v| w[*v].connected)
        });
        let before: Vec<usize> = viewers.iter().map(|v| world[*v].pictures.len()).collect();
        world.stream(new, 250, 250);
        world.until("all follow the new publisher", |w| {
            let counts = viewers.iter().zip(&before);
            counts
                .into_iter()
                .all(|(v, before)| w[*v].pictures.len() >= before + 250)
        });
        for viewer in viewers {
            assert!(world.engine.remove(viewer.peer));
        }
    }
}

#[test]
fn channels_that_share_the_workers_are_kept_apart() {
    let mut world = world();
    let channels = ["town", "lake", "hill"];
    let publishers = channels.map(|channel| world.publish(channel));
    let viewers = channels.map(|channel| watch_on_all(&mut world, channel));
    for round in 0..20 {
        for publisher in publishers {
            world[publisher].picture(round == 0);
        }
        world.turn();
    }
    for (publisher, viewers) in publishers.into_iter().zip(viewers) {
        arrived(&mut world, &viewers, 20);
        for viewer in viewers {
            assert_eq!(world[viewer].picture_payloads(), world[publisher].sent);
        }
    }
}

#[test]
fn a_channel_leaves_no_trace_on_any_worker() {
    let mut world = world();
    for round in 0..3 {
        let publisher = world.publish("town");
        let viewers = watch_on_all(&mut world, "town");
        world.stream(publisher, 20, 20);
        arrived(&mut world, &viewers, 20);
        // In another order each time.
        let mut all: Vec<Who> = viewers.iter().copied().chain([publisher]).collect();
        all.rotate_left(round);
        for who in all {
            assert!(world.engine.remove(who.peer));
        }
        assert_eq!(world.engine.peers(), 0);
        assert_eq!(world.count("peers_opened"), world.count("peers_closed"));
        // Nothing of the old pictures is shown to the next viewers.
        let early = watch_on_all(&mut world, "town");
        let next = world.publish("town");
        world.stream(next, 5, 5);
        arrived(&mut world, &early, 5);
        for who in early.into_iter().chain([next]) {
            if who != next {
                assert_eq!(world[who].picture_payloads(), world[next].sent);
            }
            assert!(world.engine.remove(who.peer));
        }
        // And the loads are forgotten too.
        let viewer = world.watch("town");
        assert_eq!(worker(viewer), home("town", WORKERS));
        assert!(world.engine.remove(viewer.peer));
    }
}

/// The nice of all media threads of this process, and of all others.
fn by_kind() -> (Vec<i32>, Vec<i32>) {
    let (mut workers, mut others) = (Vec::new(), Vec::new());
    for task in std::fs::read_dir("/proc/self/task")
        .expect("proc")
        .flatten()
    {
        // A thread of another test may have just ended.
        let Ok(stat) = std::fs::read_to_string(task.path().join("stat")) else {
            continue;
        };
        let (head, rest) = stat.rsplit_once(')').expect("a name in brackets");
        let nice = rest.split_whitespace().nth(16).expect("a nice");
        let kind = if head.contains("(sluice-media") {
            &mut workers
        } else {
            &mut others
        };
        kind.push(nice.parse().expect("a number"));
    }
    (workers, others)
}

/// Whether this machine lets a thread of ours go before others.
fn may_go_first() -> bool {
    // SAFETY: takes no pointers; the thread that it raises ends here.
    std::thread::spawn(|| unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, -1) == 0 })
        .join()
        .expect("a thread")
}

#[test]
fn media_threads_go_before_others_where_they_may() {
    let mut world = world();
    let allowed = may_go_first();
    world.until("workers go first, and nobody else", |_| {
        let (workers, others) = by_kind();
        workers.len() >= WORKERS
            && workers.iter().all(|nice| (*nice < 0) == allowed)
            && !others.is_empty()
            // The one that was tried above may still be on its way out.
            && others.iter().all(|nice| *nice >= 0)
    });
}
