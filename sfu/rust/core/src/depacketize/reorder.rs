//! Puts packets back into sequence order and says when a hole will not be filled any more.

use std::collections::BTreeMap;

use super::{Limits, Payload};

/// After so many packets in a row from far behind, the sender has restarted its sequence.
/// A burst of late retransmissions is mixed with new packets and does not get here.
const RESTART_RUN: u32 = 64;

/// What to do with the packet just offered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// It is the next one: take it now, without a copy.
    Next,
    /// It is the next one of a new sequence: what went before is unrelated.
    Restart,
    /// It was kept for later, or was late or a duplicate.
    Absorbed,
}

/// What comes next out of the window.
#[derive(Debug)]
pub(super) enum Step {
    Packet(Held),
    /// So many packets were given up.
    Gap(u64),
}

/// A packet that waits for those before it.
#[derive(Debug)]
pub(super) struct Held {
    seq: u64,
    time: u64,
    marker: bool,
    bytes: Box<[u8]>,
}

impl Held {
    pub(super) fn payload(&self) -> Payload<'_> {
        Payload {
            seq: self.seq,
            time: self.time,
            marker: self.marker,
            bytes: &self.bytes,
        }
    }
}

#[derive(Debug)]
pub(super) struct Reorder {
    /// The sequence number expected next; `None` until [`Reorder::start`].
    next: Option<u64>,
    held: BTreeMap<u64, Held>,
    held_bytes: usize,
    far_behind: u32,
    max_packets: u64,
    max_ticks: u64,
    max_bytes: usize,
}

impl Reorder {
    pub(super) fn new(limits: Limits, clock_rate: u32) -> Self {
        Reorder {
            next: None,
            held: BTreeMap::new(),
            held_bytes: 0,
            far_behind: 0,
            max_packets: limits.window_packets.max(1),
            max_ticks: limits.window_ms.saturating_mul(u64::from(clock_rate)) / 1000,
            max_bytes: limits.unit_bytes,
        }
    }

    pub(super) fn started(&self) -> bool {
        self.next.is_some()
    }

    /// Makes `seq` the first packet. Packets from before it are forgotten, later ones stay.
    pub(super) fn start(&mut self, seq: u64) {
        self.next = Some(seq);
        self.held = self.held.split_off(&seq);
        self.held_bytes = self.held.values().map(|held| held.bytes.len()).sum();
    }

    pub(super) fn offer(&mut self, packet: Payload<'_>) -> Offer {
        let Some(next) = self.next else {
            self.hold(packet);
            while self.is_full(self.held.first_key_value().map_or(0, |(&seq, _)| seq)) {
                self.pop();
            }
            return Offer::Absorbed;
        };
        if packet.seq < next {
            return self.behind(packet, next - packet.seq);
        }
        self.far_behind = 0;
        if packet.seq == next {
            self.next = Some(next.saturating_add(1));
            return Offer::Next;
        }
        self.hold(packet);
        Offer::Absorbed
    }

    /// The next packet in order, or a gap when the hole before it is given up. `None`: wait.
    pub(super) fn step(&mut self) -> Option<Step> {
        let next = self.next?;
        let (&seq, _) = self.held.first_key_value()?;
        if seq > next {
            if !self.is_full(next) {
                return None;
            }
            self.next = Some(seq);
            return Some(Step::Gap(seq - next));
        }
        self.next = Some(seq.saturating_add(1));
        self.pop().map(Step::Packet)
    }

    fn behind(&mut self, packet: Payload<'_>, by: u64) -> Offer {
        if by <= self.max_packets {
            return Offer::Absorbed;
        }
        self.far_behind += 1;
        if self.far_behind < RESTART_RUN {
            return Offer::Absorbed;
        }
        self.far_behind = 0;
        self.held.clear();
        self.held_bytes = 0;
        self.next = Some(packet.seq.saturating_add(1));
        Offer::Restart
    }

    fn hold(&mut self, packet: Payload<'_>) {
        self.held.entry(packet.seq).or_insert_with(|| {
            self.held_bytes += packet.bytes.len();
            Held {
                seq: packet.seq,
                time: packet.time,
                marker: packet.marker,
                bytes: packet.bytes.into(),
            }
        });
    }

    fn pop(&mut self) -> Option<Held> {
        let (_, held) = self.held.pop_first()?;
        self.held_bytes -= held.bytes.len();
        Some(held)
    }

    /// Whether the held packets, with a window that begins at `from`, exceed a bound.
    fn is_full(&self, from: u64) -> bool {
        let (Some((_, first)), Some((&newest, last))) =
            (self.held.first_key_value(), self.held.last_key_value())
        else {
            return false;
        };
        newest.saturating_sub(from) >= self.max_packets
            || last.time.saturating_sub(first.time) > self.max_ticks
            || self.held_bytes > self.max_bytes
    }
}
