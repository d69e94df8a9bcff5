//! Under which sequence number and time a viewer gets a publisher's packets.
//!
//! A viewer sees one endless stream, whoever publishes: numbers without gaps of our making and
//! times that only grow, across a publisher's return, a takeover and a change of layer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::basis::{Basis, closed_up, whole};
use crate::cut::{Cut, Place};
use crate::gop::Gop;
use crate::packet::{Packet, SourceId};
use crate::rung::Rung;

/// Switches of source that a resend can look behind.
const PAST: usize = 3;

/// How long after a replay packets say that it is over; one packet alone could be lost.
const SETTLING: Duration = Duration::from_secs(2);

/// How a packet leaves for one viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Sequence number without wrap-around; starts below 2**15 so that the first packet has no
    /// SRTP rollover.
    pub seq: u64,
    pub time: u32,
    /// The last packet of its picture, for this viewer.
    pub marker: bool,
    /// It fills the place of a packet that is left out: no payload goes out, only its number.
    pub empty: bool,
    /// The capture time that belongs to `time` for sender reports.
    pub captured: Instant,
    pub pace: Pace,
    /// New VP8 picture id and TL0PICIDX where they differ from the publisher's.
    pub vp8: Option<(u16, u8)>,
}

/// What a player should do about a packet's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Part of a replay: decode and show it at once.
    Hurry,
    /// Soon after a replay: go back to your own judgement.
    Settle,
    /// Nothing to say.
    Own,
}

/// A number that a viewer was sent, and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    pub source: SourceId,
    /// The publisher's sequence number.
    pub source_seq: u64,
    /// The viewer's, without wrap-around.
    pub seq: u64,
    which: usize,
}

/// One track (sound or picture) of one viewer.
#[derive(Debug)]
pub struct Forwarder {
    first_seq: u64,
    next_seq: u64,
    last_time: u32,
    /// The publisher's time of the same packet.
    last_in_time: u64,
    last_sent: Option<Instant>,
    last_vp8: Option<(u16, u8)>,
    basis: Option<Basis>,
    /// Those before, the newest first: what was sent by them may be asked for again.
    past: [Option<Basis>; PAST],
    want: Option<SourceId>,
    /// Of the wanted source, no more than this.
    most: Option<Rung>,
    /// Next sequence number to replay; None when live.
    replay: Option<u64>,
    /// When the last replay ended.
    replayed: Option<Instant>,
}

impl Forwarder {
    /// `seq` and `time` are random (RFC 3550 section 5.1).
    pub fn new(seq: u16, time: u32) -> Self {
        let first = u64::from(seq & 0x7fff);
        Forwarder {
            first_seq: first,
            next_seq: first,
            last_time: time,
            last_in_time: 0,
            last_sent: None,
            last_vp8: None,
            basis: None,
            past: [None, None, None],
            want: None,
            most: None,
            replay: None,
            replayed: None,
        }
    }

    /// Follow this source from its next keyframe on; the present one goes on until then.
    pub fn follow(&mut self, source: SourceId) {
        self.want = Some(source);
        self.limit(None);
    }

    /// Follow a source, but leave out the layers above this rung.
    pub fn follow_part(&mut self, rung: Rung) {
        self.want = Some(rung.source);
        self.limit(Some(rung));
    }

    /// The wanted layers of the source that is sent can only come with a keyframe of it.
    pub fn wants_keyframe(&self) -> bool {
        let cut = self.basis.as_ref().and_then(|basis| basis.cut.as_ref());
        cut.is_some_and(|cut| cut.wants_keyframe())
    }

    /// The source that is wanted now.
    pub fn following(&self) -> Option<SourceId> {
        self.want
    }

    /// Send nothing until [`Forwarder::follow`] names a source.
    pub fn pause(&mut self) {
        self.want = None;
        self.replay = None;
        self.retire();
    }

    /// The source whose packets go out now.
    pub fn sending(&self) -> Option<SourceId> {
        self.basis.as_ref().map(|basis| basis.source)
    }

