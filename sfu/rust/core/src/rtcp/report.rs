//! Sender and receiver reports, and goodbyes (RFC 3550 sections 6.4 and 6.6).

use std::time::Duration;

use super::{Fault, groups, take, take_u32};

/// Seconds from 1900, where NTP begins, to 1970.
const NTP_TO_UNIX: u64 = 2_208_988_800;

/// Wall clock time: seconds since 1900 and their 2**-32 parts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NtpTime(pub u64);

/// What a sender says of its own stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderInfo {
    pub ssrc: u32,
    pub ntp: NtpTime,
    /// The RTP time of the same moment.
    pub rtp: u32,
    /// How much was sent so far, modulo 2**32; octets are those of payloads.
    pub packets: u32,
    pub octets: u32,
}

#[derive(Clone, Copy, Debug)]
pub struct SenderReport<'a> {
    pub info: SenderInfo,
    blocks: &'a [[u8; 24]],
}

#[derive(Clone, Copy, Debug)]
pub struct ReceiverReport<'a> {
    /// The reporter.
    pub ssrc: u32,
    blocks: &'a [[u8; 24]],
}

/// How one of our streams arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportBlock {
    /// The stream.
    pub ssrc: u32,
    /// Share lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Lost since the beginning; below zero when copies came.
    pub cumulative_lost: i32,
    /// The highest sequence number received, with the wrap-arounds in the upper 16 bits.
    pub highest_seq: u32,
    /// In ticks of the stream's RTP clock.
    pub jitter: u32,
    /// [`NtpTime::middle`] of the last sender report received; zero for none.
    pub last_sr: u32,
    /// Between that and this report, in 65536ths of a second.
    pub delay_since_last_sr: u32,
}

/// These streams end.
#[derive(Clone, Copy, Debug)]
pub struct Bye<'a> {
    ssrcs: &'a [[u8; 4]],
}

impl NtpTime {
    /// From the time since 1970.
    pub fn from_unix(unix: Duration) -> Self {
        let fraction = (u64::from(unix.subsec_nanos()) << 32) / 1_000_000_000;
        NtpTime(unix.as_secs().wrapping_add(NTP_TO_UNIX) << 32 | fraction)
    }

    /// The middle 32 bits, by which report blocks name a sender report.
    pub fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

impl<'a> SenderReport<'a> {
    pub(super) fn parse(count: u8, mut body: &'a [u8]) -> Result<Self, Fault> {
        let info = SenderInfo {
            ssrc: take_u32(&mut body)?,
            ntp: NtpTime(take(&mut body).map(u64::from_be_bytes)?),
            rtp: take_u32(&mut body)?,
            packets: take_u32(&mut body)?,
            octets: take_u32(&mut body)?,
        };
        let blocks = blocks_of(count, body)?;
        Ok(SenderReport { info, blocks })
    }

    pub fn blocks(&self) -> impl ExactSizeIterator<Item = ReportBlock> + 'a {
        self.blocks.iter().map(ReportBlock::parse)
    }
}

impl<'a> ReceiverReport<'a> {
    pub(super) fn parse(count: u8, mut body: &'a [u8]) -> Result<Self, Fault> {
        let ssrc = take_u32(&mut body)?;
        let blocks = blocks_of(count, body)?;
        Ok(ReceiverReport { ssrc, blocks })
    }

    pub fn blocks(&self) -> impl ExactSizeIterator<Item = ReportBlock> + 'a {
        self.blocks.iter().map(ReportBlock::parse)
    }
}

/// What follows the blocks is an extension of some profile, and passed over.
fn blocks_of(count: u8, body: &[u8]) -> Result<&[[u8; 24]], Fault> {
    let bytes = body.get(..24 * usize::from(count)).ok_or(Fault::Short)?;
    groups(bytes)
}

impl ReportBlock {
    fn parse(bytes: &[u8; 24]) -> Self {
        let (words, _) = bytes.as_chunks::<4>();
        let word = |index: usize| u32::from_be_bytes(words[index]);
        ReportBlock {
            ssrc: word(0),
            fraction_lost: bytes[4],
            // 24 bits with a sign.
            cumulative_lost: (word(1) << 8) as i32 >> 8,
            highest_seq: word(2),
            jitter: word(3),
            last_sr: word(4),
            delay_since_last_sr: word(5),
        }
    }

    /// The round trip that this block tells when it arrives at `now`, by the clock of our sender
    /// reports. None when the receiver has not seen one of them yet.
    pub fn round_trip(&self, now: NtpTime) -> Option<Duration> {
        if self.last_sr == 0 {
            return None;
        }
        let passed = now.middle().wrapping_sub(self.last_sr);
        let trip = passed.wrapping_sub(self.delay_since_last_sr) as i32;
        // Two clocks' rounding can put it just below zero.
        Some(Duration::from_micros(
            (u64::from(trip.max(0) as u32) * 1_000_000) >> 16,
        ))
    }
}

impl<'a> Bye<'a> {
    pub(super) fn parse(count: u8, body: &'a [u8]) -> Result<Self, Fault> {
        let bytes = body.get(..4 * usize::from(count)).ok_or(Fault::Short)?;
        let ssrcs = groups(bytes)?;
        // A reason in words may follow: a byte of length and the text.
        if let [length, text @ ..] = &body[bytes.len()..]
            && text.len() < usize::from(*length)
        {
            return Err(Fault::Short);
        }
        Ok(Bye { ssrcs })
    }

    pub fn ssrcs(&self) -> impl ExactSizeIterator<Item = u32> + 'a {
        self.ssrcs.iter().map(|&bytes| u32::from_be_bytes(bytes))
    }
}
