//! Sound or picture of one viewer.

use std::hash::{BuildHasher, RandomState};
use std::time::Instant;

use sluice_media_core::forward::{Forwarder, Outgoing};
use sluice_media_core::header::Extensions;
use sluice_media_core::once::Once;
use sluice_media_core::packet::{Packet, SourceId};
use sluice_media_core::rtcp::{NtpTime, ReportBlock, SenderInfo};
use str0m::format::CodecSpec;

use super::format::{Format, Terms};
use crate::egress::Left;

/// Packets that say which m-line they belong to, in case the answer is read late (RFC 8843
/// section 9.2).
const NAMED_PACKETS: u32 = 64;

pub struct Track {
    pub terms: Terms,
    pub forwarder: Forwarder,
    pub once: Once,
    /// Next sequence number of the retransmission stream, without wrap-around.
    pub resend_seq: u64,
    mid: Box<str>,
    /// The format of the source that is sent now; None when the viewer cannot take it.
    format: Option<(SourceId, Option<Format>)>,
    /// For sender reports: RTP time, when that was captured, clock rate, packets and octets.
    newest: Option<(u32, Instant, u32)>,
    packets: u32,
    octets: u32,
    /// As the viewer's newest report says.
    pub lost: u64,
}

impl Track {
    pub fn new(terms: Terms) -> Self {
        let random = RandomState::new().hash_one(terms.ssrc);
        Track {
            mid: terms.mid.to_string().into(),
            terms,
            forwarder: Forwarder::new(random as u16, (random >> 32) as u32),
            once: Once::default(),
            resend_seq: random >> 16 & 0x7fff,
            format: None,
            newest: None,
            packets: 0,
            octets: 0,
            lost: 0,
        }
    }

    /// The viewer's format for a source; found once a source.
    pub fn format(
        &mut self,
        source: SourceId,
        formats: &[(SourceId, CodecSpec)],
    ) -> Option<Format> {
        if let Some((of, format)) = self.format
            && of == source
        {
            return format;
        }
        let spec = formats.iter().find(|(id, _)| *id == source)?;
        let format = self.terms.format(&spec.1);
        self.format = Some((source, format));
        format
    }

    /// What the packet's own extensions say.
    pub fn extensions<'a>(&'a self, packet: &Packet) -> Extensions<'a> {
        Extensions {
            mid: match self.packets < NAMED_PACKETS {
                true => self.mid.as_bytes(),
                false => &[],
            },
            orientation: packet.extras.quarter_turns,
            audio_level: packet.extras.audio_level,
            ..Extensions::default()
        }
    }

    /// A packet left for the first time.
    pub fn count(&mut self, packet: &Packet, outgoing: &Outgoing, left: Left) {
        self.packets = self.packets.wrapping_add(1);
        self.octets = self.octets.wrapping_add(left.payload as u32);
        self.newest = Some((outgoing.time, outgoing.captured, packet.codec.clock_rate()));
    }

    /// The sender's half of a report: the RTP time that belongs to `now`. None before the first
    /// packet, because a report of RTP time 0 would put sound and picture apart.
    pub fn sender_info(&self, now: Instant) -> Option<SenderInfo> {
        let (time, captured, rate) = self.newest?;
        let ticks = |span: std::time::Duration| {
            (span.as_micros() as u64 * u64::from(rate) / 1_000_000) as u32
        };
        let rtp = time
            .wrapping_add(ticks(now.saturating_duration_since(captured)))
            .wrapping_sub(ticks(captured.saturating_duration_since(now)));
        Some(SenderInfo {
            ssrc: self.terms.ssrc,
            ntp: NtpTime::default(),
            rtp,
            packets: self.packets,
            octets: self.octets,
        })
    }

    /// Whether a report is about this track.
    pub fn is_about(&self, block: &ReportBlock) -> bool {
        block.ssrc == self.terms.ssrc
    }
}
