//! The synthetic stream: what to send and when. It has the headers, the sizes and the rhythm of a
//! live encoder, and nothing that a decoder could show.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::config::PublisherConfig;
use crate::stamp::STAMP_BYTES;

/// The pacer's step; a browser sends its bursts at this distance.
const PACE: Duration = Duration::from_millis(5);
/// One Opus packet.
const AUDIO_STEP: Duration = Duration::from_millis(20);
/// 64 kbit/s.
const AUDIO_BYTES: usize = 160;
/// A keyframe is so many times as large as another picture.
const KEYFRAME_FACTOR: f64 = 4.0;
/// VP8 descriptor with a 15-bit picture id (RFC 7741 section 4.2).
const DESCRIPTOR_BYTES: usize = 4;
/// Descriptor, keyframe header and stamp must find room in every packet.
const SMALLEST_PACKET: usize = DESCRIPTOR_BYTES + 10 + STAMP_BYTES;
/// After a pause longer than this the stream goes on at the present instead of catching up.
const MAX_BACKLOG: Duration = Duration::from_millis(500);
/// Keyframes on request come no faster.
const KEYFRAME_SPACING: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Video,
    Audio,
}

/// One RTP payload to send at `due`.
#[derive(Debug)]
pub(crate) struct Packet {
    pub(crate) kind: Kind,
    pub(crate) due: Instant,
    /// In the codec's clock: 90 kHz video, 48 kHz audio.
    pub(crate) rtp_time: u32,
    pub(crate) marker: bool,
    /// The first packet of a keyframe.
    pub(crate) keyframe: bool,
    pub(crate) payload: Vec<u8>,
}

pub(crate) struct SyntheticStream {
    config: PublisherConfig,
    start: Instant,
    pictures: u64,
    audio_packets: u64,
    picture_id: u16,
    next_keyframe: Instant,
    last_keyframe: Option<Instant>,
    wanted_keyframe: bool,
    paced: VecDeque<Packet>,
    pace_at: Instant,
    in_burst: usize,
}

impl SyntheticStream {
    pub(crate) fn new(config: PublisherConfig, now: Instant) -> Self {
        Self {
            config,
            start: now,
            pictures: 0,
            audio_packets: 0,
            picture_id: 0,
            next_keyframe: now,
            last_keyframe: None,
            wanted_keyframe: false,
            paced: VecDeque::new(),
            pace_at: now,
            in_burst: 0,
        }
    }

    /// When [`SyntheticStream::take`] will have a packet.
    pub(crate) fn due(&self) -> Instant {
        let video = self
            .paced
            .front()
            .map_or(self.picture_due(), |packet| packet.due);
        if self.config.audio {
            video.min(self.audio_due())
        } else {
            video
        }
    }

    /// The next packet whose time has come.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Packet> {
        self.skip_backlog(now);
        if self.config.audio && self.audio_due() <= now {
            return Some(self.audio());
        }
        if self.picture_due() <= now {
            self.paint();
        }
        if self.paced.front()?.due <= now {
            self.paced.pop_front()
        } else {
            None
        }
    }

    /// Make the next picture a keyframe, unless there was one just now.
    pub(crate) fn request_keyframe(&mut self) {
        self.wanted_keyframe = true;
    }

    fn picture_due(&self) -> Instant {
        self.start + Duration::from_secs(1) * self.pictures as u32 / self.config.fps
    }

    fn audio_due(&self) -> Instant {
        self.start + AUDIO_STEP * self.audio_packets as u32
    }

    fn skip_backlog(&mut self, now: Instant) {
        if now.saturating_duration_since(self.picture_due()) <= MAX_BACKLOG {
            return;
        }
        let elapsed = now - self.start;
        self.pictures = (elapsed.as_secs_f64() * f64::from(self.config.fps)) as u64;
        self.audio_packets = (elapsed.as_nanos() / AUDIO_STEP.as_nanos()) as u64;
    }

    /// Queue the packets of the next picture.
    fn paint(&mut self) {
        let due = self.picture_due();
        let spaced = self
            .last_keyframe
            .is_none_or(|last| due >= last + KEYFRAME_SPACING);
        let keyframe = due >= self.next_keyframe || (self.wanted_keyframe && spaced);
        if keyframe {
            self.next_keyframe = due + Duration::from_secs_f64(self.config.gop_s);
            self.last_keyframe = Some(due);
            self.wanted_keyframe = false;
        }
        let rtp_time = (self.pictures * 90_000 / u64::from(self.config.fps)) as u32;
        let mut left = self.picture_bytes(keyframe).max(SMALLEST_PACKET);
        let mut first = true;
        while left > 0 {
            let length = left.min(self.config.packet_bytes);
            left -= length;
            let header = first.then_some(FrameHeader {
                keyframe,
                width: self.config.width,
                height: self.config.height,
            });
            let payload = vp8_payload(length.max(SMALLEST_PACKET), self.picture_id, header);
            let due = self.pace(due);
            self.paced.push_back(Packet {
                kind: Kind::Video,
                due,
                rtp_time,
                marker: left == 0,
                keyframe: first && keyframe,
                payload,
            });
            first = false;
        }
        self.picture_id = (self.picture_id + 1) & 0x7fff;
        self.pictures += 1;
    }

    /// Payload bytes of a picture, so that a whole GOP keeps the bit rate.
    fn picture_bytes(&self, keyframe: bool) -> usize {
        let even = f64::from(self.config.bitrate) / 8.0 / f64::from(self.config.fps);
        let gop = (self.config.gop_s * f64::from(self.config.fps)).max(1.0);
        let inter = even * gop / (gop + KEYFRAME_FACTOR - 1.0);
        (if keyframe {
            inter * KEYFRAME_FACTOR
        } else {
            inter
        }) as usize
    }

    /// The moment for the next packet of a picture that is due at `due`.
    fn pace(&mut self, due: Instant) -> Instant {
        if self.config.burst == 0 {
            return due;
        }
        // The pacer must be faster than the stream, or its queue would grow for ever.
        let bytes = f64::from(self.config.bitrate) / 8.0 * PACE.as_secs_f64() * 1.5;
        let enough = (bytes / self.config.packet_bytes as f64).ceil() as usize;
        if due > self.pace_at + PACE {
            (self.pace_at, self.in_burst) = (due, 0);
        } else if self.in_burst >= self.config.burst.max(enough) {
            (self.pace_at, self.in_burst) = (self.pace_at + PACE, 0);
        }
        self.in_burst += 1;
        self.pace_at.max(due)
    }

    fn audio(&mut self) -> Packet {
        let due = self.audio_due();
        // CELT, full band, 20 ms, stereo, one frame (RFC 6716 section 3.1).
        let mut payload = vec![0x55; AUDIO_BYTES];
        payload[0] = 0xfc;
        let rtp_time = (self.audio_packets * 960) as u32;
        self.audio_packets += 1;
        Packet {
            kind: Kind::Audio,
            due,
            rtp_time,
            marker: false,
            keyframe: false,
            payload,
        }
    }
}

