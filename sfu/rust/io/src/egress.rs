//! How a viewer is sent a packet: numbered, sealed and laid into the send buffer in one go.
//!
//! All viewers share the payload; what is made for one of them lives only between the ring of
//! its layer and the buffer that the kernel reads.

use std::time::{Duration, SystemTime};

use sluice_media_core::depacketize::rewrite_vp8_ids;
use sluice_media_core::forward::{Outgoing, Pace};
use sluice_media_core::header::{Extensions, Header, MAX_HEADER};
use sluice_media_core::packet::Packet;
use sluice_media_core::red;
use sluice_media_core::rtcp::{NtpTime, SenderInfo, Writer};

use crate::net::Way;
use crate::srtp::{OVERHEAD, Sealer};
use crate::viewer::format::Format;
use crate::viewer::track::Track;

/// The largest playout delay that the extension can name, in hundredths of a second: no limit.
const ANY_DELAY: u16 = 0xfff;
/// The payload of an empty packet: padding that is its own length.
const PADDING: &[u8] = &[1];
/// The original sequence number in front of a resent payload (RFC 4588 section 4).
const ORIGINAL_SEQ: usize = 2;

/// One viewer's sealing side.
pub struct Egress {
    sealer: Sealer,
    /// Transport-wide number of the next datagram.
    number: u16,
}

/// A packet that left: what congestion control has to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    pub number: Option<u16>,
    /// Without IP and UDP headers.
    pub bytes: usize,
    /// Of RTP, without padding.
    pub payload: usize,
}

impl Egress {
    pub fn new(sealer: Sealer) -> Self {
        Egress { sealer, number: 0 }
    }

    /// Packets will be sent soon.
    #[inline]
    pub fn prefetch(&self) {
        self.sealer.prefetch();
    }

    /// Send a media packet. None when it did not leave: it was sent before, or is too large.
    pub fn media(
        &mut self,
        track: &mut Track,
        format: Format,
        packet: &Packet,
        outgoing: &Outgoing,
        way: &mut Way<'_>,
    ) -> Option<Left> {
        if !track.once.take(outgoing.seq) {
            way.net.counters.drops_sent_before.add(1);
            return None;
        }
        let (payload_type, payload) = match format.redundant {
            _ if outgoing.empty => (format.payload_type, PADDING),
            Some(redundant) if packet.newest > 0 => (redundant, &*packet.payload),
            _ => (format.payload_type, packet.newest()),
        };
        let header = Header {
            payload_type,
            marker: outgoing.marker,
            padding: outgoing.empty,
            seq: outgoing.seq as u16,
            time: outgoing.time,
            ssrc: track.terms.ssrc,
        };
        let mut values = track.extensions(packet);
        // A player that paces the replay stays behind by its length; one that is told to hurry
        // and not told otherwise shows every later picture as unevenly as it came.
        if !packet.codec.is_audio() {
            values.playout_delay = match outgoing.pace {
                Pace::Hurry => Some((0, 0)),
                Pace::Settle => Some((0, ANY_DELAY)),
                Pace::Own => None,
            };
        }
        let number = self.stamp(track, &mut values, way);
        let ids = &track.terms.ids;
        let sealer = &self.sealer;
        let bytes = way.place(MAX_HEADER + payload.len() + OVERHEAD, |room| {
            let start = header.write(ids, &values, room);
            let end = start + payload.len();
            room[start..end].copy_from_slice(payload);
            if let Some((picture_id, tl0)) = outgoing.vp8
                && !outgoing.empty
            {
                rewrite_vp8_ids(&mut room[start..end], picture_id, tl0);
            }
            if payload_type != format.payload_type {
                red::rewrite(&mut room[start..end], format.payload_type);
            }
            sealer.rtp(room, start, end, header.ssrc, outgoing.seq).ok()
        })?;
        let length = if outgoing.empty { 0 } else { payload.len() };
        Some(self.left(number, bytes, length))
    }

    /// Send a packet again, on the retransmission stream (RFC 4588).
    pub fn again(
        &mut self,
        track: &mut Track,
        format: Format,
        packet: &Packet,
        outgoing: &Outgoing,
        way: &mut Way<'_>,
    ) -> Option<Left> {
        let (payload_type, ssrc) = (format.resend?, track.terms.resend_ssrc?);
        let index = track.resend_seq;
        track.resend_seq += 1;
        let header = Header {
            payload_type,
            marker: outgoing.marker,
            padding: false,
            seq: index as u16,
            time: outgoing.time,
            ssrc,
        };
        let mut values = track.extensions(packet);
        let number = self.stamp(track, &mut values, way);
        let payload = &packet.payload;
        let ids = &track.terms.ids;
        let sealer = &self.sealer;
        let size = MAX_HEADER + ORIGINAL_SEQ + payload.len() + OVERHEAD;
        let bytes = way.place(size, |room| {
            let start = header.write(ids, &values, room);
            let body = start + ORIGINAL_SEQ;
            let end = body + payload.len();
            room[start..body].copy_from_slice(&(outgoing.seq as u16).to_be_bytes());
            room[body..end].copy_from_slice(payload);
            if let Some((picture_id, tl0)) = outgoing.vp8 {
                rewrite_vp8_ids(&mut room[body..end], picture_id, tl0);
            }
            sealer.rtp(room, start, end, ssrc, index).ok()
        })?;
        Some(self.left(number, bytes, payload.len()))
    }

    /// Send a report of each stream, in one datagram.
    pub fn report(
        &mut self,
        streams: &mut [SenderInfo],
        cname: &str,
        wall: SystemTime,
        way: &mut Way<'_>,
    ) {
        let unix = wall
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        for stream in streams.iter_mut() {
            stream.ntp = NtpTime::from_unix(unix);
        }
        let sealer = &mut self.sealer;
        way.place(512, |room| {
            let end = room.len() - OVERHEAD;
            let mut writer = Writer::new(&mut room[..end]);
            writer.sender_reports(streams, cname).ok()?;
            let length = writer.len();
            sealer.rtcp(room, length).ok()
        });
    }

    /// Number the datagram, or stamp its time for receivers that estimate by themselves.
    fn stamp(&self, track: &Track, values: &mut Extensions<'_>, way: &Way<'_>) -> Option<u16> {
        if track.terms.ids.transport_number != 0 {
            values.transport_number = Some(self.number);
        } else if track.terms.ids.send_time != 0 {
            values.send_time = Some(fixed_point(
                way.now.saturating_duration_since(way.net.started),
            ));
        }
        values.transport_number
    }

    fn left(&mut self, number: Option<u16>, bytes: usize, payload: usize) -> Left {
        // Counted only now, so that a packet that did not leave leaves no hole.
        self.number = self.number.wrapping_add(u16::from(number.is_some()));
        Left {
            number,
            bytes,
            payload,
        }
    }
}

/// Seconds modulo 64 in 6.18 fixed point.
fn fixed_point(time: Duration) -> u32 {
    let micros = time.as_micros() as u64 % 64_000_000;
    ((micros << 18) / 1_000_000) as u32 & 0xff_ffff
}
