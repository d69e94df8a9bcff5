//! From the media threads to Python.

#[path = "world/link.rs"]
#[allow(dead_code)]
mod link;

use std::sync::Arc;
use std::time::Duration;

use sluice_media_core::codec::Codec;
use sluice_media_io::counters::Counters;
use sluice_media_io::outbox::{CloseReason, Event, Outbox, Unit};

fn outbox() -> (Outbox, Arc<Counters>) {
    let counters = Arc::new(Counters::default());
    (
        Outbox::new(Arc::clone(&counters)).expect("an eventfd"),
        counters,
    )
}

fn readable(outbox: &Outbox) -> bool {
    link::wait(&mut [link::pollfd(outbox.fd())], Duration::ZERO)
}

fn unit(number: u64) -> Unit {
    Unit {
        publisher: 1,
        codec: Codec::Opus,
        layer: String::new(),
        keyframe: true,
        captured_ms: 0,
        rtp_time: number,
        payload: vec![1].into(),
    }
}

fn message(peer: u64) -> Event {
    Event::DataMessage {
        peer,
        label: "chat".into(),
        payload: vec![1],
        binary: true,
    }
}

#[test]
fn events_come_in_order_and_once() {
    let (outbox, _) = outbox();
    let events: Vec<Event> = (0..5).map(|peer| Event::PeerConnected { peer }).collect();
    for event in &events {
        outbox.event(event.clone());
    }
    assert_eq!(outbox.depth(), 5);
    assert_eq!(outbox.drain().0, events);
    assert_eq!(outbox.depth(), 0);
    assert!(outbox.drain().0.is_empty());
}

#[test]
fn the_eventfd_is_readable_while_something_waits() {
    let (outbox, _) = outbox();
    assert!(!readable(&outbox));
    for peer in 0..3 {
        outbox.event(Event::PeerConnected { peer });
    }
    assert!(readable(&outbox));
    outbox.drain();
    assert!(!readable(&outbox));
    outbox.event(Event::PeerConnected { peer: 4 });
    assert!(readable(&outbox));
}

#[test]
fn any_number_of_events_is_one_signal() {
    let (outbox, _) = outbox();
    for peer in 0..100 {
        outbox.event(Event::PeerConnected { peer });
    }
    let mut count = 0u64;
    // SAFETY: reads eight bytes into `count`, which is eight bytes long.
    let read = unsafe { libc::read(outbox.fd(), std::ptr::from_mut(&mut count).cast(), 8) };
    assert_eq!((read, count), (8, 1));
}

#[test]
fn a_full_tap_loses_its_oldest_units_and_counts_them() {
    let (outbox, counters) = outbox();
    outbox.open_tap(1, 3);
    outbox.open_tap(2, 100);
    for number in 0..10 {
        outbox.unit(&[1, 2], &unit(number));
    }
    assert!(readable(&outbox));
    let (_, mut batches) = outbox.drain();
    batches.sort_by_key(|batch| batch.tap);
    let numbers: Vec<Vec<u64>> = batches
        .iter()
        .map(|b| b.units.iter().map(|u| u.rtp_time).collect())
        .collect();
    assert_eq!(numbers, [vec![7, 8, 9], (0..10).collect()]);
    assert_eq!((batches[0].dropped, batches[1].dropped), (7, 0));
    assert_eq!(counters.drops_tapped_units.get(), 7);
    assert!(outbox.drain().1.is_empty());
}

#[test]
fn a_tap_of_no_length_holds_one_unit() {
    let (outbox, _) = outbox();
    outbox.open_tap(1, 0);
    outbox.unit(&[1], &unit(1));
    outbox.unit(&[1], &unit(2));
    assert_eq!(outbox.drain().1[0].units[0].rtp_time, 2);
}

#[test]
fn a_closed_tap_gets_nothing() {
    let (outbox, _) = outbox();
    outbox.open_tap(1, 3);
    outbox.unit(&[1], &unit(1));
    outbox.close_tap(1);
    outbox.unit(&[1], &unit(2));
    assert!(outbox.drain().1.is_empty());
}

#[test]
fn messages_are_dropped_when_nobody_reads_and_the_end_of_a_peer_never() {
    let (outbox, counters) = outbox();
    for peer in 0..20_000 {
        outbox.event(message(peer));
    }
    let dropped = counters.drops_events.get();
    assert_eq!(dropped + outbox.depth() as u64, 20_000);
    assert!(dropped > 0);
    let end = Event::PeerClosed {
        peer: 1,
        reason: CloseReason::Left,
        detail: String::new(),
    };
    outbox.event(end.clone());
    assert_eq!(outbox.drain().0.pop(), Some(end));
}

#[test]
fn the_reasons_have_the_names_that_python_knows() {
    let reasons = [
        CloseReason::Removed,
        CloseReason::Replaced,
        CloseReason::Left,
        CloseReason::Timeout,
        CloseReason::Failed,
        CloseReason::Stopped,
    ];
    let names = reasons.map(CloseReason::name);
    assert_eq!(
        names,
        [
            "removed", "replaced", "left", "timeout", "failed", "stopped"
        ]
    );
}
