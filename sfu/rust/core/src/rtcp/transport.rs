//! When each packet arrived, for congestion control
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01).

use super::{Fault, take, take_u32};

/// Feedback on more packets is refused, all messages of a datagram taken together. Two bytes can
/// claim 8191, so 1500 could otherwise make us count to half a million.
pub const MAX_STATUSES: u16 = 8192;

/// Arrival times come in steps of this.
const TICK: i64 = 250;
/// The reference time counts in steps of this.
const REFERENCE: i64 = 64_000;

const NOT_RECEIVED: u16 = 0;
const SMALL_DELTA: u16 = 1;
const LARGE_DELTA: u16 = 2;

/// Arrival times of packets that carry a transport-wide number. Checked as a whole when read.
#[derive(Clone, Copy, Debug)]
pub struct TransportFeedback<'a> {
    pub sender: u32,
    pub media: u32,
    /// The first packet's transport-wide number.
    pub base: u16,
    /// 24 bits, in steps of 64 ms of the receiver's clock: see [`ReferenceClock`].
    pub reference: u32,
    /// Counts these messages, so that a lost one is noticed.
    pub count: u8,
    statuses: u16,
    chunks: &'a [u8],
    deltas: &'a [u8],
}

/// The receiver's clock without the wrap-around that comes every 12 days.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReferenceClock {
    /// In steps of 64 ms.
    last: Option<i64>,
}

/// Each packet's number and arrival, see [`TransportFeedback::arrivals`].
#[derive(Clone, Debug)]
pub struct Arrivals<'a> {
    statuses: Statuses<'a>,
    deltas: &'a [u8],
    number: u16,
    clock: i64,
}

impl<'a> TransportFeedback<'a> {
    /// `allowed` is how many statuses the datagram may still be about.
    pub(super) fn parse(mut body: &'a [u8], allowed: &mut u16) -> Result<Self, Fault> {
        let sender = take_u32(&mut body)?;
        let media = take_u32(&mut body)?;
        let base = take(&mut body).map(u16::from_be_bytes)?;
        let statuses = take(&mut body).map(u16::from_be_bytes)?;
        let [r0, r1, r2, count] = take(&mut body)?;
        if statuses == 0 {
            return Err(Fault::Empty);
        }
        *allowed = allowed.checked_sub(statuses).ok_or(Fault::TooMany)?;
        let (chunks, deltas) = checked(statuses, body)?;
        Ok(TransportFeedback {
            sender,
            media,
            base,
            reference: u32::from_be_bytes([0, r0, r1, r2]),
            count,
            statuses,
            chunks,
            deltas,
        })
    }

    /// How many packets it is about.
    pub fn len(&self) -> usize {
        usize::from(self.statuses)
    }

    /// Never: there is at least one packet.
    pub fn is_empty(&self) -> bool {
        self.statuses == 0
    }

    /// Each packet's number, and when it arrived in microseconds of the receiver's clock; None
    /// when it did not. `reference` is [`ReferenceClock::micros`] of this message.
    pub fn arrivals(&self, reference: i64) -> Arrivals<'a> {
        Arrivals {
            statuses: Statuses::new(self.statuses, self.chunks),
            deltas: self.deltas,
            number: self.base,
            clock: reference,
        }
    }
}

impl ReferenceClock {
    /// A message's reference time in microseconds: of all times that look like `reference`, the
    /// one next to the last message's.
    pub fn micros(&mut self, reference: u32) -> i64 {
        let near = self.last.map_or(i64::from(reference), |last| {
            // The difference of 24 bits, with its sign.
            let ahead = (reference.wrapping_sub(last as u32) << 8) as i32 >> 8;
            last + i64::from(ahead)
        });
        self.last = Some(near);
        near * REFERENCE
    }
}

impl Iterator for Arrivals<'_> {
    type Item = (u16, Option<i64>);

    fn next(&mut self) -> Option<Self::Item> {
        let status = self.statuses.next()?;
        let number = self.number;
        self.number = number.wrapping_add(1);
        let (delta, rest) = match (status, self.deltas) {
            (SMALL_DELTA, [small, rest @ ..]) => (i64::from(*small), rest),
            (LARGE_DELTA, [high, low, rest @ ..]) => {
                (i64::from(i16::from_be_bytes([*high, *low])), rest)
            }
            _ => return Some((number, None)),
        };
        self.deltas = rest;
        self.clock += delta * TICK;
        Some((number, Some(self.clock)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::from(self.statuses.left);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Arrivals<'_> {}

/// Splits the chunks from the deltas after making sure that both are there.
fn checked(statuses: u16, body: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    let mut walk = Statuses::new(statuses, body);
    let mut needed = 0;
    for status in walk.by_ref() {
        needed += match status {
            NOT_RECEIVED => 0,
            SMALL_DELTA => 1,
            LARGE_DELTA => 2,
            _ => return Err(Fault::Status),
        };
    }
    if walk.left != 0 {
        return Err(Fault::Short);
    }
    let (chunks, rest) = body.split_at(body.len() - walk.chunks.len());
    // Bytes after the deltas align it to words.
    let deltas = rest.get(..needed).ok_or(Fault::Short)?;
    Ok((chunks, deltas))
}

/// The packet statuses that chunks of two bytes hold.
#[derive(Clone, Debug)]
struct Statuses<'a> {
    /// Not yet opened.
    chunks: &'a [u8],
    /// Statuses to come from all chunks.
    left: u16,
    chunk: u16,
    /// Statuses to come from this chunk.
    in_chunk: u16,
}

impl<'a> Statuses<'a> {
    fn new(left: u16, chunks: &'a [u8]) -> Self {
        Statuses {
            chunks,
            left,
            chunk: 0,
            in_chunk: 0,
        }
    }
}

impl Iterator for Statuses<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        if self.left == 0 {
            return None;
        }
        while self.in_chunk == 0 {
            let (chunk, rest) = self.chunks.split_first_chunk()?;
            self.chunks = rest;
            self.chunk = u16::from_be_bytes(*chunk);
            self.in_chunk = match self.chunk >> 14 {
                0 | 1 => self.chunk & 0x1fff,
                2 => 14,
                _ => 7,
            };
        }
        self.left -= 1;
        self.in_chunk -= 1;
        Some(match self.chunk >> 14 {
            0 | 1 => self.chunk >> 13 & 3,
            2 => self.chunk >> self.in_chunk & 1,
            _ => self.chunk >> (2 * self.in_chunk) & 3,
        })
    }
}
