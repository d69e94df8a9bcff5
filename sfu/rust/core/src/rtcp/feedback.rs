//! What a viewer asks for: lost packets again, a keyframe, a lower bitrate.

use super::{Fault, groups, take, take_u32};

/// Packets that a receiver misses (RFC 4585 section 6.2.1).
#[derive(Clone, Copy, Debug)]
pub struct Nack<'a> {
    pub sender: u32,
    /// The stream that they belong to.
    pub media: u32,
    entries: &'a [[u8; 4]],
}

/// A picture was lost (RFC 4585 section 6.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pli {
    pub sender: u32,
    pub media: u32,
}

/// A keyframe is asked for (RFC 5104 section 4.3.1).
#[derive(Clone, Copy, Debug)]
pub struct Fir<'a> {
    pub sender: u32,
    entries: &'a [[u8; 8]],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirEntry {
    /// The stream that is to begin anew.
    pub media: u32,
    /// The same number means the same request, repeated.
    pub number: u8,
}

/// What a receiver believes that it can receive (draft-alvestrand-rmcat-remb-03).
#[derive(Clone, Copy, Debug)]
pub struct Remb<'a> {
    pub sender: u32,
    /// Bits a second for all the streams together.
    pub bitrate: u64,
    media: &'a [[u8; 4]],
}

impl<'a> Nack<'a> {
    pub(super) fn parse(mut body: &'a [u8]) -> Result<Self, Fault> {
        let sender = take_u32(&mut body)?;
        let media = take_u32(&mut body)?;
        let entries = at_least_one(groups(body)?)?;
        Ok(Nack {
            sender,
            media,
            entries,
        })
    }

    /// The sequence numbers, at most 17 for each four bytes that came. They can repeat.
    pub fn lost(&self) -> impl Iterator<Item = u16> + 'a {
        self.entries.iter().flat_map(|&[p0, p1, b0, b1]| {
            let first = u16::from_be_bytes([p0, p1]);
            let following = u16::from_be_bytes([b0, b1]);
            let others = (0..16).filter(move |bit| following >> bit & 1 == 1);
            std::iter::once(first).chain(others.map(move |bit| first.wrapping_add(bit + 1)))
        })
    }
}

impl Pli {
    pub(super) fn parse(mut body: &[u8]) -> Result<Self, Fault> {
        let sender = take_u32(&mut body)?;
        let media = take_u32(&mut body)?;
        if !body.is_empty() {
            return Err(Fault::Excess);
        }
        Ok(Pli { sender, media })
    }
}

impl<'a> Fir<'a> {
    pub(super) fn parse(mut body: &'a [u8]) -> Result<Self, Fault> {
        let sender = take_u32(&mut body)?;
        // The media source is not used here: each entry names its own.
        take_u32(&mut body)?;
        let entries = at_least_one(groups(body)?)?;
        Ok(Fir { sender, entries })
    }

    pub fn entries(&self) -> impl ExactSizeIterator<Item = FirEntry> + 'a {
        self.entries
            .iter()
            .map(|&[a, b, c, d, number, ..]| FirEntry {
                media: u32::from_be_bytes([a, b, c, d]),
                number,
            })
    }
}

impl<'a> Remb<'a> {
    /// None for feedback of an application that is not ours.
    pub(super) fn parse(mut body: &'a [u8]) -> Result<Option<Self>, Fault> {
        let sender = take_u32(&mut body)?;
        take_u32(&mut body)?;
        if !body.starts_with(b"REMB") {
            return Ok(None);
        }
        take_u32(&mut body)?;
        let [count, high, middle, low] = take(&mut body)?;
        let bytes = body.get(..4 * usize::from(count)).ok_or(Fault::Short)?;
        let mantissa = u64::from(u32::from_be_bytes([0, high & 3, middle, low]));
        Ok(Some(Remb {
            sender,
            bitrate: saturating_shl(mantissa, high >> 2),
            media: groups(bytes)?,
        }))
    }

    /// The streams that it is about.
    pub fn media(&self) -> impl ExactSizeIterator<Item = u32> + 'a {
        self.media.iter().map(|&bytes| u32::from_be_bytes(bytes))
    }
}

fn saturating_shl(value: u64, by: u8) -> u64 {
    if value != 0 && u32::from(by) > value.leading_zeros() {
        u64::MAX
    } else {
        value << by
    }
}

fn at_least_one<T>(entries: &[T]) -> Result<&[T], Fault> {
    if entries.is_empty() {
        return Err(Fault::Empty);
    }
    Ok(entries)
}
