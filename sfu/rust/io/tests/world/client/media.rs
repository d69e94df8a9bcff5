//! What a client sends, and what of it arrived elsewhere.

use std::time::Instant;

use str0m::format::Codec;
use str0m::media::{Mid, Pt, Rid};
use str0m::rtp::{RtpPacket, RtpWrite};

use super::Client;

/// The head of a VP8 keyframe of 640 x 360 (RFC 6386 section 9.1).
const KEYFRAME: [u8; 10] = [0x10, 2, 0, 0x9d, 1, 0x2a, 0x80, 2, 0x68, 1];

impl Client {
    /// Send a picture of one packet, 33 ms after the one before.
    pub fn picture(&mut self, keyframe: bool) {
        let number = self.sent.len() as u64;
        self.picture_at(keyframe, number * 3000, Instant::now());
    }

    /// Send a sound, 20 ms after the one before.
    pub fn sound(&mut self) {
        let number = self.sent_sound.len() as u64;
        self.sound_at(number * 960, Instant::now());
    }

    /// Send a picture with this RTP time, captured then.
    pub fn picture_at(&mut self, keyframe: bool, time: u64, captured: Instant) {
        let number = self.sent.len() as u64;
        // A VP8 descriptor without ids, a keyframe's head or the first byte of another
        // picture's, then something to know it by.
        let mut payload = vec![0x10];
        if keyframe {
            payload.extend_from_slice(&KEYFRAME);
        } else {
            payload.push(0x11);
        }
        payload.extend_from_slice(&number.to_be_bytes());
        payload.resize(300 + number as usize % 700, 0xaa);
        self.send_picture(payload, time, captured);
    }

    /// Send a VP8 picture with these running numbers (RFC 7741 section 4.2).
    pub fn picture_with_ids(&mut self, keyframe: bool, id: u16, tl0: u8) {
        let mut payload = vec![0x90, 0xe0];
        payload.extend_from_slice(&(0x8000 | id).to_be_bytes());
        payload.extend_from_slice(&[tl0, 0]);
        if keyframe {
            payload.extend_from_slice(&KEYFRAME);
        } else {
            payload.push(0x11);
        }
        payload.resize(200, 0xaa);
        let time = self.sent.len() as u64 * 3000;
        self.send_picture(payload, time, Instant::now());
    }

    fn send_picture(&mut self, payload: Vec<u8>, time: u64, captured: Instant) {
        self.send_video(Codec::Vp8, payload, time, captured, true);
    }

    /// Send any packet of a picture.
    pub fn send_video(
        &mut self,
        codec: Codec,
        payload: Vec<u8>,
        time: u64,
        captured: Instant,
        marker: bool,
    ) {
        let (mid, seq) = (self.video, 1000 + self.sent.len() as u64);
        self.sent.push(payload.clone());
        self.times.push(time);
        let pt = self.payload_type(mid, codec);
        let packet = RtpWrite::new(pt, seq.into(), time as u32, captured, payload);
        self.write(mid, None, packet.marker(marker).nackable(true));
    }

    pub fn sound_at(&mut self, time: u64, captured: Instant) {
        let number = self.sent_sound.len() as u64;
        let mut payload = vec![0xfc];
        payload.extend_from_slice(&number.to_be_bytes());
        payload.resize(80, 0xbb);
        self.sent_sound.push(payload.clone());
        self.sound_times.push(time);
        let (mid, seq) = (self.audio, 3000 + number);
        let pt = self.payload_type(mid, Codec::Opus);
        let packet = RtpWrite::new(pt, seq.into(), time as u32, captured, payload);
        self.write(mid, None, packet);
    }

    /// Send any packet of the sound.
    pub fn send_sound(&mut self, pt: Pt, payload: Vec<u8>) {
        let number = self.sent_sound.len() as u64;
        self.sent_sound.push(payload.clone());
        self.sound_times.push(number * 960);
        let (seq, time) = ((3000 + number).into(), number as u32 * 960);
        let packet = RtpWrite::new(pt, seq, time, Instant::now(), payload);
        self.write(self.audio, None, packet);
    }

    /// The RTP time under which we sent this payload.
    pub fn picture_time(&self, payload: &[u8]) -> u64 {
        let index = self.sent.iter().position(|sent| sent == payload);
        self.times[index.expect("a picture of ours")]
    }

    pub fn sound_time(&self, payload: &[u8]) -> u64 {
        let index = self.sent_sound.iter().position(|sent| sent == payload);
        self.sound_times[index.expect("a sound of ours")]
    }

    /// The payload type that was negotiated for this codec.
    pub fn payload_type(&self, mid: Mid, codec: Codec) -> Pt {
        let agreed = self.rtc.media(mid).expect("a track").remote_pts();
        let formats = self.rtc.codec_config().params();
        let fits = formats
            .iter()
            .find(|p| p.spec().codec == codec && agreed.contains(&p.pt()));
        fits.expect("a codec in common").pt()
    }

    pub(super) fn write(&mut self, mid: Mid, rid: Option<Rid>, packet: RtpWrite) {
        let mut direct = self.rtc.direct_api();
        direct
            .stream_tx_by_mid(mid, rid)
            .expect("a stream")
            .write_rtp(packet);
        self.tick();
    }

    /// The numbers of the pictures that arrived, sorted as their order is not that of the wire.
    pub fn picture_numbers(&self) -> Vec<u64> {
        let mut numbers: Vec<u64> = self.pictures.iter().map(|p| *p.seq_no).collect();
        numbers.sort_unstable();
        numbers
    }

    /// The payloads of the pictures that arrived, in the order of their numbers.
    pub fn picture_payloads(&self) -> Vec<Vec<u8>> {
        payloads(&self.pictures)
    }

    pub fn sound_payloads(&self) -> Vec<Vec<u8>> {
        payloads(&self.sounds)
    }
}

fn payloads(packets: &[RtpPacket]) -> Vec<Vec<u8>> {
    let mut packets: Vec<&RtpPacket> = packets.iter().collect();
    packets.sort_by_key(|packet| packet.seq_no);
    packets
        .iter()
        .map(|packet| packet.payload.to_vec())
        .collect()
}

/// True when these are neighbours, each one more than the one before.
pub fn contiguous(numbers: &[u64]) -> bool {
    numbers.windows(2).all(|pair| pair[1] == pair[0] + 1)
}
