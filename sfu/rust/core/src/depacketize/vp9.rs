//! VP9 payloads (RFC 9628), flexible mode or not, with spatial layers.

use super::unpack::{Draft, Malformed, Unpack};

/// A superframe index has three bits for the number of frames (VP9 bitstream, annex B).
const MAX_FRAMES: usize = 8;

/// The payload descriptor (RFC 9628 4.2), and what follows it.
pub(super) struct Descriptor<'a> {
    /// P: predicted from an earlier picture.
    pub(super) predicted: bool,
    /// B: the frame of one spatial layer begins here.
    pub(super) begins: bool,
    /// E: and it ends here.
    pub(super) ends: bool,
    pub(super) spatial_id: u8,
    pub(super) temporal_id: u8,
    /// U: what follows in higher temporal layers builds on nothing of them from before.
    pub(super) switching_up: bool,
    /// The size of the highest spatial layer, from the scalability structure.
    pub(super) size: Option<(u16, u16)>,
    pub(super) body: &'a [u8],
}

impl Descriptor<'_> {
    /// The first payload of a key frame. The frame's own header must agree, because some senders
    /// (FFmpeg) never set P.
    pub(super) fn begins_keyframe(&self) -> bool {
        self.begins
            && !self.predicted
            && self.spatial_id == 0
            && self.body.first().is_some_and(|&b| is_key_header(b))
    }
}

/// The first byte of the uncompressed header (VP9 bitstream 6.2): the frame marker 10, two bits
/// of profile, a reserved zero in profile 3, then zeros for show_existing_frame and frame_type.
fn is_key_header(byte: u8) -> bool {
    let zeros = if byte & 0x30 == 0x30 { 0x0e } else { 0x0c };
    byte & 0xc0 == 0x80 && byte & zeros == 0
}

pub(super) fn parse(payload: &[u8]) -> Result<Descriptor<'_>, Malformed> {
    let mut body = payload;
    let flags = take(&mut body)?;
    let has = |bit: u8| flags & bit != 0;
    let (predicted, flexible) = (has(0x40), has(0x10));
    if has(0x80) && take(&mut body)? & 0x80 != 0 {
        take(&mut body)?;
    }
    let mut layers = 0;
    if has(0x20) {
        layers = take(&mut body)?;
        if !flexible {
            take(&mut body)?;
        }
    }
    if flexible && predicted {
        skip_references(&mut body)?;
    }
    let size = if has(0x02) {
        parse_structure(&mut body)?
    } else {
        None
    };
    Ok(Descriptor {
        predicted,
        begins: has(0x08),
        ends: has(0x04),
        spatial_id: layers >> 1 & 7,
        temporal_id: layers >> 5,
        switching_up: layers & 0x10 != 0,
        size,
        body,
    })
}

/// One to three P_DIFF bytes; the lowest bit says that another one follows.
fn skip_references(body: &mut &[u8]) -> Result<(), Malformed> {
    for _ in 0..3 {
        if take(body)? & 1 == 0 {
            return Ok(());
        }
    }
    Err(Malformed)
}

/// The scalability structure (RFC 9628 4.2.1).
fn parse_structure(body: &mut &[u8]) -> Result<Option<(u16, u16)>, Malformed> {
    let header = take(body)?;
    let mut size = None;
    if header & 0x10 != 0 {
        for _ in 0..=(header >> 5) {
            let width = u16::from_be_bytes([take(body)?, take(body)?]);
            let height = u16::from_be_bytes([take(body)?, take(body)?]);
            size = Some((width, height));
        }
    }
    if header & 0x08 != 0 {
        for _ in 0..take(body)? {
            let references = take(body)? >> 2 & 3;
            for _ in 0..references {
                take(body)?;
            }
        }
    }
    Ok(size)
}

fn take(rest: &mut &[u8]) -> Result<u8, Malformed> {
    rest.split_off_first().copied().ok_or(Malformed)
}

/// Joins the frames of a picture's spatial layers into one superframe.
#[derive(Default)]
pub(super) struct Vp9 {
    /// Where in the draft each frame begins.
    starts: Vec<usize>,
}

impl Unpack for Vp9 {
    fn push(&mut self, payload: &[u8], draft: &mut Draft) -> Result<(), Malformed> {
        let descriptor = parse(payload)?;
        if descriptor.body.is_empty() {
            return Err(Malformed);
        }
        if descriptor.begins {
            if self.starts.len() == MAX_FRAMES {
                return Err(Malformed);
            }
            self.starts.push(draft.bytes.len());
        } else if self.starts.is_empty() {
            return Err(Malformed);
        }
        if !draft.picture {
            draft.keyframe = descriptor.begins_keyframe();
        }
        draft.picture = true;
        draft.bytes.extend_from_slice(descriptor.body);
        Ok(())
    }

    fn finish(&mut self, draft: &mut Draft) -> Result<(), Malformed> {
        if self.starts.len() > 1 {
            write_index(&self.starts, &mut draft.bytes);
        }
        self.starts.clear();
        Ok(())
    }

    fn reset(&mut self) {
        self.starts.clear();
    }
}

/// The superframe index: without it a decoder finds the first frame only.
fn write_index(starts: &[usize], bytes: &mut Vec<u8>) {
    let end = bytes.len();
    let ends = starts[1..].iter().copied().chain([end]);
    let sizes: Vec<usize> = ends.zip(starts).map(|(end, start)| end - start).collect();
    let largest = sizes.iter().copied().max().unwrap_or(0);
    let width = (1..4).find(|&n| largest >> (8 * n) == 0).unwrap_or(4);
    let marker = 0xc0 | (width as u8 - 1) << 3 | (sizes.len() as u8 - 1);
    bytes.push(marker);
    for size in sizes {
        bytes.extend_from_slice(&size.to_le_bytes()[..width]);
    }
    bytes.push(marker);
}
