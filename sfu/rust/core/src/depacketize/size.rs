//! The picture size, from the headers in a keyframe's packets. Says nothing rather than guess.

use super::bits::Bits;
use super::{av1, sps, vp8, vp9};
use crate::codec::Codec;

/// Width and height in pixels of the pictures to be shown, from a packet that has the header
/// with the size in one piece: H264 and H265 the SPS, VP8 a key frame's first packet, VP9 a
/// scalability structure (its highest layer) or a key frame's first packet, AV1 the sequence
/// header. `None` for all other packets, for Opus and when in doubt.
pub fn picture_size(codec: Codec, payload: &[u8]) -> Option<(u16, u16)> {
    let (width, height) = match codec {
        Codec::H264 => sps::in_h264(payload),
        Codec::H265 => sps::in_h265(payload),
        Codec::Vp8 => in_vp8(payload),
        Codec::Vp9 => in_vp9(payload),
        Codec::Av1 => in_av1(payload),
        Codec::Opus => None,
    }?;
    (width > 0 && height > 0).then_some((width, height))
}

/// RFC 6386 9.1: frame tag, start code, then 14 bits for each side below the scaling.
fn in_vp8(payload: &[u8]) -> Option<(u16, u16)> {
    let packet = vp8::parse(payload).ok()?;
    if !packet.begins_keyframe() {
        return None;
    }
    let header = packet.body.get(3..)?.strip_prefix(&[0x9d, 0x01, 0x2a])?;
    let &[w0, w1, h0, h1] = header.first_chunk()?;
    Some((
        u16::from_le_bytes([w0, w1]) & 0x3fff,
        u16::from_le_bytes([h0, h1]) & 0x3fff,
    ))
}

fn in_vp9(payload: &[u8]) -> Option<(u16, u16)> {
    let packet = vp9::parse(payload).ok()?;
    packet.size.or_else(|| {
        let header = packet.begins_keyframe().then(|| Bits::new(packet.body))?;
        vp9_header(header)
    })
}

/// The uncompressed header of a key frame (VP9 bitstream 6.2).
fn vp9_header(mut header: Bits<'_>) -> Option<(u16, u16)> {
    const SRGB: u32 = 7;
    if header.bits(2)? != 2 {
        return None;
    }
    let profile = header.bits(1)? | header.bits(1)? << 1;
    // Three flags that must be zero: reserved (profile 3), show_existing_frame, frame_type.
    if header.bits(if profile == 3 { 3 } else { 2 })? != 0 {
        return None;
    }
    header.skip(2)?;
    if header.bits(24)? != 0x49_83_42 {
        return None;
    }
    if profile >= 2 {
        header.skip(1)?;
    }
    let odd = profile == 1 || profile == 3;
    match (header.bits(3)? == SRGB, odd) {
        (true, false) => return None,
        (true, true) => header.skip(1)?,
        (false, odd) => header.skip(if odd { 4 } else { 1 })?,
    }
    plus_one(header.bits(16)?, header.bits(16)?)
}

fn in_av1(payload: &[u8]) -> Option<(u16, u16)> {
    let packet = av1::parse(payload).ok()?;
    let mut elements = packet.elements.peekable();
    let mut skip_first = packet.continues;
    while let Some(element) = elements.next() {
        let element = element.ok()?;
        let partial = packet.goes_on && elements.peek().is_none();
        if std::mem::take(&mut skip_first) || partial {
            continue;
        }
        let obu = av1::parse_obu(element).ok()?;
        if obu.kind == av1::SEQUENCE_HEADER {
            return av1_sequence(Bits::new(obu.body));
        }
    }
    None
}

/// The sequence header up to the largest frame size (AV1 bitstream 5.5.1).
fn av1_sequence(mut header: Bits<'_>) -> Option<(u16, u16)> {
    header.skip(3 + 1)?;
    if header.bit()? {
        header.skip(5)?;
    } else {
        skip_operating_points(&mut header)?;
    }
    let width_bits = header.bits(4)? + 1;
    let height_bits = header.bits(4)? + 1;
    plus_one(header.bits(width_bits)?, header.bits(height_bits)?)
}

fn skip_operating_points(header: &mut Bits<'_>) -> Option<()> {
    let mut delay_bits = None;
    if header.bit()? {
        header.skip(32 + 32)?;
        if header.bit()? {
            header.ue()?;
        }
        if header.bit()? {
            delay_bits = Some(header.bits(5)? + 1);
            header.skip(32 + 5 + 5)?;
        }
    }
    let display_delay = header.bit()?;
    for _ in 0..=header.bits(5)? {
        header.skip(12)?;
        if header.bits(5)? > 7 {
            header.skip(1)?;
        }
        if let Some(bits) = delay_bits
            && header.bit()?
        {
            header.skip(2 * bits + 1)?;
        }
        if display_delay && header.bit()? {
            header.skip(4)?;
        }
    }
    Some(())
}

fn plus_one(width: u32, height: u32) -> Option<(u16, u16)> {
    Some((
        u16::try_from(width + 1).ok()?,
        u16::try_from(height + 1).ok()?,
    ))
}
