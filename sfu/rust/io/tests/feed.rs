//! What workers tell each other: in order, and bounded where it must be.

use std::sync::Arc;
use std::time::Duration;

use polling::{Events, Poller};
use sluice_media_core::packet::SourceId;
use sluice_media_io::feed::{Demand, Feed, FeedReceiver, FeedSender, home, queue};

/// Bursts that may wait.
const MAX_BURSTS: usize = 256;

fn ends() -> (FeedSender, FeedReceiver, Arc<Poller>) {
    let poller = Arc::new(Poller::new().expect("a poller"));
    let (sender, receiver) = queue(Arc::clone(&poller));
    (sender, receiver, poller)
}

fn burst() -> Feed {
    Feed::Burst {
        channel: "town".into(),
        packets: Vec::new().into(),
    }
}

fn keyframe(source: u64) -> Feed {
    Feed::Keyframe {
        channel: "town".into(),
        source: SourceId(source),
    }
}

/// The sources of the keyframe requests that wait; zero stands for anything else.
fn waiting(receiver: &FeedReceiver) -> Vec<u64> {
    let number = |feed| match feed {
        Feed::Keyframe { source, .. } => source.0,
        _ => 0,
    };
    std::iter::from_fn(|| receiver.next()).map(number).collect()
}

#[test]
fn messages_arrive_in_their_order() {
    let (sender, receiver, _) = ends();
    for source in 1..=5 {
        assert!(sender.send(keyframe(source)));
        assert!(sender.send(burst()));
    }
    assert_eq!(waiting(&receiver), [1, 0, 2, 0, 3, 0, 4, 0, 5, 0]);
    assert!(receiver.next().is_none());
}

#[test]
fn bursts_are_bounded_and_nothing_else_is_ever_refused() {
    let (sender, receiver, _) = ends();
    assert!((0..MAX_BURSTS).all(|_| sender.send(burst())));
    assert!((0..10).all(|_| !sender.send(burst())));
    let channel: Arc<str> = "town".into();
    let others = [
        Feed::Subscribe {
            channel: Arc::clone(&channel),
            worker: 1,
        },
        Feed::Unsubscribe {
            channel: Arc::clone(&channel),
            worker: 1,
        },
        Feed::Demand {
            channel: Arc::clone(&channel),
            worker: 1,
            demand: Demand::Any,
        },
        Feed::Kept {
            channel: Arc::clone(&channel),
            packets: Vec::new(),
        },
        Feed::Cleared { channel },
        keyframe(7),
    ];
    for _ in 0..1000 {
        assert!(others.iter().all(|feed| sender.send(feed.clone())));
    }
    assert_eq!(waiting(&receiver).len(), MAX_BURSTS + 6000);
}

#[test]
fn a_burst_that_was_taken_makes_room_for_one() {
    let (sender, receiver, _) = ends();
    while sender.send(burst()) {}
    // What is no burst makes none.
    assert!(sender.send(keyframe(1)));
    for _ in 0..3 {
        assert!(receiver.next().is_some());
    }
    assert!((0..3).all(|_| sender.send(burst())));
    assert!(!sender.send(burst()));
    assert_eq!(waiting(&receiver).len(), MAX_BURSTS + 1);
    assert!((0..MAX_BURSTS).all(|_| sender.send(burst())));
}

#[test]
fn all_senders_share_one_bound() {
    let (sender, receiver, _) = ends();
    let other = sender.clone();
    while sender.send(burst()) {}
    assert!(!other.send(burst()));
    assert!(receiver.next().is_some());
    assert!(other.send(burst()) && !sender.send(burst()));
}

#[test]
fn a_message_wakes_its_worker() {
    let (sender, _receiver, poller) = ends();
    sender.send(keyframe(1));
    // It returns at once: the limit is only what a hang would take.
    let began = std::time::Instant::now();
    let limit = Duration::from_secs(30);
    poller
        .wait(&mut Events::new(), Some(limit))
        .expect("a wait");
    assert!(began.elapsed() < limit);
}

#[test]
fn a_worker_that_has_ended_is_not_missed() {
    let (sender, receiver, _) = ends();
    drop(receiver);
    assert!(!sender.send(keyframe(1)));
}

#[test]
fn a_channel_has_one_home_and_channels_are_spread() {
    for count in 1..8 {
        let mut channels = vec![0; count];
        for name in 0..1000 {
            let name = format!("channel-{name}");
            let place = home(&name, count);
            assert_eq!(place, home(&name, count));
            channels[place] += 1;
        }
        let fair = 1000 / count;
        assert!(channels.iter().all(|n| *n > fair / 2), "{channels:?}");
    }
}
