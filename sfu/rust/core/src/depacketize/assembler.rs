//! The assembler: order, unit boundaries and the reference chain.

use super::keyframe::{starts_keyframe, starts_unit};
use super::reorder::{Offer, Reorder, Step};
use super::unpack::{Draft, Unpack};
use super::{Limits, Payload, Unit, av1, h264, h265, opus, vp8, vp9};
use crate::codec::Codec;

/// What went wrong since the start. What comes before the first keyframe is not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Units that arrived, wholly or in part, and were not handed on. Units of which no packet
    /// came show only in `lost_packets`.
    pub dropped_units: u64,
    /// Payloads that break their format, and units that end in the middle of a fragment.
    pub malformed: u64,
    /// Packets that were given up because their hole stayed open past the window.
    pub lost_packets: u64,
}

/// Assembles the packets of one RTP stream.
///
/// A video stream comes out as an unbroken reference chain: after a lost packet, a malformed
/// payload or an oversized unit, units are dropped up to the next keyframe. Audio skips what is
/// lost.
pub struct Assembler {
    codec: Codec,
    unit_bytes: usize,
    order: Reorder,
    /// `None` for audio, where a packet is a unit.
    unpack: Option<Box<dyn Unpack>>,
    draft: Option<Draft>,
    /// Nothing is handed on until a keyframe is complete.
    waiting: bool,
    /// The time of a unit that was dropped while its packets still come.
    broken: Option<u64>,
    /// The packet before the next one is missing.
    after_gap: bool,
    counters: Counters,
}

impl Assembler {
    pub fn new(codec: Codec, limits: Limits) -> Self {
        let unpack: Option<Box<dyn Unpack>> = match codec {
            Codec::H264 => Some(Box::new(h264::H264::default())),
            Codec::H265 => Some(Box::new(h265::H265::default())),
            Codec::Vp8 => Some(Box::new(vp8::Vp8)),
            Codec::Vp9 => Some(Box::new(vp9::Vp9::default())),
            Codec::Av1 => Some(Box::new(av1::Av1::default())),
            Codec::Opus => None,
        };
        Assembler {
            codec,
            unit_bytes: limits.unit_bytes,
            order: Reorder::new(limits, codec.clock_rate()),
            waiting: unpack.is_some(),
            unpack,
            draft: None,
            broken: None,
            after_gap: false,
            counters: Counters::default(),
        }
    }

    /// Takes one packet and appends the units that are complete now to `out`.
    ///
    /// Packets may come out of order and more than once.
    pub fn push(&mut self, packet: Payload<'_>, out: &mut Vec<Unit>) {
        if !self.order.started() && starts_keyframe(self.codec, packet.bytes) {
            self.order.start(packet.seq);
        }
        match self.order.offer(packet) {
            Offer::Next => self.take(packet, out),
            Offer::Restart => {
                self.lose();
                self.take(packet, out);
            }
            Offer::Absorbed => {}
        }
        while let Some(step) = self.order.step() {
            match step {
                Step::Packet(held) => self.take(held.payload(), out),
                Step::Gap(packets) => {
                    let lost = &mut self.counters.lost_packets;
                    *lost = lost.saturating_add(packets);
                    self.lose();
                }
            }
        }
    }

    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Video only: nothing comes out before the next keyframe, so ask the sender for one.
    pub fn wants_keyframe(&self) -> bool {
        self.waiting
    }

    /// Takes the next packet in order.
    fn take(&mut self, packet: Payload<'_>, out: &mut Vec<Unit>) {
        if packet.bytes.is_empty() {
            return;
        }
        if self.unpack.is_none() {
            return self.take_audio(packet, out);
        }
        if let Some(draft) = &mut self.draft
            && draft.time != packet.time
        {
            if draft.picture {
                self.close(out);
            } else {
                // Parameter sets sent ahead with a time of their own belong to the next picture.
                draft.time = packet.time;
            }
        }
        let headless = std::mem::take(&mut self.after_gap);
        if self.broken == Some(packet.time) {
            return;
        }
        self.broken = None;
        if headless && !starts_unit(self.codec, packet.bytes) {
            return self.drop_unit(packet.time);
        }
        self.unpack(packet, out);
    }

    fn unpack(&mut self, packet: Payload<'_>, out: &mut Vec<Unit>) {
        let Some(unpack) = &mut self.unpack else {
            return;
        };
        let draft = self.draft.get_or_insert_with(|| Draft::new(packet.time));
        if unpack.push(packet.bytes, draft).is_err() {
            self.counters.malformed += 1;
            return self.drop_unit(packet.time);
        }
        if draft.bytes.len() + unpack.held() > self.unit_bytes {
            return self.drop_unit(packet.time);
        }
        // Some senders set the marker on parameter sets: the picture is still to come.
        if packet.marker && draft.picture {
            self.close(out);
        }
    }

    fn take_audio(&mut self, packet: Payload<'_>, out: &mut Vec<Unit>) {
        if !opus::is_valid(packet.bytes) {
            self.counters.malformed += 1;
        } else if packet.bytes.len() > self.unit_bytes {
            self.counters.dropped_units += 1;
        } else {
            out.push(Unit {
                time: packet.time,
                keyframe: true,
                payload: packet.bytes.to_vec(),
            });
        }
    }

    /// Ends the open unit and hands it on, unless the reference chain is broken.
    fn close(&mut self, out: &mut Vec<Unit>) {
        let (Some(mut draft), Some(unpack)) = (self.draft.take(), &mut self.unpack) else {
            return;
        };
        if unpack.finish(&mut draft).is_err() {
            self.counters.malformed += 1;
            return self.drop_unit(draft.time);
        }
        if self.waiting && !draft.keyframe {
            self.counters.dropped_units += 1;
            return;
        }
        self.waiting = false;
        out.push(Unit {
            time: draft.time,
            keyframe: draft.keyframe,
            payload: draft.bytes,
        });
    }

    /// The packets before the next one will never come.
    fn lose(&mut self) {
        if self.unpack.is_none() {
            return;
        }
        self.after_gap = true;
        self.waiting = true;
        if let Some(draft) = &self.draft {
            self.drop_unit(draft.time);
        }
    }

    /// Drops the unit at `time` with the packets of it that are still to come.
    fn drop_unit(&mut self, time: u64) {
        self.counters.dropped_units += 1;
        self.draft = None;
        self.broken = Some(time);
        self.waiting = true;
        if let Some(unpack) = &mut self.unpack {
            unpack.reset();
        }
    }
}
