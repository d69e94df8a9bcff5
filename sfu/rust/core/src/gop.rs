//! The last group of pictures of a layer: what a joiner gets at once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::packet::Packet;

/// Packets since the last keyframe, in sequence order.
///
/// Bounded in bytes and in media time. A group that grows past a bound is forgotten whole,
/// because a tail without its keyframe is of no use to anybody.
#[derive(Debug)]
pub struct Gop {
    packets: VecDeque<Arc<Packet>>,
    bytes: usize,
    max_bytes: usize,
    max_span: Duration,
    overflows: u64,
}

impl Gop {
    pub fn new(max_bytes: usize, max_span: Duration) -> Self {
        Gop {
            packets: VecDeque::new(),
            bytes: 0,
            max_bytes,
            max_span,
            overflows: 0,
        }
    }

    /// Keep a packet. Late packets of the present group find their place; older ones are let go.
    pub fn push(&mut self, packet: &Arc<Packet>) {
        match self.packets.front() {
            None if !packet.keyframe_start => return,
            None => {}
            Some(first)
                if packet.keyframe_start && packet.seq > first.seq && packet.time != first.time =>
            {
                self.forget_before(packet);
            }
            // A packet of the keyframe itself may have overtaken the one that starts it.
            Some(first) if packet.seq < first.seq && packet.time != first.time => return,
            Some(_) => {}
        }
        let at = self.index_of(packet.seq);
        if self.packets.get(at).is_some_and(|p| p.seq == packet.seq) {
            return;
        }
        self.packets.insert(at, Arc::clone(packet));
        self.bytes += packet.payload.len();
        if self.bytes > self.max_bytes || self.span() > self.max_span {
            self.clear();
            self.overflows += 1;
        }
    }

    pub fn clear(&mut self) {
        self.packets.clear();
        self.bytes = 0;
    }

    /// The packet that starts the keyframe.
    pub fn first(&self) -> Option<&Arc<Packet>> {
        self.packets.front()
    }

    pub fn last(&self) -> Option<&Arc<Packet>> {
        self.packets.back()
    }

    /// The first kept packet with this sequence number or a later one.
    pub fn at_or_after(&self, seq: u64) -> Option<&Arc<Packet>> {
        self.packets.get(self.index_of(seq))
    }

    /// All kept packets, in sequence order.
    pub fn packets(&self) -> impl DoubleEndedIterator<Item = &Arc<Packet>> {
        self.packets.iter()
    }

    /// Media time from the first to the last picture.
    pub fn span(&self) -> Duration {
        let (Some(first), Some(last)) = (self.first(), self.last()) else {
            return Duration::ZERO;
        };
        let ticks = last.time.saturating_sub(first.time);
        Duration::from_micros(ticks * 1_000_000 / u64::from(first.codec.clock_rate()))
    }

    /// Bit/s of its own time; None while it has no length.
    pub fn bitrate(&self) -> Option<u64> {
        let micros = self.span().as_micros() as u64;
        (self.bytes as u64 * 8_000_000).checked_div(micros)
    }

    pub fn len(&self) -> usize {
        self.packets.len()
    }

    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// How often a group grew past its bounds.
    pub fn overflows(&self) -> u64 {
        self.overflows
    }

    /// A new group begins. Packets of it may have overtaken the one that starts it (that one was
    /// resent, say): they stay.
    fn forget_before(&mut self, start: &Packet) {
        while let Some(front) = self.packets.front() {
            if front.seq > start.seq || front.time == start.time {
                break;
            }
            self.bytes -= front.payload.len();
            self.packets.pop_front();
        }
    }

    fn index_of(&self, seq: u64) -> usize {
        // Nearly every packet is the newest one: do not search for it.
        match self.packets.back() {
            Some(last) if last.seq < seq => self.packets.len(),
            _ => self.packets.partition_point(|p| p.seq < seq),
        }
    }
}
