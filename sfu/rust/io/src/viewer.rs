//! The half of a peer that only viewers have: its tracks and what they are sent.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sluice_media_core::forward::Forwarder;
use sluice_media_core::gop::Gop;
use sluice_media_core::packet::{Packet, SourceId};
use str0m::Rtc;
use str0m::format::CodecSpec;
use str0m::media::{Mid, Pt};
use str0m::rtp::Ssrc;

use crate::counters::Counters;
use crate::egress::{RtcEgress, ViewerEgress};

/// Packets of a replay that leave in one turn, and the time between turns: 8,000 packets or
/// 75 Mbit/s a second fill no socket buffer, and send two seconds of 2.5 Mbit/s in 65 ms.
pub const REPLAY_BURST: usize = 32;
pub const REPLAY_TURN: Duration = Duration::from_millis(4);

/// Packets kept for retransmission, a track: one second of 4 Mbit/s.
const RESEND_PACKETS: usize = 512;
const RESEND_AGE: Duration = Duration::from_secs(1);
/// Retransmissions may take this share of what is sent.
const RESEND_SHARE: f32 = 0.15;

/// A viewer's tracks.
pub struct Viewer {
    audio: Option<Track>,
    video: Option<Track>,
    joined: Instant,
    /// From the offer to the first picture packet sent.
    pub first_media: Option<Duration>,
    pub packets: u64,
    pub bytes: u64,
}

struct Track {
    mid: Mid,
    /// The stream as the answer names it, until its first packet.
    unopened: Option<(Ssrc, Option<Ssrc>)>,
    forwarder: Forwarder,
    /// The payload type for the source that is sent now; None when the viewer cannot take it.
    format: Option<(SourceId, Option<Pt>)>,
}

impl Viewer {
    pub fn new(rtc: &mut Rtc, audio: Option<Mid>, video: Option<Mid>, now: Instant) -> Self {
        Viewer {
            audio: audio.map(|mid| Track::new(rtc, mid)),
            video: video.map(|mid| Track::new(rtc, mid)),
            joined: now,
            first_media: None,
            packets: 0,
            bytes: 0,
        }
    }

    /// Follow these sources from now on (video: from its next keyframe on).
    pub fn follow(&mut self, audio: Option<SourceId>, video: Option<SourceId>) {
        if let (Some(track), Some(source)) = (&mut self.audio, audio) {
            track.forwarder.follow(source);
        }
        if let (Some(track), Some(source)) = (&mut self.video, video) {
            track.forwarder.follow(source);
        }
    }

    /// Begin with the kept group of pictures. False when the viewer must wait for a keyframe.
    pub fn start_replay(&mut self, gop: &Gop, now: Instant) -> bool {
        match &mut self.video {
            Some(track) => track.forwarder.start_replay(gop, now),
            None => true,
        }
    }

    pub fn is_replaying(&self) -> bool {
        self.video
            .as_ref()
            .is_some_and(|track| track.forwarder.is_replaying())
    }

    /// Queue one turn of the replay. True while there is more.
    pub fn replay(
        &mut self,
        rtc: &mut Rtc,
        gop: &Gop,
        spec: &CodecSpec,
        counters: &Counters,
        now: Instant,
    ) -> bool {
        for _ in 0..REPLAY_BURST {
            let Some(track) = &mut self.video else {
                return false;
            };
            let Some((packet, outgoing)) = track.forwarder.replay_next(gop, now) else {
                return false;
            };
            if let Some(pt) = track.payload_type(rtc, packet.source, spec) {
                track.open(rtc);
                RtcEgress(rtc).write(track.mid, pt, &packet, &outgoing);
                counters.replayed_packets.add(1);
                self.count(&packet, counters, now);
            }
        }
        true
    }

    /// Queue the live packets of a burst. True when something was queued.
    pub fn forward(
        &mut self,
        rtc: &mut Rtc,
        packets: &[(Arc<Packet>, CodecSpec)],
        counters: &Counters,
        now: Instant,
    ) -> bool {
        let mut wrote = false;
        for (packet, spec) in packets {
            let track = if packet.codec.is_audio() {
                &mut self.audio
            } else {
                &mut self.video
            };
            let Some(track) = track else { continue };
            let Some(outgoing) = track.forwarder.live(packet, now) else {
                continue;
            };
            let Some(pt) = track.payload_type(rtc, packet.source, spec) else {
                continue;
            };
            track.open(rtc);
            RtcEgress(rtc).write(track.mid, pt, packet, &outgoing);
            self.count(packet, counters, now);
            wrote = true;
        }
        wrote
    }

    fn count(&mut self, packet: &Packet, counters: &Counters, now: Instant) {
        let bytes = packet.payload.len() as u64;
        self.packets += 1;
        self.bytes += bytes;
        counters.forwarded_packets.add(1);
        counters.forwarded_bytes.add(bytes);
        if self.first_media.is_none() && !packet.codec.is_audio() {
            self.first_media = Some(now.saturating_duration_since(self.joined));
        }
    }
}

impl Track {
    fn new(rtc: &mut Rtc, mid: Mid) -> Self {
        let random = RandomState::new().hash_one(mid.to_string());
        let mut direct = rtc.direct_api();
        let names = direct
            .stream_tx_by_mid(mid, None)
            .map(|stream| (stream.ssrc(), stream.rtx()));
        // A stream that exists sends reports, and one that has sent nothing reports RTP time 0:
        // a browser that believes it puts sound and picture apart. So it is taken away until
        // there is something to report.
        if let Some((ssrc, _)) = names {
            direct.remove_stream_tx(ssrc);
        }
        Track {
            mid,
            unopened: names,
            forwarder: Forwarder::new(random as u16, (random >> 32) as u32),
            format: None,
        }
    }

    /// Make the stream that the answer named, before its first packet.
    fn open(&mut self, rtc: &mut Rtc) {
        if let Some((ssrc, rtx)) = self.unopened.take() {
            rtc.direct_api()
                .declare_stream_tx(ssrc, rtx, self.mid, None)
                .set_rtx_cache(RESEND_PACKETS, RESEND_AGE, Some(RESEND_SHARE));
        }
    }

    /// The viewer's payload type for a source's format; found once a source.
    fn payload_type(&mut self, rtc: &Rtc, source: SourceId, spec: &CodecSpec) -> Option<Pt> {
        match self.format {
            Some((of, pt)) if of == source => pt,
            _ => {
                let pt = payload_type(rtc, self.mid, spec);
                self.format = Some((source, pt));
                pt
            }
        }
    }
}

/// The viewer's payload type that fits best: the same profile, else the same codec. Senders
/// (OBS) announce profiles that they do not send, and decoders take more than they announce.
fn payload_type(rtc: &Rtc, mid: Mid, spec: &CodecSpec) -> Option<Pt> {
    let allowed = rtc.media(mid)?.remote_pts();
    let candidates = || {
        rtc.codec_config()
            .params()
            .iter()
            .filter(|p| allowed.contains(&p.pt()) && p.spec().codec == spec.codec)
    };
    let mode = |s: &CodecSpec| s.format.packetization_mode.unwrap_or(0);
    candidates()
        .find(|p| p.spec().format == spec.format)
        .or_else(|| {
            candidates().find(|p| {
                p.spec().format.profile_level_id == spec.format.profile_level_id
                    && mode(&p.spec()) == mode(spec)
            })
        })
        .or_else(|| candidates().find(|p| mode(&p.spec()) == mode(spec)))
        .or_else(|| candidates().next())
        .map(|p| p.pt())
}