/// What stands at the start of a picture (RFC 6386 section 9.1).
struct FrameHeader {
    keyframe: bool,
    width: u16,
    height: u16,
}

/// A VP8 payload: descriptor, frame header in a picture's first packet, fill.
fn vp8_payload(length: usize, picture_id: u16, header: Option<FrameHeader>) -> Vec<u8> {
    let mut payload = Vec::with_capacity(length);
    payload.push(if header.is_some() { 0x90 } else { 0x80 });
    payload.push(0x80);
    payload.extend((picture_id | 0x8000).to_be_bytes());
    if let Some(header) = header {
        let (shown, inter) = (1 << 4, u8::from(!header.keyframe));
        payload.extend([shown | inter, 0, 0]);
        if header.keyframe {
            payload.extend([0x9d, 0x01, 0x2a]);
            payload.extend(header.width.to_le_bytes());
            payload.extend(header.height.to_le_bytes());
        }
    }
    payload.resize(length, 0x55);
    payload
}

#[cfg(test)]
mod tests {
    use super::*;
    use str0m::format::detect_vp8_keyframe;
    use str0m::rtp::Vp8Descriptor;

    /// Run `seconds` in steps of a millisecond.
    fn run(config: &PublisherConfig, seconds: u64) -> Vec<Packet> {
        let start = Instant::now();
        let mut stream = SyntheticStream::new(config.clone(), start);
        let mut packets = Vec::new();
        for ms in 0..seconds * 1000 {
            while let Some(packet) = stream.take(start + Duration::from_millis(ms)) {
                packets.push(packet);
            }
        }
        packets
    }

    #[test]
    fn bit_rate_rhythm_and_keyframes_are_as_configured() {
        let packets = run(&PublisherConfig::default(), 10);
        let video: Vec<_> = packets.iter().filter(|p| p.kind == Kind::Video).collect();
        let bits: usize = video.iter().map(|p| p.payload.len() * 8).sum();
        assert!((24_000_000..26_000_000).contains(&bits), "{bits}");
        assert_eq!(video.iter().filter(|p| p.marker).count(), 300);
        assert_eq!(video.iter().filter(|p| p.keyframe).count(), 5);
        assert_eq!(packets.len() - video.len(), 500);
    }

    #[test]
    fn payloads_are_valid_vp8() {
        for packet in run(&PublisherConfig::default(), 3) {
            if packet.kind == Kind::Video {
                assert!(Vp8Descriptor::parse(&packet.payload).is_ok());
                assert_eq!(detect_vp8_keyframe(&packet.payload), packet.keyframe);
                assert!((SMALLEST_PACKET..=1200).contains(&packet.payload.len()));
            }
        }
    }

    #[test]
    fn a_burst_is_never_larger_than_configured() {
        let mut at = std::collections::HashMap::new();
        for packet in run(&PublisherConfig::default(), 3) {
            if packet.kind == Kind::Video {
                *at.entry(packet.due).or_insert(0) += 1;
            }
        }
        assert_eq!(at.values().max(), Some(&4));
    }

    #[test]
    fn a_requested_keyframe_comes_with_the_next_picture_and_not_in_a_storm() {
        let start = Instant::now();
        let mut stream = SyntheticStream::new(PublisherConfig::default(), start);
        let mut keyframes = 0;
        for ms in 0..1900 {
            stream.request_keyframe();
            while let Some(packet) = stream.take(start + Duration::from_millis(ms)) {
                keyframes += u32::from(packet.keyframe);
            }
        }
        assert_eq!(keyframes, 4);
    }

    #[test]
    fn after_a_long_pause_it_goes_on_at_the_present() {
        let start = Instant::now();
        let mut stream = SyntheticStream::new(PublisherConfig::default(), start);
        while stream.take(start).is_some() {}
        let later = start + Duration::from_secs(60);
        let mut taken = 0;
        while stream.take(later).is_some() {
            taken += 1;
        }
        assert!(taken < 100, "{taken}");
        assert!(stream.due() > later);
    }
}
