//! A viewer of some of the layers gets a stream without gaps of our making, which it can decode,
//! and may ask for any packet of it again.
//!
//! Two encodings of the same pictures, of layers each, behind a network that loses and reorders;
//! a viewer that wants another encoding or other layers every now and then, and joins with a
//! replay.

mod world;

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use sluice_media_core::forward::{Forwarder, Outgoing};
use sluice_media_core::gop::Gop;
use sluice_media_core::packet::{Packet, SourceId};
use sluice_media_core::rung::Rung;
use world::scalable::{Picture, layer, pictures, vp8, vp9};
use world::{Dice, at, shared};

type Packetize = fn(u64, &Picture, &mut u64, &mut Dice) -> Vec<Packet>;

struct World {
    dice: Dice,
    viewer: Forwarder,
    gops: [Gop; 2],
    /// Came since the newest switch of source, from behind it, and was not sent.
    kept_back: HashSet<(SourceId, u64)>,
    /// By number.
    sent: BTreeMap<u64, (Packet, Outgoing)>,
    empty: HashSet<u64>,
    /// Numbers with which a replay began, or began anew with another group.
    spliced: HashSet<u64>,
    /// The first packet since the newest switch.
    begin: (SourceId, u64),
    switches: usize,
    asked: usize,
    /// The newest picture's time.
    newest: u64,
}

/// Whether the network loses and reorders packets on their way to us.
fn run(seed: u64, packetize: Packetize, rough: bool) -> World {
    let mut dice = Dice(seed);
    let mut seqs = [dice.below(60_000), dice.below(60_000)];
    let mut arrivals = Vec::new();
    for picture in pictures(&mut dice) {
        for source in [1, 2] {
            let seq = &mut seqs[source as usize - 1];
            for packet in packetize(source, &picture, seq, &mut dice) {
                let ms = 1000 + picture.number * 33;
                let late = match rough {
                    true if dice.below(25) == 0 => dice.below(150),
                    _ => 0,
                };
                if !rough || dice.below(50) > 0 {
                    arrivals.push((ms + late, packet));
                }
            }
        }
    }
    arrivals.sort_by_key(|(ms, _)| *ms);
    let gop = || Gop::new(8 << 20, Duration::from_secs(60));
    let mut world = World {
        viewer: Forwarder::new(dice.roll() as u16, 7),
        gops: [gop(), gop()],
        kept_back: HashSet::new(),
        sent: BTreeMap::new(),
        empty: HashSet::new(),
        spliced: HashSet::new(),
        begin: (SourceId(0), 0),
        switches: 0,
        asked: 0,
        newest: 0,
        dice,
    };
    world.view(arrivals);
    world
}

impl World {
    fn view(&mut self, arrivals: Vec<(u64, Packet)>) {
        let join = 1000 + self.dice.below(1500);
        let mut begun = false;
        for (ms, packet) in arrivals {
            let packet = shared(packet);
            let index = packet.source.0 as usize - 1;
            self.gops[index].push(&packet);
            self.newest = self.newest.max(packet.time);
            if ms < join {
                continue;
            }
            if !begun {
                begun = true;
                self.want(SourceId(1));
                self.viewer.start_replay(&self.gops[0], at(ms));
            } else if !self.viewer.is_replaying() && self.dice.below(120) == 0 {
                let other = self.dice.below(4) == 0;
                let source = self.viewer.following().expect("it was told");
                self.want(if other {
                    SourceId(3 - source.0)
                } else {
                    source
                });
            }
            if let Some(outgoing) = self.viewer.live(&packet, at(ms)) {
                self.send(&packet, outgoing);
            } else if packet.source == self.begin.0 && packet.seq > self.begin.1 {
                self.kept_back.insert((packet.source, packet.seq));
            }
            for _ in 0..self.dice.below(4) {
                let gop = &self.gops[0];
                let Some((packet, outgoing)) = self.viewer.replay_next(gop, at(ms)) else {
                    break;
                };
                if packet.keyframe_start {
                    self.spliced.insert(outgoing.seq);
                }
                self.send(&packet, outgoing);
            }
            self.ask();
        }
    }

    fn want(&mut self, source: SourceId) {
        self.switches += 1;
        let (spatial, temporal) = (self.dice.below(4) as u8, self.dice.below(3) as u8);
        if spatial == 3 {
            self.viewer.follow(source);
        } else {
            self.viewer.follow_part(Rung {
                source,
                spatial,
                temporal,
            });
        }
    }

    fn send(&mut self, packet: &Packet, outgoing: Outgoing) {
        let number = outgoing.seq;
        if outgoing.empty {
            assert!(self.empty.insert(number));
        }
        if packet.source != self.begin.0 || self.spliced.contains(&number) {
            self.begin = (packet.source, packet.seq);
            self.kept_back.clear();
        }
        self.kept_back.remove(&(packet.source, packet.seq));
        let before = self.sent.insert(number, (packet.clone(), outgoing));
        assert!(before.is_none(), "number {number} was used twice");
    }

