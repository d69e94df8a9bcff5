//! RTCP in the clear, after SRTCP: what viewers report and ask for, and what we report to them.
//!
//! Reading allocates nothing, and costs no more than the bytes that came justify:
//!
//! ```
//! use sluice_media_core::rtcp::{Message, read};
//!
//! let pli = [0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 9];
//! for message in read(&pli) {
//!     match message {
//!         Ok(Message::Pli(pli)) => assert_eq!(pli.media, 9),
//!         other => panic!("{other:?}"),
//!     }
//! }
//! ```

mod feedback;
mod malformed;
mod report;
mod transport;
mod write;

pub use feedback::{Fir, FirEntry, Nack, Pli, Remb};
pub use malformed::{Fault, Malformed};
pub use report::{Bye, NtpTime, ReceiverReport, ReportBlock, SenderInfo, SenderReport};
pub use transport::{Arrivals, MAX_STATUSES, ReferenceClock, TransportFeedback};
pub use write::{Full, Writer};

/// Packet types (RFC 3550 section 12.1, RFC 4585 section 6.1).
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;

/// Version, count or format, packet type, length.
const HEADER: usize = 4;

/// One RTCP packet.
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    SenderReport(SenderReport<'a>),
    ReceiverReport(ReceiverReport<'a>),
    Nack(Nack<'a>),
    Pli(Pli),
    Fir(Fir<'a>),
    Remb(Remb<'a>),
    TransportFeedback(TransportFeedback<'a>),
    Bye(Bye<'a>),
    /// Well formed on the outside, and nothing that a sender of media needs: its packet type.
    Other(u8),
}

/// Walk a compound packet (RFC 3550 section 6.1), or one of reduced size (RFC 5506). A malformed
/// message does not keep the next ones from being read while its length can be trusted.
pub fn read(compound: &[u8]) -> Messages<'_> {
    Messages {
        rest: compound,
        statuses: MAX_STATUSES,
    }
}

/// The messages of a compound packet, see [`read`].
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    rest: &'a [u8],
    /// Packet statuses that the rest may still be about.
    statuses: u16,
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let rest = std::mem::take(&mut self.rest);
        let [first, kind, high, low, ..] = *rest else {
            return Some(Err(Malformed::of(None, Fault::Header)));
        };
        let malformed = |fault| Malformed::of(Some(kind), fault);
        if first >> 6 != 2 {
            return Some(Err(malformed(Fault::Version)));
        }
        let words = usize::from(u16::from_be_bytes([high, low]));
        let Some((message, rest)) = rest.split_at_checked(HEADER + 4 * words) else {
            return Some(Err(malformed(Fault::Length)));
        };
        self.rest = rest;
        let parsed = without_padding(first, &message[HEADER..])
            .and_then(|body| parse(kind, first & 0x1f, body, &mut self.statuses));
        Some(parsed.map_err(malformed))
    }
}

impl std::iter::FusedIterator for Messages<'_> {}

/// The last byte of the padding counts it. It need not be whole words: browsers align their
/// transport feedback with one to three bytes.
fn without_padding(first: u8, body: &[u8]) -> Result<&[u8], Fault> {
    if first & 0x20 == 0 {
        return Ok(body);
    }
    let padding = body.last().copied().map_or(0, usize::from);
    if padding == 0 || padding > body.len() {
        return Err(Fault::Padding);
    }
    Ok(&body[..body.len() - padding])
}

/// `count` is the header's five bits: how many blocks, or which format of feedback.
fn parse<'a>(
    kind: u8,
    count: u8,
    body: &'a [u8],
    statuses: &mut u16,
) -> Result<Message<'a>, Fault> {
    Ok(match (kind, count) {
        (SENDER_REPORT, _) => Message::SenderReport(SenderReport::parse(count, body)?),
        (RECEIVER_REPORT, _) => Message::ReceiverReport(ReceiverReport::parse(count, body)?),
        (GOODBYE, _) => Message::Bye(Bye::parse(count, body)?),
        (TRANSPORT_FEEDBACK, 1) => Message::Nack(Nack::parse(body)?),
        (TRANSPORT_FEEDBACK, 15) => {
            Message::TransportFeedback(TransportFeedback::parse(body, statuses)?)
        }
        (PAYLOAD_FEEDBACK, 1) => Message::Pli(Pli::parse(body)?),
        (PAYLOAD_FEEDBACK, 4) => Message::Fir(Fir::parse(body)?),
        (PAYLOAD_FEEDBACK, 15) => match Remb::parse(body)? {
            Some(remb) => Message::Remb(remb),
            None => Message::Other(kind),
        },
        _ => Message::Other(kind),
    })
}

/// The next big-endian number of `N` bytes.
fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Fault> {
    let (taken, tail) = rest.split_first_chunk().ok_or(Fault::Short)?;
    *rest = tail;
    Ok(*taken)
}

fn take_u32(rest: &mut &[u8]) -> Result<u32, Fault> {
    take(rest).map(u32::from_be_bytes)
}

/// `bytes` as whole groups of `N`.
fn groups<const N: usize>(bytes: &[u8]) -> Result<&[[u8; N]], Fault> {
    match bytes.as_chunks() {
        (groups, []) => Ok(groups),
        _ => Err(Fault::Uneven),
    }
}
