//! Whatever happens between publisher and viewer, the viewer's stream has no gap of our making.
//!
//! Random publishers (groups, takeovers) behind a random network (loss and reordering; copies are SRTP's to refuse) and
//! a viewer that joins at a random moment. The rounds are those of a worker: packets enter the
//! kept group, then go out live, then a piece of the replay goes out.

mod world;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use sluice_media_core::forward::{Forwarder, Outgoing};
use sluice_media_core::gop::Gop;
use sluice_media_core::packet::{Packet, SourceId};
use world::{Dice, at, key, shared, video};

/// What one publisher sends, in the order in which it arrives, with the arrival times.
fn publisher(source: u64, begin: u64, dice: &mut Dice) -> Vec<(u64, Packet)> {
    let mut seq = dice.below(65_000);
    let offset = dice.below(1 << 33);
    let group = 2 + dice.below(30);
    let (loss, jitter) = (dice.below(8), dice.below(60));
    let mut arrivals = Vec::new();
    for picture in 0..20 + dice.below(150) {
        let ms = begin + picture * 33;
        for part in 0..1 + dice.below(4) {
            let start = part == 0 && picture % group == 0;
            let mut packet = if start {
                key(source, seq, ms)
            } else {
                video(source, seq, ms)
            };
            packet.time += offset;
            seq += 1;
            if dice.below(100) >= loss {
                arrivals.push((ms + 10 + dice.below(jitter + 1), packet));
            }
        }
    }
    arrivals.sort_by_key(|(ms, _)| *ms);
    arrivals
}

struct Sent {
    source: SourceId,
    seq: u64,
    keyframe_start: bool,
    outgoing: Outgoing,
}

struct World {
    sent: BTreeMap<u64, Sent>,
    /// Packets that came while the viewer had not begun with their keyframe.
    refused: HashSet<(SourceId, u64)>,
    arrived: HashSet<(SourceId, u64)>,
    replayed: usize,
    /// The source of the newest packet.
    last: Option<SourceId>,
}

fn run(seed: u64) -> World {
    let mut dice = Dice(seed);
    let mut arrivals: Vec<(u64, Packet)> = Vec::new();
    let mut begin = 1000;
    for source in 1..=1 + dice.below(4) {
        let part = publisher(source, begin, &mut dice);
        begin = part.last().map_or(begin, |(ms, _)| *ms) + dice.below(3000);
        arrivals.extend(part);
    }
    let join = 1000 + dice.below(begin - 1000);
    let turn = 1 + dice.below(12) as usize;
    let mut gop = Gop::new(8 << 20, Duration::from_secs(60));
    let mut viewer: Option<Forwarder> = None;
    let mut world = World {
        sent: BTreeMap::new(),
        refused: HashSet::new(),
        arrived: HashSet::new(),
        replayed: 0,
        last: None,
    };
    let mut source = SourceId(0);
    let mut rest = arrivals.into_iter().peekable();
    let mut now = 1000;
    while rest.peek().is_some() || viewer.as_ref().is_some_and(Forwarder::is_replaying) {
        now += 4;
        let mut burst = Vec::new();
        while let Some((_, packet)) = rest.next_if(|(ms, _)| *ms <= now) {
            if packet.source != source {
                source = packet.source;
                gop.clear();
            }
            let packet = shared(packet);
            gop.push(&packet);
            burst.push(packet);
        }
        let viewer = match &mut viewer {
            None if now >= join => {
                let new = viewer.insert(Forwarder::new(dice.roll() as u16, 7));
                new.follow(source);
                new.start_replay(&gop, at(now));
                new
            }
            None => continue,
            Some(viewer) => viewer,
        };
        viewer.follow(source);
        for packet in burst {
            let name = (packet.source, packet.seq);
            world.arrived.insert(name);
            match viewer.live(&packet, at(now)) {
                Some(outgoing) => world.send(&packet, outgoing),
                // What lies ahead of the replay must still come with it.
                None if viewer.is_replaying() && world.last == Some(packet.source) => {}
                None => {
                    world.refused.insert(name);
                }
            }
        }
        for _ in 0..turn {
            let Some((packet, outgoing)) = viewer.replay_next(&gop, at(now)) else {
                break;
            };
            world.replayed += 1;
            world.send(&packet, outgoing);
        }
    }
    world
}

impl World {
    fn send(&mut self, packet: &Packet, outgoing: Outgoing) {
        let sent = Sent {
            source: packet.source,
            seq: packet.seq,
            keyframe_start: packet.keyframe_start,
            outgoing,
        };
        self.last = Some(packet.source);
        let before = self.sent.insert(outgoing.seq, sent);
        assert!(before.is_none(), "number {} was used twice", outgoing.seq);
    }

    fn check(&self) {
        for (before, after) in self.sent.values().zip(self.sent.values().skip(1)) {
            let step = after.outgoing.seq - before.outgoing.seq;
            let time = after.outgoing.time.wrapping_sub(before.outgoing.time);
            assert!(time < 1 << 31, "time went back");
            let goes_on = after.source == before.source && after.seq == before.seq + step;
            if step == 1 {
                assert!(
                    goes_on || after.keyframe_start,
                    "a splice without a keyframe"
                );
                continue;
            }
            assert!(goes_on, "a gap of our making");
            for missing in before.seq + 1..after.seq {
                let name = (before.source, missing);
                let came = self.arrived.contains(&name) && !self.refused.contains(&name);
                assert!(!came, "{name:?} came and was not sent");
            }
        }
    }
}

#[test]
fn numbers_are_unique_and_contiguous_but_for_what_never_came_and_times_never_go_back() {
    let (mut sent, mut replayed) = (0, 0);
    for seed in 0..2000 {
        let world = run(seed);
        let checked = std::panic::catch_unwind(|| world.check());
        assert!(checked.is_ok(), "seed {seed}");
        sent += world.sent.len();
        replayed += world.replayed;
    }
    // The dice did play.
    assert!(
        sent > 100_000 && replayed > 10_000,
        "{sent} sent, {replayed} replayed"
    );
}