    /// What was sent under this number; None when it never was, or too long ago.
    pub fn sent(&self, number: u16) -> Option<Sent> {
        let newest = self.next_seq.checked_sub(1)?;
        // A number ahead of the first ones counts back to before they began.
        let seq = newest.checked_sub(u64::from((newest as u16).wrapping_sub(number)))?;
        if seq < self.first_seq {
            return None;
        }
        let all = self.basis.iter().chain(self.past.iter().flatten());
        let (which, basis) = all.enumerate().find(|(_, basis)| basis.out_seq <= seq)?;
        Some(Sent {
            source: basis.source,
            source_seq: basis.incoming(seq)?,
            seq,
            which,
        })
    }

    /// What was sent as the newest packet but `back`.
    pub fn newest(&self, back: u64) -> Option<Sent> {
        self.sent(self.next_seq.checked_sub(1 + back)? as u16)
    }

    /// How a packet leaves that was sent before. `sent` comes from [`Forwarder::sent`], right
    /// before.
    pub fn again(&self, sent: &Sent, packet: &Packet) -> Option<Outgoing> {
        let mut all = self.basis.iter().chain(self.past.iter().flatten());
        let basis = all.nth(sent.which)?;
        let kept = match &basis.cut {
            Some(cut) => Some(cut.recall(packet)?),
            None => whole(packet),
        };
        let place = Place {
            seq: sent.seq,
            kept,
        };
        Some(basis.outgoing(packet, place, Pace::Own))
    }

    /// Start with the kept group of pictures. False when there is none to start with.
    pub fn start_replay(&mut self, gop: &Gop, now: Instant) -> bool {
        let (Some(first), Some(last)) = (gop.first(), gop.last()) else {
            return false;
        };
        if self.want != Some(first.source) {
            return false;
        }
        self.rebase(first, last.time, now);
        self.replay = Some(first.seq);
        true
    }

    /// The next packet of the replay, or None when the viewer is live.
    pub fn replay_next(&mut self, gop: &Gop, now: Instant) -> Option<(Arc<Packet>, Outgoing)> {
        loop {
            let packet = self.replayed_next(gop, now)?;
            if let Some(outgoing) = self.outgoing(&packet, now) {
                return Some((packet, outgoing));
            }
        }
    }

    fn replayed_next(&mut self, gop: &Gop, now: Instant) -> Option<Arc<Packet>> {
        let cursor = self.replay?;
        let basis = self.basis.as_ref()?;
        let packet = match (gop.first(), gop.at_or_after(cursor)) {
            // The publisher began a new group meanwhile: the rest of the old one is gone.
            (Some(first), _) if first.source == basis.source && first.seq > cursor => {
                let first = Arc::clone(first);
                let edge = gop.last().map_or(first.time, |last| last.time);
                self.rebase(&first, edge, now);
                first
            }
            (_, Some(packet)) if packet.source == basis.source => {
                let (packet, newest) = (Arc::clone(packet), gop.last().map(|last| last.time));
                if packet.time > self.last_in_time
                    && packet.seq > basis.in_seq
                    && let (Some(basis), Some(newest)) = (&mut self.basis, newest)
                {
                    basis.move_edge(packet.time, newest);
                }
                packet
            }
            _ => {
                self.end_replay(now);
                return None;
            }
        };
        self.replay = Some(packet.seq + 1);
        Some(packet)
    }

    /// True while a replay is not over.
    pub fn is_replaying(&self) -> bool {
        self.replay.is_some()
    }

    /// Bytes of the kept group that are still to be replayed.
    pub fn left(&self, gop: &Gop) -> usize {
        let Some(cursor) = self.replay else { return 0 };
        let left = gop.packets().rev().take_while(|one| one.seq >= cursor);
        left.map(|one| one.payload.len()).sum()
    }

    /// Leave the rest of the kept group out, and go on with the source's next keyframe.
    pub fn break_off(&mut self, now: Instant) {
        let want = self.want;
        self.end_replay(now);
        self.pause();
        self.want = want;
    }

    /// Be live from here on: what was left of the kept group is gone.
    pub fn end_replay(&mut self, now: Instant) {
        if self.replay.take().is_some() {
            self.replayed = Some(now);
        }
    }

