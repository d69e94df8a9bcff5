//! How the numbers and times of one source become a viewer's.

use std::time::Duration;

use crate::cut::{Cut, Place};
use crate::forward::{Outgoing, Pace};
use crate::packet::{Packet, SourceId};
use crate::svc::Kept;

/// Replayed pictures are this many times closer together than they were captured. At 1:1 a
/// player shows them at their own pace and stays a whole group behind; four seconds of
/// pictures closed up to 1/40 are over in a tenth of a second.
const CLOSE_UP: u64 = 40;

/// A replay that takes so many pictures longer has another problem.
const MOST_EDGES: usize = 128;

/// Where a viewer came to a source.
#[derive(Clone, Debug)]
pub(crate) struct Basis {
    pub(crate) source: SourceId,
    pub(crate) in_seq: u64,
    pub(crate) out_seq: u64,
    pub(crate) in_time: u64,
    pub(crate) out_time: u32,
    /// Times before this are closed up.
    pub(crate) edge: u64,
    /// Where it was before: from which time on, and up to where.
    edges: Vec<(u64, u64)>,
    pub(crate) clock_rate: u32,
    pub(crate) vp8_shift: Option<(u16, u8)>,
    /// None while nothing of the source is left out.
    pub(crate) cut: Option<Box<Cut>>,
}

impl Basis {
    /// A viewer comes to the source with its packet `first`, which goes out under `out_seq` and
    /// `out_time`. Times before `edge` are closed up.
    pub(crate) fn new(first: &Packet, out_seq: u64, out_time: u32, edge: u64) -> Self {
        Basis {
            source: first.source,
            in_seq: first.seq,
            out_seq,
            in_time: closed_up(first.time, edge),
            out_time,
            edge,
            edges: Vec::new(),
            clock_rate: first.codec.clock_rate(),
            vp8_shift: None,
            cut: None,
        }
    }

    /// The pictures from `time` on are closed up towards a later `edge`.
    ///
    /// A narrow line takes a while for a replay. If its times stood still meanwhile, a player
    /// would take that for growing delay, and have the pictures behind it wait as long.
    pub(crate) fn move_edge(&mut self, time: u64, edge: u64) {
        if edge <= self.edge || self.edges.len() >= MOST_EDGES {
            return;
        }
        if self.edges.is_empty() {
            self.edges.push((0, self.edge));
        }
        self.edges.push((time, edge));
        self.edge = edge;
    }

    /// The publisher's time of a packet, closed up.
    fn at(&self, time: u64) -> u64 {
        if time >= self.edge || self.edges.is_empty() {
            return closed_up(time, self.edge);
        }
        let behind = self.edges.partition_point(|(from, _)| *from <= time);
        closed_up(time, self.edges[behind.saturating_sub(1)].1)
    }

    pub(crate) fn outgoing(&self, packet: &Packet, place: Place, pace: Pace) -> Outgoing {
        let at = self.at(packet.time);
        let time = self
            .out_time
            .wrapping_add(at.wrapping_sub(self.in_time) as u32);
        let moved = match at.saturating_sub(packet.time) {
            // Nearly always nothing, and then not worth a division.
            0 => Duration::ZERO,
            ticks => Duration::from_micros(ticks * 1_000_000 / u64::from(self.clock_rate)),
        };
        let left_out = place.left_out();
        Outgoing {
            seq: place.seq,
            time,
            marker: place.kept.is_some_and(|kept| kept.marker),
            empty: place.kept.is_none(),
            captured: packet.captured + moved,
            pace,
            vp8: self
                .vp8_ids(packet, left_out)
                .filter(|_| left_out != 0 || self.vp8_shift.is_some_and(|shift| shift != (0, 0))),
        }
    }

    /// Which of the publisher's packets went out under this number.
    pub(crate) fn incoming(&self, seq: u64) -> Option<u64> {
        match &self.cut {
            Some(cut) => cut.incoming(seq),
            None => Some(self.in_seq + (seq - self.out_seq)),
        }
    }

    /// The picture id and TL0PICIDX that go out. Pictures of the lowest layer, which TL0PICIDX
    /// counts, are never left out.
    pub(crate) fn vp8_ids(&self, packet: &Packet, left_out: u16) -> Option<(u16, u8)> {
        let ids = packet.vp8?;
        let (id, bits) = ids.picture_id?;
        let mask = if bits == 7 { 0x7f } else { 0x7fff };
        let (shift, tl0_shift) = self.vp8_shift.unwrap_or((0, 0));
        Some((
            id.wrapping_add(shift).wrapping_sub(left_out) & mask,
            ids.tl0_pic_idx.unwrap_or(0).wrapping_add(tl0_shift),
        ))
    }
}

/// Nothing is left out.
pub(crate) fn whole(packet: &Packet) -> Option<Kept> {
    Some(Kept {
        marker: packet.marker,
        pictures_left_out: 0,
    })
}

/// Times before `edge` are moved towards it.
pub(crate) fn closed_up(time: u64, edge: u64) -> u64 {
    if time >= edge {
        time
    } else {
        edge - (edge - time) / CLOSE_UP
    }
}
