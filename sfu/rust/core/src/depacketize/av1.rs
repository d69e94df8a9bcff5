//! AV1 payloads (RTP Payload Format for AV1, version 1.0).

use super::unpack::{Draft, Malformed, Unpack};

pub(super) const SEQUENCE_HEADER: u8 = 1;
const TEMPORAL_DELIMITER: u8 = 2;
const FRAME_HEADER: u8 = 3;
const TILE_GROUP: u8 = 4;
const FRAME: u8 = 6;
const TILE_LIST: u8 = 8;

const HAS_EXTENSION: u8 = 0x04;
const HAS_SIZE: u8 = 0x02;

/// The OBU type, from the header byte.
pub(super) fn kind(header: u8) -> u8 {
    header >> 3 & 0x0f
}

/// One RTP payload: the aggregation header (section 4.4) and the OBU elements.
pub(super) struct Packet<'a> {
    /// Z: the first element continues the last one of the packet before.
    pub(super) continues: bool,
    /// Y: the last element goes on in the next packet.
    pub(super) goes_on: bool,
    /// N: first packet of a coded video sequence.
    pub(super) new_sequence: bool,
    pub(super) elements: Elements<'a>,
}

pub(super) fn parse(payload: &[u8]) -> Result<Packet<'_>, Malformed> {
    let (&header, rest) = payload.split_first().ok_or(Malformed)?;
    let packet = Packet {
        continues: header & 0x80 != 0,
        goes_on: header & 0x40 != 0,
        new_sequence: header & 0x08 != 0,
        elements: Elements {
            rest,
            left: match header >> 4 & 3 {
                0 => None,
                count => Some(count),
            },
        },
    };
    if rest.is_empty() || packet.continues && packet.new_sequence {
        return Err(Malformed);
    }
    Ok(packet)
}

/// The OBU elements of a payload, each without its length.
pub(super) struct Elements<'a> {
    rest: &'a [u8],
    /// The number of elements to come, the last one without a length; `None`: unknown, and all
    /// of them have one.
    left: Option<u8>,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<&'a [u8], Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.left {
            Some(0) => return None,
            None if self.rest.is_empty() => return None,
            Some(1) => {
                self.left = Some(0);
                return Some(Ok(std::mem::take(&mut self.rest)));
            }
            Some(left) => *left -= 1,
            None => {}
        }
        let element = read_leb128(self.rest).and_then(|(size, rest)| rest.split_at_checked(size));
        match element {
            Some((element, rest)) => {
                self.rest = rest;
                Some(Ok(element))
            }
            None => {
                self.left = Some(0);
                Some(Err(Malformed))
            }
        }
    }
}

/// An OBU taken apart (AV1 bitstream 5.3).
pub(super) struct Obu<'a> {
    pub(super) kind: u8,
    /// Header byte and, if any, extension byte.
    header: &'a [u8],
    pub(super) body: &'a [u8],
}

/// Parses a whole OBU, with or without a size field.
pub(super) fn parse_obu(bytes: &[u8]) -> Result<Obu<'_>, Malformed> {
    let first = *bytes.first().ok_or(Malformed)?;
    if first & 0x80 != 0 {
        return Err(Malformed);
    }
    let header_size = if first & HAS_EXTENSION != 0 { 2 } else { 1 };
    let (header, mut body) = bytes.split_at_checked(header_size).ok_or(Malformed)?;
    if first & HAS_SIZE != 0 {
        let (size, rest) = read_leb128(body).ok_or(Malformed)?;
        if size != rest.len() {
            return Err(Malformed);
        }
        body = rest;
    }
    Ok(Obu {
        kind: kind(first),
        header,
        body,
    })
}

/// A little-endian base 128 number (AV1 bitstream 4.10.5), and what follows it.
fn read_leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_u64;
    for (i, &byte) in bytes.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, &bytes[i + 1..]));
        }
    }
    None
}

fn write_leb128(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[derive(Default)]
pub(super) struct Av1 {
    /// The first part of an OBU that goes on in the next packet.
    part: Option<Vec<u8>>,
}

impl Unpack for Av1 {
    fn push(&mut self, payload: &[u8], draft: &mut Draft) -> Result<(), Malformed> {
        let packet = parse(payload)?;
        if packet.continues != self.part.is_some() {
            return Err(Malformed);
        }
        draft.keyframe |= packet.new_sequence;
        let mut elements = packet.elements.peekable();
        while let Some(element) = elements.next() {
            let element = element?;
            let goes_on = packet.goes_on && elements.peek().is_none();
            match (self.part.take(), goes_on) {
                (None, false) => write_obu(element, draft)?,
                (None, true) => {
                    note(kind(*element.first().ok_or(Malformed)?), draft);
                    self.part = Some(element.to_vec());
                }
                (Some(mut part), _) => {
                    part.extend_from_slice(element);
                    if goes_on {
                        self.part = Some(part);
                    } else {
                        write_obu(&part, draft)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self, _: &mut Draft) -> Result<(), Malformed> {
        match self.part.take() {
            None => Ok(()),
            Some(_) => Err(Malformed),
        }
    }

    fn reset(&mut self) {
        self.part = None;
    }

    fn held(&self) -> usize {
        self.part.as_ref().map_or(0, Vec::len)
    }
}

/// Appends an OBU with a size field (low-overhead format).
fn write_obu(bytes: &[u8], draft: &mut Draft) -> Result<(), Malformed> {
    let obu = parse_obu(bytes)?;
    if matches!(obu.kind, TEMPORAL_DELIMITER | TILE_LIST) {
        return Ok(());
    }
    note(obu.kind, draft);
    let (first, extension) = obu.header.split_first().ok_or(Malformed)?;
    draft.bytes.push(first | HAS_SIZE);
    draft.bytes.extend_from_slice(extension);
    write_leb128(obu.body.len(), &mut draft.bytes);
    draft.bytes.extend_from_slice(obu.body);
    Ok(())
}

fn note(kind: u8, draft: &mut Draft) {
    draft.keyframe |= kind == SEQUENCE_HEADER;
    draft.picture |= matches!(kind, FRAME_HEADER | TILE_GROUP | FRAME);
}
