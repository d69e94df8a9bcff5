//! The half of a peer that only publishers have: its encodings and its clocks.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use sluice_media_core::capture::{CaptureClock, TrackClock};
use sluice_media_core::codec::Codec;
use sluice_media_core::depacketize::{layer_of, starts_keyframe, vp8_ids};
use sluice_media_core::packet::{Extras, Packet, SourceId};
use sluice_media_core::red;
use str0m::Rtc;
use str0m::format::CodecSpec;
use str0m::media::{Mid, Pt, Rid, SenderFeedback};
use str0m::rtp::{RtpPacket, Ssrc, VideoOrientation};

use crate::formats::codec_of;

/// More encodings than any client sends (audio and three layers, before and after a restart).
const MAX_TRACKS: usize = 16;

/// A publisher's encodings.
pub struct Publisher {
    clock: CaptureClock,
    tracks: HashMap<Ssrc, Track>,
}

/// One encoding: a stream of one SSRC.
pub struct Track {
    pub mid: Mid,
    pub rid: Option<Rid>,
    pub source: SourceId,
    pub codec: Codec,
    pub spec: CodecSpec,
    pt: Pt,
    /// The payload type of the same sound with earlier ones in front (RFC 2198).
    redundant: Option<Pt>,
    clock: TrackClock,
}

/// What a packet turned out to be.
pub enum Received {
    /// A packet of a known encoding.
    Packet(Packet),
    /// The first packet of an encoding; `replaces` is the one that it takes the place of.
    Started {
        packet: Packet,
        replaces: Option<SourceId>,
    },
}

impl Publisher {
    pub fn new(now: Instant) -> Self {
        Publisher {
            clock: CaptureClock::new(now),
            tracks: HashMap::new(),
        }
    }

    /// Sort an incoming packet. `new_source` gives ids that were never used.
    /// None when it belongs to nothing that was negotiated.
    pub fn receive(
        &mut self,
        rtc: &mut Rtc,
        rtp: RtpPacket,
        new_source: &mut impl FnMut() -> SourceId,
    ) -> Option<Received> {
        let ssrc = rtp.header.ssrc;
        let pt = rtp.header.payload_type;
        let is_of = |track: &&Track| track.pt == pt || track.redundant == Some(pt);
        let known = self.tracks.get(&ssrc).filter(is_of);
        if known.is_some() {
            return Some(Received::Packet(self.packet(ssrc, rtp)?));
        }
        let (track, replaces) = self.new_track(rtc, &rtp, new_source)?;
        self.tracks.insert(ssrc, track);
        let packet = self.packet(ssrc, rtp)?;
        Some(Received::Started { packet, replaces })
    }

    /// A sender report arrived.
    pub fn report(&mut self, feedback: &SenderFeedback) {
        let Some(track) = self.tracks.get_mut(&feedback.sender_info.ssrc) else {
            return;
        };
        let ntp = feedback
            .sender_info
            .ntp_time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        let rtp = feedback.sender_info.rtp_time.numer();
        self.clock
            .report(&mut track.clock, ntp, rtp, feedback.received_at);
    }

    pub fn tracks(&self) -> impl Iterator<Item = &Track> {
        self.tracks.values()
    }

    /// Whether the stream with this SSRC is one of its tracks.
    pub fn sends(&self, ssrc: u32) -> bool {
        self.tracks.contains_key(&ssrc.into())
    }

    pub fn track(&self, source: SourceId) -> Option<&Track> {
        self.tracks.values().find(|track| track.source == source)
    }

    fn new_track(
        &mut self,
        rtc: &mut Rtc,
        rtp: &RtpPacket,
        new_source: &mut impl FnMut() -> SourceId,
    ) -> Option<(Track, Option<SourceId>)> {
        let ssrc = rtp.header.ssrc;
        let pt = rtp.header.payload_type;
        let params = *rtc
            .codec_config()
            .find(|p| p.pt() == pt || p.red() == Some(pt))?;
        if params.red() == Some(pt) {
            red::read(&rtp.payload, *params.pt())?;
        }
        let spec = params.spec();
        let codec = codec_of(spec.codec)?;
        let (mid, rid) = {
            let mut direct = rtc.direct_api();
            let stream = direct.stream_rx(&ssrc)?;
            (stream.mid(), stream.rid())
        };
        // The same place in the offer, sent anew: another codec, or another SSRC after a restart.
        let before = self
            .tracks
            .iter()
            .find(|(_, t)| t.mid == mid && t.rid == rid)
            .map(|(ssrc, track)| (*ssrc, track.source));
        if let Some((old, _)) = before {
            self.tracks.remove(&old);
        }
        if self.tracks.len() >= MAX_TRACKS {
            return None;
        }
        let track = Track {
            mid,
            rid,
            source: new_source(),
            codec,
            spec,
            pt: params.pt(),
            redundant: params.red(),
            clock: TrackClock::new(codec.clock_rate()),
        };
        Some((track, before.map(|(_, source)| source)))
    }

    fn packet(&mut self, ssrc: Ssrc, rtp: RtpPacket) -> Option<Packet> {
        let track = self.tracks.get_mut(&ssrc)?;
        let time = rtp.time.numer();
        let mut payload = rtp.payload;
        let mut newest = 0;
        if track.redundant == Some(rtp.header.payload_type) {
            let blocks = red::read(&payload, *track.pt)?;
            if blocks.alike {
                newest = blocks.newest;
            } else {
                // Nobody negotiated what lies before it.
                payload = payload[blocks.newest..].into();
            }
        }
        let extensions = &rtp.header.ext_vals;
        Some(Packet {
            source: track.source,
            codec: track.codec,
            seq: *rtp.seq_no,
            time,
            marker: rtp.header.marker,
            keyframe_start: !track.codec.is_audio() && starts_keyframe(track.codec, &payload),
            captured: self.clock.captured(&mut track.clock, time, rtp.timestamp),
            arrived: rtp.timestamp,
            extras: Extras {
                quarter_turns: extensions.video_orientation.map(quarter_turns),
                audio_level: extensions
                    .audio_level
                    .map(|level| (level, extensions.voice_activity.unwrap_or(false))),
            },
            vp8: (track.codec == Codec::Vp8)
                .then(|| vp8_ids(&payload))
                .flatten(),
            layer: layer_of(track.codec, &payload),
            newest,
            payload,
        })
    }
}

fn quarter_turns(orientation: VideoOrientation) -> u8 {
    match orientation {
        VideoOrientation::Deg0 => 0,
        VideoOrientation::Deg90 => 1,
        VideoOrientation::Deg180 => 2,
        VideoOrientation::Deg270 => 3,
    }
}
