//! VP8 payloads (RFC 7741).

use super::unpack::{Draft, Malformed, Unpack};

/// The running numbers in a VP8 payload descriptor, which a forwarder has to rewrite when it
/// splices streams. The picture id starts at byte 2 of the payload, TL0PICIDX comes right
/// after it (at byte 2 when there is no picture id).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vp8Ids {
    /// The picture id and its width in bits: 7 or 15.
    pub picture_id: Option<(u16, u8)>,
    pub tl0_pic_idx: Option<u8>,
}

/// Reads the ids of any VP8 payload; `None` when the descriptor is cut short.
pub fn vp8_ids(payload: &[u8]) -> Option<Vp8Ids> {
    parse(payload).ok().map(|descriptor| descriptor.ids)
}

/// Writes other ids over those of a payload; the widths stay. A payload without an id, or cut
/// short, is left as it is.
pub fn rewrite_vp8_ids(payload: &mut [u8], picture_id: u16, tl0_pic_idx: u8) {
    let Some(ids) = vp8_ids(payload) else { return };
    let mut at = 2;
    match ids.picture_id {
        Some((_, 15)) => {
            payload[2..4].copy_from_slice(&(picture_id | 0x8000).to_be_bytes());
            at = 4;
        }
        Some(_) => {
            payload[2] = (picture_id & 0x7f) as u8;
            at = 3;
        }
        None => {}
    }
    if ids.tl0_pic_idx.is_some() {
        payload[at] = tl0_pic_idx;
    }
}

/// The payload descriptor (RFC 7741 4.2), and what follows it.
pub(super) struct Descriptor<'a> {
    pub(super) ids: Vp8Ids,
    /// TID and Y: the temporal layer, and whether the frame builds on the lowest one only.
    pub(super) temporal: Option<(u8, bool)>,
    /// The frame begins here: start of the first partition.
    pub(super) begins: bool,
    pub(super) body: &'a [u8],
}

impl Descriptor<'_> {
    /// The first payload of a key frame: P bit of the frame tag (RFC 7741 4.3).
    pub(super) fn begins_keyframe(&self) -> bool {
        self.begins && self.body.first().is_some_and(|tag| tag & 1 == 0)
    }
}

pub(super) fn parse(payload: &[u8]) -> Result<Descriptor<'_>, Malformed> {
    let mut body = payload;
    let first = take(&mut body)?;
    let mut ids = Vp8Ids::default();
    let mut temporal = None;
    if first & 0x80 != 0 {
        let extensions = take(&mut body)?;
        if extensions & 0x80 != 0 {
            let high = take(&mut body)?;
            ids.picture_id = Some(if high & 0x80 != 0 {
                let low = take(&mut body)?;
                (u16::from_be_bytes([high & 0x7f, low]), 15)
            } else {
                (u16::from(high), 7)
            });
        }
        if extensions & 0x40 != 0 {
            ids.tl0_pic_idx = Some(take(&mut body)?);
        }
        if extensions & 0x30 != 0 {
            let layer = take(&mut body)?;
            temporal = (extensions & 0x20 != 0).then_some((layer >> 6, layer & 0x20 != 0));
        }
    }
    Ok(Descriptor {
        ids,
        temporal,
        begins: first & 0x17 == 0x10,
        body,
    })
}

fn take(rest: &mut &[u8]) -> Result<u8, Malformed> {
    rest.split_off_first().copied().ok_or(Malformed)
}

pub(super) struct Vp8;

impl Unpack for Vp8 {
    fn push(&mut self, payload: &[u8], draft: &mut Draft) -> Result<(), Malformed> {
        let descriptor = parse(payload)?;
        if descriptor.body.is_empty() || descriptor.begins == draft.picture {
            return Err(Malformed);
        }
        draft.keyframe |= descriptor.begins_keyframe();
        draft.picture = true;
        draft.bytes.extend_from_slice(descriptor.body);
        Ok(())
    }

    fn finish(&mut self, _: &mut Draft) -> Result<(), Malformed> {
        Ok(())
    }

    fn reset(&mut self) {}
}
