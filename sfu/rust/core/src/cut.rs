//! An encoding of which a viewer gets a part of the layers only.

use crate::packet::Packet;
use crate::renumber::Renumber;
use crate::rung::Rung;
use crate::svc::{Kept, LayerFilter};

/// What is left out for one viewer, and the numbers of the rest.
#[derive(Clone, Debug)]
pub struct Cut {
    filter: LayerFilter,
    numbers: Renumber,
}

/// A packet's place in what the viewer gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub seq: u64,
    /// None: its number was passed over before it came, and it is left out. The viewer waits, so
    /// an empty packet goes out in its place.
    pub kept: Option<Kept>,
}

impl Place {
    /// Pictures left out before it.
    pub fn left_out(&self) -> u16 {
        self.kept.map_or(0, |kept| kept.pictures_left_out)
    }
}

impl Cut {
    /// From a keyframe on, whose first packet goes out as `seq`.
    pub fn new(rung: Rung, seq: u64) -> Self {
        Cut {
            filter: LayerFilter::new(rung.spatial, rung.temporal),
            numbers: Renumber::new(seq),
        }
    }

    /// In the middle of a stream, after a picture of this time. Its newest packet, `packet`, went
    /// out as `seq`, and nothing was left out before.
    pub fn after(rung: Rung, time: u64, packet: u64, seq: u64) -> Self {
        Cut {
            filter: LayerFilter::after(time, rung.spatial, rung.temporal),
            numbers: Renumber::after(packet, seq),
        }
    }

    /// From now on no more than this; None: everything again.
    pub fn want(&mut self, rung: Option<Rung>) {
        let (spatial, temporal) = rung.map_or((u8::MAX, u8::MAX), |r| (r.spatial, r.temporal));
        self.filter.want(spatial, temporal);
    }

    /// Only a keyframe can bring layers that are wanted.
    pub fn wants_keyframe(&self) -> bool {
        self.filter.wants_keyframe()
    }

    /// Whether and how a packet goes out.
    pub fn place(&mut self, packet: &Packet) -> Option<Place> {
        let kept = self.filter.keep(packet, packet.layer);
        let seq = match kept {
            Some(_) => self.numbers.keep(packet.seq),
            None => self.numbers.leave_out(packet.seq),
        }?;
        Some(Place { seq, kept })
    }

    /// Which of the publisher's packets went out under this number.
    pub fn incoming(&self, seq: u64) -> Option<u64> {
        self.numbers.incoming(seq)
    }

    /// How a packet went out before.
    pub fn recall(&self, packet: &Packet) -> Option<Kept> {
        self.filter.recall(packet, packet.layer)
    }
}
