//! The streams of one viewer: what their packets mean for loss and for keyframes.

use std::time::Instant;

use str0m::format::{
    Codec, detect_av1_keyframe, detect_h264_keyframe, detect_vp8_keyframe, detect_vp9_keyframe,
};
use str0m::rtp::RtpPacket;

use crate::header::RtpHeader;
use crate::keyframe::{KeyframeRun, Picture};
use crate::sequence::{Arrival, SequenceTracker};
use crate::tally::Tally;

/// More streams than this in one viewer are not followed.
const MAX_STREAMS: usize = 16;

#[derive(Default)]
pub(crate) struct Streams(Vec<Stream>);

/// One SSRC.
struct Stream {
    ssrc: u32,
    codec: Codec,
    sequence: SequenceTracker,
    keyframes: KeyframeRun,
}

impl Streams {
    /// Count a packet by its clear header: Some(whether it is new), None when not followed.
    pub(crate) fn arrive(
        &mut self,
        header: RtpHeader,
        codec: Codec,
        bytes: usize,
        now: Instant,
        tally: &mut Tally,
    ) -> Option<bool> {
        let Some(stream) = self.find_or_add(header.ssrc, codec) else {
            tally.counts.unknown += 1;
            return None;
        };
        let arrival = stream.sequence.arrive(header.sequence, now);
        let totals = tally.media(codec);
        if arrival == Arrival::Duplicate {
            totals.duplicates += 1;
            return Some(false);
        }
        totals.packets += 1;
        totals.bytes += bytes as u64;
        totals.reordered += u64::from(arrival == Arrival::Filled);
        totals.restarts += u64::from(arrival == Arrival::Restart);
        Some(true)
    }

    /// Count a packet that str0m took out of a retransmission.
    pub(crate) fn repair(&mut self, packet: &RtpPacket, now: Instant, tally: &mut Tally) {
        let Some(stream) = self.find(*packet.header.ssrc) else {
            return;
        };
        if stream.sequence.arrive(packet.header.sequence_number, now) == Arrival::Filled {
            let totals = tally.media(stream.codec);
            totals.packets += 1;
            totals.recovered += 1;
            // About the original's length: RTP header, payload and the 16 bytes of a GCM tag.
            totals.bytes += packet.payload.len() as u64 + 28;
        }
    }

    /// True when this decrypted packet completes a keyframe.
    pub(crate) fn completes_keyframe(&mut self, packet: &RtpPacket) -> bool {
        let Some(stream) = self.find(*packet.header.ssrc) else {
            return false;
        };
        stream.codec.is_video()
            && stream.keyframes.arrive(Picture {
                sequence: *packet.seq_no,
                rtp_time: packet.header.timestamp,
                marker: packet.header.marker,
                keyframe: begins_keyframe(stream.codec, &packet.payload),
            })
    }

    /// Give up old holes; true when video was lost by that.
    pub(crate) fn expire(&mut self, now: Instant, tally: &mut Tally) -> bool {
        let mut lost_video = false;
        for stream in &mut self.0 {
            let lost = stream.sequence.expire(now);
            tally.media(stream.codec).lost += lost;
            lost_video |= lost > 0 && stream.codec.is_video();
        }
        lost_video
    }

    pub(crate) fn codec_of(&self, ssrc: u32) -> Option<Codec> {
        let stream = self.0.iter().find(|stream| stream.ssrc == ssrc);
        stream.map(|stream| stream.codec)
    }

    /// The SSRC of the video stream that appeared last.
    pub(crate) fn newest_video(&self) -> Option<u32> {
        let newest = self.0.iter().rev().find(|stream| stream.codec.is_video());
        newest.map(|stream| stream.ssrc)
    }

    fn find(&mut self, ssrc: u32) -> Option<&mut Stream> {
        self.0.iter_mut().find(|stream| stream.ssrc == ssrc)
    }

    fn find_or_add(&mut self, ssrc: u32, codec: Codec) -> Option<&mut Stream> {
        let known = self.0.iter().position(|stream| stream.ssrc == ssrc);
        let position = match known {
            Some(position) => position,
            None if self.0.len() >= MAX_STREAMS => return None,
            None => {
                self.0.push(Stream {
                    ssrc,
                    codec,
                    sequence: SequenceTracker::default(),
                    keyframes: KeyframeRun::default(),
                });
                self.0.len() - 1
            }
        };
        Some(&mut self.0[position])
    }
}

fn begins_keyframe(codec: Codec, payload: &[u8]) -> bool {
    match codec {
        Codec::H264 => detect_h264_keyframe(payload),
        Codec::Vp8 => detect_vp8_keyframe(payload),
        Codec::Vp9 => detect_vp9_keyframe(payload),
        Codec::Av1 => detect_av1_keyframe(payload),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sequence::PATIENCE;

    fn header(ssrc: u32, sequence: u16) -> RtpHeader {
        RtpHeader {
            payload_type: 96,
            sequence,
            ssrc,
        }
    }

    #[test]
    fn audio_and_video_are_counted_apart_and_each_ssrc_has_its_own_sequence() {
        let (mut streams, mut tally, now) = (Streams::default(), Tally::new(), Instant::now());
        for (ssrc, sequence, codec) in [
            (1, 5, Codec::Vp8),
            (2, 900, Codec::Opus),
            (1, 7, Codec::Vp8),
            (2, 901, Codec::Opus),
        ] {
            let fresh = streams.arrive(header(ssrc, sequence), codec, 100, now, &mut tally);
            assert_eq!(fresh, Some(true));
        }
        assert!(streams.expire(now + PATIENCE, &mut tally));
        let report = tally.report();
        assert_eq!(
            (report.video.packets, report.video.bytes, report.video.lost),
            (2, 200, 1)
        );
        assert_eq!((report.audio.packets, report.audio.lost), (2, 0));
        assert_eq!(
            (streams.newest_video(), streams.codec_of(2)),
            (Some(1), Some(Codec::Opus))
        );
    }

    #[test]
    fn streams_beyond_the_limit_are_counted_as_unknown() {
        let (mut streams, mut tally, now) = (Streams::default(), Tally::new(), Instant::now());
        for ssrc in 0..MAX_STREAMS as u32 + 2 {
            streams.arrive(header(ssrc, 1), Codec::Vp8, 100, now, &mut tally);
        }
        assert_eq!(tally.report().unknown, 2);
        assert_eq!(tally.report().video.packets, MAX_STREAMS as u64);
    }
}