    /// A packet came from a publisher. None when this viewer does not get it (now).
    pub fn live(&mut self, packet: &Packet, now: Instant) -> Option<Outgoing> {
        let on_it = self
            .basis
            .as_ref()
            .is_some_and(|b| b.source == packet.source);
        if !on_it {
            // Sound has no keyframes: any packet of it is a start.
            let can_start = packet.keyframe_start || packet.codec.is_audio();
            if self.want != Some(packet.source) || !can_start {
                return None;
            }
            self.end_replay(now);
            self.rebase(packet, packet.time, now);
        }
        // What lies ahead of the replay comes with the replay.
        if self.replay.is_some_and(|cursor| packet.seq >= cursor) {
            return None;
        }
        self.outgoing(packet, now)
    }

    fn rebase(&mut self, first: &Packet, edge: u64, now: Instant) {
        let clock_rate = first.codec.clock_rate();
        let in_time = closed_up(first.time, edge);
        // Later than the last by what really passed, so that a player neither waits nor hurries.
        let out_time = match self.last_sent {
            None => self.last_time,
            Some(sent) => {
                let passed = now.saturating_duration_since(sent);
                let ticks = passed.as_micros() as u64 * u64::from(clock_rate) / 1_000_000;
                let replayed = edge.saturating_sub(in_time);
                let step = ticks
                    .saturating_sub(replayed)
                    .max(u64::from(clock_rate) / 90);
                self.last_time.wrapping_add(step as u32)
            }
        };
        let vp8_shift = match (self.last_vp8, first.vp8) {
            (Some((last_id, last_tl0)), Some(ids)) => ids.picture_id.map(|(id, _)| {
                (
                    last_id.wrapping_add(1).wrapping_sub(id),
                    last_tl0
                        .wrapping_add(1)
                        .wrapping_sub(ids.tl0_pic_idx.unwrap_or(0)),
                )
            }),
            _ => None,
        };
        self.retire();
        let most = self.most.filter(|rung| rung.source == first.source);
        let mut basis = Basis::new(first, self.next_seq, out_time, edge);
        basis.vp8_shift = vp8_shift;
        basis.cut = most.map(|rung| Box::new(Cut::new(rung, self.next_seq)));
        self.basis = Some(basis);
    }

    /// Leave out, or no more, layers of the source that is sent, if that is the wanted one.
    fn limit(&mut self, most: Option<Rung>) {
        self.most = most;
        let Some(basis) = &mut self.basis else { return };
        if self.want != Some(basis.source) {
            return;
        }
        match (&mut basis.cut, most) {
            (Some(cut), most) => cut.want(most),
            (None, Some(rung)) => {
                let cut = match (self.next_seq - basis.out_seq).checked_sub(1) {
                    Some(ahead) => Cut::after(
                        rung,
                        self.last_in_time,
                        basis.in_seq + ahead,
                        self.next_seq - 1,
                    ),
                    None => Cut::new(rung, self.next_seq),
                };
                basis.cut = Some(Box::new(cut));
            }
            (None, None) => {}
        }
    }

    fn outgoing(&mut self, packet: &Packet, now: Instant) -> Option<Outgoing> {
        let basis = self.basis.as_mut()?;
        // Older than where this viewer came in.
        let ahead = packet.seq.checked_sub(basis.in_seq)?;
        let place = match &mut basis.cut {
            None => Place {
                seq: basis.out_seq + ahead,
                kept: whole(packet),
            },
            Some(cut) => cut.place(packet)?,
        };
        let settling = self
            .replayed
            .is_some_and(|end| now.saturating_duration_since(end) < SETTLING);
        let pace = if packet.time < basis.edge {
            Pace::Hurry
        } else if settling {
            Pace::Settle
        } else {
            Pace::Own
        };
        let outgoing = basis.outgoing(packet, place, pace);
        if place.seq >= self.next_seq {
            self.next_seq = place.seq + 1;
            self.last_time = outgoing.time;
            self.last_in_time = packet.time;
            self.last_vp8 = basis.vp8_ids(packet, place.left_out()).or(self.last_vp8);
        }
        self.last_sent = Some(now);
        Some(outgoing)
    }

    fn retire(&mut self) {
        if let Some(basis) = self.basis.take() {
            self.past.rotate_right(1);
            self.past[0] = Some(basis);
        }
    }
}
