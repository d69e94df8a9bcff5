//! H.264 payloads (RFC 6184), packetization modes 0 and 1.

use super::nal::{Aggregate, AnnexB, Fragment};
use super::unpack::{Draft, Malformed, Unpack};

pub(super) const IDR: u8 = 5;
pub(super) const SPS: u8 = 7;
pub(super) const DELIMITER: u8 = 9;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// The NAL unit type: in a payload's first byte and in a NAL unit's.
pub(super) fn kind(byte: u8) -> u8 {
    byte & 0x1f
}

/// One RTP payload, by its packet type (RFC 6184 5.2).
pub(super) enum Packet<'a> {
    Single(&'a [u8]),
    Aggregate(Aggregate<'a>),
    Fragment(Fragment<'a, 1>),
}

/// Fails for STAP-B, MTAP and FU-B (interleaved mode) and for undefined types.
pub(super) fn parse(payload: &[u8]) -> Result<Packet<'_>, Malformed> {
    let (&first, rest) = payload.split_first().ok_or(Malformed)?;
    if first & 0x80 != 0 {
        return Err(Malformed);
    }
    match kind(first) {
        1..=23 => Ok(Packet::Single(payload)),
        STAP_A if !rest.is_empty() => Ok(Packet::Aggregate(Aggregate(rest))),
        FU_A => {
            let (&fu, body) = rest.split_first().ok_or(Malformed)?;
            if !(1..=23).contains(&kind(fu)) {
                return Err(Malformed);
            }
            Ok(Packet::Fragment(Fragment {
                start: fu & 0x80 != 0,
                end: fu & 0x40 != 0,
                header: [first & 0xe0 | kind(fu)],
                body,
            }))
        }
        _ => Err(Malformed),
    }
}

#[derive(Default)]
pub(super) struct H264 {
    out: AnnexB,
}

impl Unpack for H264 {
    fn push(&mut self, payload: &[u8], draft: &mut Draft) -> Result<(), Malformed> {
        match parse(payload)? {
            Packet::Single(nal) => self.whole(nal, draft),
            Packet::Aggregate(nals) => {
                for nal in nals {
                    self.whole(nal?, draft)?;
                }
                Ok(())
            }
            Packet::Fragment(fragment) => {
                note(kind(fragment.header[0]), draft);
                self.out.fragment(&fragment, draft)
            }
        }
    }

    fn finish(&mut self, _: &mut Draft) -> Result<(), Malformed> {
        self.out.finish()
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

impl H264 {
    fn whole(&mut self, nal: &[u8], draft: &mut Draft) -> Result<(), Malformed> {
        let kind = nal.first().map_or(0, |&byte| kind(byte));
        if !(1..=23).contains(&kind) {
            return Err(Malformed);
        }
        note(kind, draft);
        self.out.whole(nal, draft)
    }
}

fn note(kind: u8, draft: &mut Draft) {
    draft.keyframe |= kind == IDR;
    draft.picture |= (1..=IDR).contains(&kind);
}
