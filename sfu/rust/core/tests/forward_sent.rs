//! A number that a viewer lost finds its source and packet, and goes out as it went out first.

mod world;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sluice_media_core::forward::{Forwarder, Outgoing, Pace};
use sluice_media_core::gop::Gop;
use sluice_media_core::packet::{Packet, SourceId};
use sluice_media_core::ring::Ring;
use world::{Dice, at, key, shared, video, vp8};

/// A viewer, what was sent to it, and the rings of what it may be sent again.
struct Viewer {
    forwarder: Forwarder,
    rings: HashMap<SourceId, Ring>,
    sent: Vec<(Arc<Packet>, Outgoing)>,
}

impl Viewer {
    fn new(seq: u16) -> Self {
        Viewer {
            forwarder: Forwarder::new(seq, 5000),
            rings: HashMap::new(),
            sent: Vec::new(),
        }
    }

    fn follow(&mut self, source: u64) {
        self.forwarder.follow(SourceId(source));
    }

    fn live(&mut self, packet: Packet, now: Instant) {
        let packet = shared(packet);
        self.rings.entry(packet.source).or_default().push(&packet);
        if let Some(outgoing) = self.forwarder.live(&packet, now) {
            self.sent.push((packet, outgoing));
        }
    }

    /// A keyframe and `count - 1` more, from `seq` and `ms` on.
    fn group(&mut self, source: u64, seq: u64, ms: u64, count: u64) {
        self.live(key(source, seq, ms), at(ms));
        for i in 1..count {
            self.live(video(source, seq + i, ms + 10 * i), at(ms + 10 * i));
        }
    }

    /// How the packet under this number goes out again.
    fn again(&self, number: u16) -> Option<(Arc<Packet>, Outgoing)> {
        let sent = self.forwarder.sent(number)?;
        assert_eq!(sent.seq as u16, number);
        let packet = self.rings.get(&sent.source)?.get(sent.source_seq)?;
        let outgoing = self.forwarder.again(&sent, packet)?;
        Some((Arc::clone(packet), outgoing))
    }

    /// Everything in `range` of what was sent can be sent again, exactly so.
    fn check(&self, range: impl std::ops::RangeBounds<usize>) {
        let range = (range.start_bound().cloned(), range.end_bound().cloned());
        for (packet, outgoing) in &self.sent[range] {
            let (same, again) = self.again(outgoing.seq as u16).expect("a packet");
            assert!(Arc::ptr_eq(packet, &same), "{outgoing:?}");
            let expected = Outgoing {
                pace: Pace::Own,
                ..*outgoing
            };
            assert_eq!(again, expected);
        }
    }
}

#[test]
fn nothing_was_sent_before_the_first_packet_or_ahead_of_the_newest() {
    let mut viewer = Viewer::new(5);
    assert!((0..=u16::MAX).all(|number| viewer.forwarder.sent(number).is_none()));
    assert_eq!(viewer.forwarder.newest(0), None);
    viewer.follow(1);
    viewer.group(1, 900, 0, 3);
    let known: Vec<u16> = (0..=u16::MAX)
        .filter(|number| viewer.forwarder.sent(*number).is_some())
        .collect();
    assert_eq!(known, [5, 6, 7]);
    viewer.check(..);
}

#[test]
fn the_newest_packets_are_found_by_counting_back() {
    let mut viewer = Viewer::new(100);
    viewer.follow(1);
    viewer.group(1, 900, 0, 5);
    let back = |n| {
        viewer
            .forwarder
            .newest(n)
            .map(|sent| (sent.seq, sent.source_seq))
    };
    assert_eq!(
        [back(0), back(1), back(4), back(5), back(200)],
        [
            Some((104, 904)),
            Some((103, 903)),
            Some((100, 900)),
            None,
            None
        ]
    );
}

#[test]
fn a_number_finds_its_packet_across_switches_of_source() {
    let mut viewer = Viewer::new(100);
    for (source, seq) in [(1, 60_000), (2, 17), (3, 90_000), (1, 60_100)] {
        viewer.follow(source);
        viewer.group(source, seq, viewer.sent.len() as u64 * 20, 20);
    }
    viewer.check(..);
    // A switch further back is out of sight, and its packets are not taken for others.
    viewer.follow(2);
    viewer.group(2, 500, 2000, 5);
    viewer.check(20..);
    assert_eq!(viewer.again(100).map(|(packet, _)| packet.seq), None);
}

#[test]
fn a_number_finds_its_packet_after_16_bits_wrapped_around() {
    let mut viewer = Viewer::new(0x7fff);
    viewer.follow(1);
    viewer.group(1, 900, 0, 80_000);
    assert!(viewer.sent.last().is_some_and(|(_, o)| o.seq > 0x1_0000));
    viewer.check(80_000 - 1000..);
    // The oldest and the newest number of the last 65,536 are the same but for that.
    let newest = viewer.forwarder.newest(0).expect("a packet").seq;
    let sent = viewer.forwarder.sent((newest + 1) as u16);
    assert_eq!(sent.map(|sent| sent.seq), Some(newest - 0xffff));
    assert!(viewer.again((newest + 1) as u16).is_none());
}

#[test]
fn a_hole_in_what_the_publisher_sent_is_no_packet() {
    let mut viewer = Viewer::new(100);
    viewer.follow(1);
    viewer.live(key(1, 10, 0), at(0));
    viewer.live(video(1, 13, 30), at(30));
    assert!(viewer.again(101).is_none());
    // Once it came late, it can be sent again.
    viewer.live(video(1, 11, 10), at(40));
    viewer.check(..);
}

