//! H.265 payloads (RFC 7798) without decoding order numbers, as WebRTC sends them.

use super::nal::{Aggregate, AnnexB, Fragment};
use super::unpack::{Draft, Malformed, Unpack};

pub(super) const VPS: u8 = 32;
pub(super) const SPS: u8 = 33;
pub(super) const DELIMITER: u8 = 35;
const AP: u8 = 48;
const FU: u8 = 49;

/// The NAL unit type, from the first header byte.
pub(super) fn kind(byte: u8) -> u8 {
    byte >> 1 & 0x3f
}

/// Intra random access point: a decoder can start (H.265 table 7-1).
pub(super) fn is_irap(kind: u8) -> bool {
    (16..=23).contains(&kind)
}

/// One RTP payload, by its packet type (RFC 7798 4.4).
pub(super) enum Packet<'a> {
    Single(&'a [u8]),
    Aggregate(Aggregate<'a>),
    Fragment(Fragment<'a, 2>),
}

/// Fails for PACI packets and undefined types.
pub(super) fn parse(payload: &[u8]) -> Result<Packet<'_>, Malformed> {
    let (&[first, second], rest) = payload.split_first_chunk().ok_or(Malformed)?;
    if first & 0x80 != 0 {
        return Err(Malformed);
    }
    match kind(first) {
        ..AP => Ok(Packet::Single(payload)),
        AP if !rest.is_empty() => Ok(Packet::Aggregate(Aggregate(rest))),
        FU => {
            let (&fu, body) = rest.split_first().ok_or(Malformed)?;
            let kind = fu & 0x3f;
            if kind >= AP {
                return Err(Malformed);
            }
            Ok(Packet::Fragment(Fragment {
                start: fu & 0x80 != 0,
                end: fu & 0x40 != 0,
                header: [first & 0x81 | kind << 1, second],
                body,
            }))
        }
        _ => Err(Malformed),
    }
}

#[derive(Default)]
pub(super) struct H265 {
    out: AnnexB,
}

impl Unpack for H265 {
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

impl H265 {
    fn whole(&mut self, nal: &[u8], draft: &mut Draft) -> Result<(), Malformed> {
        let (&[first, _], _) = nal.split_first_chunk().ok_or(Malformed)?;
        if kind(first) >= AP {
            return Err(Malformed);
        }
        note(kind(first), draft);
        self.out.whole(nal, draft)
    }
}

fn note(kind: u8, draft: &mut Draft) {
    draft.keyframe |= is_irap(kind);
    draft.picture |= kind < VPS;
}