    /// The viewer asks for numbers, lost or not.
    fn ask(&mut self) {
        let Some(newest) = self.sent.keys().next_back().copied() else {
            return;
        };
        let number = newest.saturating_sub(self.dice.below(40));
        if self.sent.keys().next().is_some_and(|first| number < *first) {
            assert_eq!(self.viewer.sent(number as u16), None);
            return;
        }
        let found = self.viewer.sent(number as u16);
        if self.empty.contains(&number) {
            assert_eq!(found, None);
            return;
        }
        let found = found.expect("a recent number");
        let Some((packet, outgoing)) = self.sent.get(&number) else {
            let name = (found.source, found.source_seq);
            let came = self.kept_back.contains(&name);
            assert!(!came, "a gap of our making");
            return;
        };
        assert_eq!(
            (found.source, found.source_seq, found.seq),
            (packet.source, packet.seq, number)
        );
        let Some(again) = self.viewer.again(&found, packet) else {
            let age = self.newest.saturating_sub(packet.time);
            assert!(age > 30 * 33 * 90, "a packet of the last second");
            return;
        };
        self.asked += 1;
        let key = |o: &Outgoing| (o.seq, o.time, o.marker, o.empty, o.captured, o.vp8);
        assert_eq!(key(&again), key(outgoing));
    }

    /// Numbers without gaps, and in each picture the marker at its end and nowhere else.
    fn check_order(&self) {
        let numbers: Vec<u64> = self.sent.keys().copied().collect();
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1));
        let all: Vec<_> = self.sent.values().collect();
        for pair in all.windows(2) {
            let [(one, before), (other, after)] = [pair[0], pair[1]];
            let ends = (one.source, one.time) != (other.source, other.time);
            // A viewer that leaves an encoding or a group within a picture does not see its end.
            let left = one.source != other.source || self.spliced.contains(&after.seq);
            assert!(before.marker == ends || left, "{one:?} {other:?}");
            assert!(after.time.wrapping_sub(before.time) < 1 << 31);
        }
    }

    /// Whatever a sent picture builds on was sent before it.
    fn check_decodable(&self, pictures: &[Picture]) {
        let mut decoded = HashSet::new();
        for (packet, _) in self.sent.values() {
            let (source, spatial) = (packet.source, layer(packet).spatial);
            let picture = pictures
                .iter()
                .find(|p| (1000 + p.number * 33) * 90 == packet.time)
                .expect("a picture of the stream");
            for back in &picture.builds_on {
                assert!(decoded.contains(&(source, *back, spatial)));
            }
            if let Some(below) = spatial.checked_sub(1) {
                assert!(decoded.contains(&(source, picture.number, below)));
            }
            decoded.insert((source, picture.number, spatial));
        }
    }
}

#[test]
fn what_leaves_is_gapless_and_decodable_and_can_be_asked_for() {
    let (mut sent, mut asked, mut switches) = (0, 0, 0);
    for seed in 0..400 {
        for packetize in [vp9 as Packetize, vp8] {
            let world = run(seed, packetize, false);
            let pictures = {
                let mut dice = Dice(seed);
                dice.below(60_000);
                dice.below(60_000);
                pictures(&mut dice)
            };
            let checked = std::panic::catch_unwind(|| {
                world.check_order();
                world.check_decodable(&pictures);
            });
            assert!(checked.is_ok(), "seed {seed}");
            assert!(world.empty.is_empty());
            sent += world.sent.len();
            asked += world.asked;
            switches += world.switches;
        }
    }
    // The dice did play.
    assert!(
        sent > 100_000 && asked > 100_000 && switches > 4000,
        "{sent} {asked} {switches}"
    );
}

#[test]
fn vp8_pictures_are_numbered_one_by_one_whatever_is_left_out() {
    let mut jumps = 0;
    for seed in 0..400 {
        let world = run(seed, vp8, false);
        let id = |packet: &Packet, outgoing: &Outgoing| {
            let own = packet.vp8.and_then(|ids| ids.picture_id).map(|id| id.0);
            outgoing.vp8.map(|ids| ids.0).or(own).expect("a picture id")
        };
        let all: Vec<_> = world.sent.values().collect();
        for pair in all.windows(2) {
            let [(one, before), (other, after)] = [pair[0], pair[1]];
            let next = (one.source, one.time) != (other.source, other.time);
            let step = id(other, after).wrapping_sub(id(one, before)) & 0x7fff;
            assert_eq!(step, u16::from(next), "seed {seed}");
            jumps += usize::from(next && other.time > one.time + 33 * 90);
        }
    }
    assert!(jumps > 1000, "{jumps}");
}

#[test]
fn loss_and_disorder_before_us_make_no_number_ours_twice_or_lost() {
    let (mut sent, mut asked, mut empty) = (0, 0, 0);
    for seed in 0..400 {
        for packetize in [vp9 as Packetize, vp8] {
            let world = run(seed, packetize, true);
            sent += world.sent.len();
            asked += world.asked;
            empty += world.empty.len();
        }
    }
    assert!(
        sent > 100_000 && asked > 100_000 && empty > 100,
        "{sent} {asked} {empty}"
    );
}