#[test]
fn a_replayed_packet_goes_again_at_its_closed_up_time() {
    let mut viewer = Viewer::new(100);
    let mut gop = Gop::new(1 << 20, Duration::from_secs(10));
    let ring = viewer.rings.entry(SourceId(1)).or_default();
    for i in 0..30 {
        let packet = match i {
            0 => key(1, 50, 1000),
            i => video(1, 50 + i, 1000 + 40 * i),
        };
        let packet = shared(packet);
        gop.push(&packet);
        ring.push(&packet);
    }
    viewer.follow(1);
    assert!(viewer.forwarder.start_replay(&gop, at(2200)));
    while let Some(sent) = viewer.forwarder.replay_next(&gop, at(2200)) {
        viewer.sent.push(sent);
    }
    assert_eq!(viewer.sent.len(), 30);
    assert_eq!(viewer.sent[0].1.pace, Pace::Hurry);
    for i in 30..40 {
        viewer.live(video(1, 50 + i, 1000 + 40 * i), at(2200 + 40 * (i - 30)));
    }
    viewer.check(..);
    // And after the next layer took over.
    viewer.follow(2);
    viewer.group(2, 7, 3000, 10);
    viewer.check(..);
}

#[test]
fn vp8_numbers_go_out_again_as_they_were_rewritten() {
    let mut viewer = Viewer::new(100);
    for (source, id) in [(1, 500), (2, 9), (1, 600)] {
        viewer.follow(source);
        let begin = viewer.sent.len() as u64;
        for i in 0..10 {
            let ms = 40 * (begin + i);
            let packet = Packet {
                keyframe_start: i == 0,
                ..vp8(source, 1000 + begin + i, ms, id + i as u16, 15, i as u8)
            };
            viewer.live(packet, at(ms));
        }
    }
    assert!(viewer.sent[10..].iter().all(|(_, o)| o.vp8.is_some()));
    viewer.check(..);
}

// ---- pausing ----------------------------------------------------------------------------------

#[test]
fn a_pause_sends_nothing_and_still_knows_what_was_sent() {
    let mut viewer = Viewer::new(100);
    viewer.follow(1);
    viewer.group(1, 10, 0, 5);
    assert_eq!(viewer.forwarder.sending(), Some(SourceId(1)));
    viewer.forwarder.pause();
    assert_eq!(viewer.forwarder.sending(), None);
    assert_eq!(viewer.forwarder.following(), None);
    viewer.group(1, 15, 50, 5);
    assert_eq!(viewer.sent.len(), 5);
    viewer.check(..);
    // It goes on with the next number and the time that passed.
    viewer.follow(1);
    viewer.group(1, 20, 1000, 5);
    let (_, before) = viewer.sent[4];
    let (_, after) = viewer.sent[5];
    assert_eq!(after.seq, before.seq + 1);
    assert_eq!(after.time - before.time, 90 * (1000 - 40));
    viewer.check(..);
}

#[test]
fn pausing_again_and_again_loses_no_source() {
    let mut viewer = Viewer::new(100);
    viewer.follow(1);
    viewer.group(1, 10, 0, 5);
    for _ in 0..10 {
        viewer.forwarder.pause();
    }
    viewer.check(..);
}

#[test]
fn the_source_that_is_sent_changes_with_its_keyframe() {
    let mut viewer = Viewer::new(100);
    assert_eq!(viewer.forwarder.sending(), None);
    viewer.follow(1);
    viewer.group(1, 10, 0, 2);
    viewer.follow(2);
    viewer.live(video(2, 70, 30), at(30));
    assert_eq!(viewer.forwarder.sending(), Some(SourceId(1)));
    viewer.live(key(2, 71, 40), at(40));
    assert_eq!(viewer.forwarder.sending(), Some(SourceId(2)));
}

#[test]
fn a_replay_that_is_ended_goes_on_live_and_the_player_settles() {
    let mut gop = Gop::new(1 << 20, Duration::from_secs(10));
    for i in 0..5 {
        let first = key(1, 10, 1000);
        gop.push(&shared(if i == 0 {
            first
        } else {
            video(1, 10 + i, 1000 + 40 * i)
        }));
    }
    let mut viewer = Viewer::new(100);
    viewer.forwarder.end_replay(at(0));
    viewer.follow(1);
    assert!(viewer.forwarder.start_replay(&gop, at(1200)));
    viewer
        .forwarder
        .replay_next(&gop, at(1200))
        .expect("a packet");
    viewer.forwarder.end_replay(at(1200));
    assert!(!viewer.forwarder.is_replaying());
    viewer.live(video(1, 15, 1200), at(1210));
    let (_, live) = viewer.sent[0];
    assert_eq!((live.seq, live.pace), (105, Pace::Settle));
}

// ---- any order --------------------------------------------------------------------------------

#[test]
fn whatever_happened_before_the_last_hundred_packets_are_found() {
    for seed in 0..40 {
        let mut dice = Dice(seed);
        let mut viewer = Viewer::new(dice.roll() as u16);
        let mut next = HashMap::new();
        let mut ms = 0;
        for _ in 0..30 {
            let source = 1 + dice.below(3);
            let seq = next.entry(source).or_insert_with(|| dice.below(1 << 20));
            viewer.follow(source);
            let count = 100 + dice.below(300);
            viewer.group(source, *seq, ms, count);
            *seq += count + dice.below(50);
            ms += 10 * count;
            if dice.below(4) == 0 {
                viewer.forwarder.pause();
            }
            viewer.check(viewer.sent.len().saturating_sub(100)..);
        }
    }
}
