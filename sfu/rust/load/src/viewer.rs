//! One viewer: what its datagrams mean for the run's figures.

use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::format::{
    Codec, detect_av1_keyframe, detect_h264_keyframe, detect_vp8_keyframe, detect_vp9_keyframe,
};
use str0m::media::{Direction, MediaKind, Mid};
use str0m::rtp::{RtpPacket, Ssrc};
use str0m::{Event, IceConnectionState, RtcError};

use crate::config::LoadConfig;
use crate::header::RtpHeader;
use crate::keyframe::{KeyframeRun, Picture};
use crate::peer::{Identity, PayloadKind, Peer, payload_kinds};
use crate::sequence::{Arrival, SequenceTracker};
use crate::socket::{self, Datagram};
use crate::stamp;
use crate::system;
use crate::tally::Tally;

/// More streams than this in one viewer are not followed.
const MAX_STREAMS: usize = 16;
/// How long a viewer waits for its first keyframe before it asks.
const KEYFRAME_PATIENCE: Duration = Duration::from_millis(500);
/// Requests of one viewer come no faster, unless a storm is configured.
const PLI_SPACING: Duration = Duration::from_secs(1);
const MAX_PLIS_AT_ONCE: u32 = 10;
/// The sender SSRC of our keyframe requests; a receive-only peer has no own one.
const OUR_SSRC: u32 = 1;

pub(crate) struct Viewer {
    pub(crate) peer: Peer,
    /// Decrypted and checked in full.
    pub(crate) verified: bool,
    pub(crate) state: State,
    pending: Option<SdpPendingOffer>,
    kinds: [PayloadKind; 128],
    streams: Vec<Stream>,
    offered: Instant,
    connected_ns: u64,
    first_packet: Option<Instant>,
    last_video: Option<Instant>,
    saw_keyframe: bool,
    wants_keyframe: bool,
    next_pli: Instant,
    nacks: Vec<(Mid, u64)>,
    drops_counted: u64,
    loss: Loss,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Offered,
    Connecting,
    Connected,
    /// Over, and not by our wish.
    Closed,
}

/// One SSRC.
struct Stream {
    ssrc: u32,
    codec: Codec,
    sequence: SequenceTracker,
    keyframes: KeyframeRun,
}

/// When a batch was taken, and how its kernel times become `CLOCK_MONOTONIC`.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) now: Instant,
    pub(crate) realtime_offset_ns: u64,
}

impl Viewer {
    /// A new viewer and its SDP offer.
    pub(crate) fn offer(
        identity: &Identity,
        config: &LoadConfig,
        number: u64,
        now: Instant,
    ) -> std::io::Result<(Self, String)> {
        let every = u64::from(config.verify_every);
        let verified = every > 0 && number.is_multiple_of(every);
        let rtc = identity.viewer_config(verified, config.twcc);
        let mut peer = Peer::open(rtc, config.bind, config.receive_buffer, now)?;
        socket::prepare_batches(&peer.socket, config.gro)?;
        let mut changes = peer.rtc.sdp_api();
        changes.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        changes.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        if config.data_channel {
            changes.add_channel("echo".into());
        }
        let (offer, pending) = changes
            .apply()
            .ok_or_else(|| std::io::Error::other("str0m made no offer"))?;
        let viewer = Self {
            peer,
            verified,
            state: State::Offered,
            pending: Some(pending),
            kinds: [PayloadKind::Unknown; 128],
            streams: Vec::new(),
            offered: now,
            connected_ns: 0,
            first_packet: None,
            last_video: None,
            saw_keyframe: false,
            wants_keyframe: false,
            next_pli: now,
            nacks: Vec::new(),
            drops_counted: 0,
            loss: Loss::new(config.loss, config.seed, number),
        };
        Ok((viewer, offer.to_sdp_string()))
    }

    /// Take the server's answer. Errors: answered already, malformed, or not fit for the offer.
    pub(crate) fn answer(&mut self, sdp: &str, now: Instant) -> Result<(), String> {
        let pending = self
            .pending
            .take()
            .ok_or("this viewer has its answer already")?;
        let answer = SdpAnswer::from_sdp_string(sdp).map_err(|error| error.to_string())?;
        let accepted = self.peer.rtc.sdp_api().accept_answer(pending, answer);
        accepted.map_err(|error| error.to_string())?;
        self.kinds = payload_kinds(self.peer.rtc.codec_config());
        self.state = State::Connecting;
        self.peer.tick(now).map_err(|error| error.to_string())
    }

    pub(crate) fn receive(
        &mut self,
        datagram: &Datagram<'_>,
        moment: Moment,
        tally: &mut Tally,
    ) -> Result<(), RtcError> {
        match RtpHeader::parse(datagram.bytes) {
            Some(header) => self.receive_rtp(header, datagram, moment, tally),
            None => {
                if !self
                    .peer
                    .receive(moment.now, datagram.source, datagram.bytes)?
                {
                    tally.counts.unknown += 1;
                }
                self.drain(moment.now, None, tally).map(|_| ())
            }
        }
    }

    /// Let str0m's time pass.
    pub(crate) fn tick(&mut self, now: Instant, tally: &mut Tally) -> Result<(), RtcError> {
        self.peer.tick(now)?;
        self.drain(now, None, tally).map(|_| ())
    }

    /// Give up old holes and ask for keyframes; to be called some ten times a second.
    pub(crate) fn housekeep(
        &mut self,
        config: &LoadConfig,
        now: Instant,
        tally: &mut Tally,
    ) -> Result<(), RtcError> {
        for stream in &mut self.streams {
            let lost = stream.sequence.expire(now);
            tally.media(stream.codec).lost += lost;
            self.wants_keyframe |= lost > 0 && stream.codec.is_video();
        }
        tally.counts.send_errors += self.peer.take_send_errors();
        self.request_keyframes(config, now, tally)
    }

    pub(crate) fn count_kernel_drops(&mut self, tally: &mut Tally) {
        let drops = socket::kernel_drops(&self.peer.socket);
        tally.counts.client_drops += drops.saturating_sub(self.drops_counted);
        self.drops_counted = drops;
    }

    pub(crate) fn is_receiving(&self, now: Instant) -> bool {
        let recent = |last: Instant| now.saturating_duration_since(last) <= Duration::from_secs(1);
        self.last_video.is_some_and(recent)
    }

    fn receive_rtp(
        &mut self,
        header: RtpHeader,
        datagram: &Datagram<'_>,
        moment: Moment,
        tally: &mut Tally,
    ) -> Result<(), RtcError> {
        let now = moment.now;
        let arrived_ns = match datagram.arrived_ns {
            0 => None,
            realtime => Some(realtime.saturating_sub(moment.realtime_offset_ns)),
        };
        let kind = self.kinds[usize::from(header.payload_type)];
        if kind == PayloadKind::Unknown {
            tally.counts.unknown += 1;
            return Ok(());
        }
        if self.loss.strikes() {
            tally.counts.injected_drops += 1;
            return Ok(());
        }
        let PayloadKind::Media(codec) = kind else {
            tally.counts.rtx_packets += 1;
            if self.verified {
                self.peer.receive(now, datagram.source, datagram.bytes)?;
                self.drain(now, Some(Source::Repair), tally)?;
            }
            return Ok(());
        };
        let Some(fresh) = self.account(header, codec, datagram.bytes.len(), now, tally) else {
            return Ok(());
        };
        if self.verified {
            self.peer.receive(now, datagram.source, datagram.bytes)?;
            let seen = self.drain(now, Some(Source::Live { arrived_ns }), tally)?;
            if fresh && seen == 0 && self.state == State::Connected {
                tally.counts.rejected += 1;
            }
        }
        Ok(())
    }

    /// Count a packet by its clear header: Some(whether it is new), None when not followed.
    fn account(
        &mut self,
        header: RtpHeader,
        codec: Codec,
        bytes: usize,
        now: Instant,
        tally: &mut Tally,
    ) -> Option<bool> {
        let known = self
            .streams
            .iter()
            .position(|stream| stream.ssrc == header.ssrc);
        let position = match known {
            Some(position) => position,
            None if self.streams.len() < MAX_STREAMS => {
                self.streams.push(Stream {
                    ssrc: header.ssrc,
                    codec,
                    sequence: SequenceTracker::default(),
                    keyframes: KeyframeRun::default(),
                });
                self.streams.len() - 1
            }
            None => {
                tally.counts.unknown += 1;
                return None;
            }
        };
        let arrival = self.streams[position].sequence.arrive(header.sequence, now);
        let totals = tally.media(codec);
        if arrival == Arrival::Duplicate {
            totals.duplicates += 1;
            return Some(false);
        }
        totals.packets += 1;
        totals.bytes += bytes as u64;
        totals.reordered += u64::from(arrival == Arrival::Filled);
        totals.restarts += u64::from(arrival == Arrival::Restart);
        if codec.is_video() {
            self.last_video = Some(now);
        }
        if self.first_packet.is_none() {
            self.first_packet = Some(now);
            tally.counts.with_media += 1;
            tally.joined_packet(now - self.offered);
        }
        Some(true)
    }

    /// Take all of str0m's events; returns how many media packets were among them.
    pub(crate) fn drain(
        &mut self,
        now: Instant,
        source: Option<Source>,
        tally: &mut Tally,
    ) -> Result<u64, RtcError> {
        let mut packets = 0;
        while let Some(event) = self.peer.poll()? {
            match event {
                Event::RtpPacket(packet) => {
                    packets += 1;
                    self.media(&packet, source, now, tally);
                }
                Event::Connected => self.connected(now, tally),
                Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                    self.closed("ICE consent was lost", tally);
                }
                Event::Closed => self.closed("the server closed the session", tally),
                Event::ChannelOpen(channel, _) => self.ping(channel),
                Event::ChannelData(data) => {
                    if let Some(sent_ns) = stamp::read(&data.data) {
                        let ns = system::monotonic_ns().saturating_sub(sent_ns);
                        tally.echo_rtt.record(ns / 1000);
                    }
                }
                Event::MediaIngressStats(stats) => self.count_nacks(stats.mid, stats.nacks, tally),
                _ => {}
            }
        }
        Ok(packets)
    }

    /// A decrypted packet: keyframes and latency.
    fn media(
        &mut self,
        packet: &RtpPacket,
        source: Option<Source>,
        now: Instant,
        tally: &mut Tally,
    ) {
        let ssrc = *packet.header.ssrc;
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.ssrc == ssrc) else {
            return;
        };
        let codec = stream.codec;
        match source {
            Some(Source::Repair) => {
                let sequence = packet.header.sequence_number;
                if stream.sequence.arrive(sequence, now) == Arrival::Filled {
                    let totals = tally.media(codec);
                    totals.packets += 1;
                    totals.recovered += 1;
                    // The original's length: payload, RTP header and the 16 bytes of a GCM tag.
                    totals.bytes += packet.payload.len() as u64 + 28;
                }
            }
            Some(Source::Live {
                arrived_ns: Some(arrived_ns),
            }) => {
                if let Some(sent_ns) = stamp::read(&packet.payload) {
                    if sent_ns < self.connected_ns {
                        tally.counts.replayed += 1;
                    } else {
                        let us = arrived_ns.saturating_sub(sent_ns) / 1000;
                        tally.latency(codec).record(us);
                    }
                }
            }
            _ => {}
        }
        if codec.is_video() {
            let complete = stream.keyframes.arrive(Picture {
                sequence: *packet.seq_no,
                rtp_time: packet.header.timestamp,
                marker: packet.header.marker,
                keyframe: begins_keyframe(codec, &packet.payload),
            });
            if complete {
                tally.counts.keyframes += 1;
                self.wants_keyframe = false;
                if !std::mem::replace(&mut self.saw_keyframe, true) {
                    tally.joined_keyframe(now - self.offered);
                }
            }
        }
    }

    fn connected(&mut self, now: Instant, tally: &mut Tally) {
        self.state = State::Connected;
        self.connected_ns = system::monotonic_ns();
        tally.joined_connected(now - self.offered);
    }

    fn closed(&mut self, reason: &str, tally: &mut Tally) {
        if self.state != State::Closed {
            self.state = State::Closed;
            tally.closed(reason);
        }
    }

    /// Send one stamped message; the server answers with the same bytes.
    fn ping(&mut self, channel: ChannelId) {
        let mut message = [0; stamp::STAMP_BYTES];
        stamp::write(&mut message, system::monotonic_ns());
        if let Some(mut channel) = self.peer.rtc.channel(channel) {
            // A refused message shows as a missing answer in `echo_rtt.count`.
            let _ = channel.write(true, &message);
        }
    }

    /// str0m's count is a sum per media line; take what is new.
    fn count_nacks(&mut self, mid: Mid, sum: u64, tally: &mut Tally) {
        match self.nacks.iter_mut().find(|entry| entry.0 == mid) {
            Some(entry) => {
                tally.counts.nacks += sum.saturating_sub(entry.1);
                entry.1 = sum;
            }
            None => {
                tally.counts.nacks += sum;
                self.nacks.push((mid, sum));
            }
        }
    }

    fn request_keyframes(
        &mut self,
        config: &LoadConfig,
        now: Instant,
        tally: &mut Tally,
    ) -> Result<(), RtcError> {
        if self.state != State::Connected {
            return Ok(());
        }
        let storm = config.pli_per_second > 0.0;
        let waited = |since: Instant| now.saturating_duration_since(since) >= KEYFRAME_PATIENCE;
        let missing = !self.saw_keyframe && self.first_packet.is_some_and(waited);
        let needed = self.verified && config.pli_when_needed && (missing || self.wants_keyframe);
        if !(storm || needed) {
            return Ok(());
        }
        let spacing = match storm {
            true => Duration::from_secs_f64(1.0 / config.pli_per_second),
            false => PLI_SPACING,
        };
        let newest = self
            .streams
            .iter()
            .rev()
            .find(|stream| stream.codec.is_video());
        let Some(media) = newest.map(|stream| Ssrc::from(stream.ssrc)) else {
            return Ok(());
        };
        // A storm faster than housekeeping sends several at once, but works off no long backlog.
        let mut at_once = 0;
        while self.next_pli <= now && at_once < MAX_PLIS_AT_ONCE {
            at_once += 1;
            let from = if storm && at_once < MAX_PLIS_AT_ONCE {
                self.next_pli
            } else {
                now
            };
            self.next_pli = from + spacing;
            self.peer
                .rtc
                .direct_api()
                .send_pli_feedback(OUR_SSRC.into(), media);
            tally.counts.plis += 1;
            self.tick(now, tally)?;
        }
        Ok(())
    }
}

/// What str0m was fed when it gave out a packet.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    /// A first transmission, with its arrival in `CLOCK_MONOTONIC` nanoseconds.
    Live { arrived_ns: Option<u64> },
    /// A retransmission.
    Repair,
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

/// Seeded loss (xorshift64*: good enough to choose packets, and free of dependencies).
struct Loss {
    threshold: u64,
    state: u64,
}

impl Loss {
    fn new(part: f64, seed: u64, viewer: u64) -> Self {
        let mixed = (seed ^ (viewer << 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self {
            threshold: (part * u64::MAX as f64) as u64,
            state: mixed | 1,
        }
    }

    fn strikes(&mut self) -> bool {
        if self.threshold == 0 {
            return false;
        }
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) < self.threshold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_strikes_the_configured_part_and_repeats_with_its_seed() {
        let draw = |seed| {
            let mut loss = Loss::new(0.1, seed, 3);
            (0..10_000).map(|_| loss.strikes()).collect::<Vec<_>>()
        };
        let first = draw(7);
        let struck = first.iter().filter(|struck| **struck).count();
        assert!((900..1100).contains(&struck), "{struck}");
        assert_eq!(first, draw(7));
        assert_ne!(first, draw(8));
    }

    #[test]
    fn an_offer_names_a_candidate_video_audio_and_the_echo_channel() {
        let identity = Identity::new().expect("certificate");
        let config = LoadConfig::default();
        let (viewer, offer) =
            Viewer::offer(&identity, &config, 0, Instant::now()).expect("an offer");
        let port = viewer.peer.socket.local_addr().expect("an address").port();
        assert!(
            offer.contains(&format!(" 127.0.0.1 {port} typ host")),
            "{offer}"
        );
        for part in ["m=video", "m=audio", "m=application", "a=recvonly"] {
            assert!(offer.contains(part), "{part} is missing in {offer}");
        }
    }

    #[test]
    fn a_bad_answer_is_an_error_and_so_is_a_second_one() {
        let identity = Identity::new().expect("certificate");
        let now = Instant::now();
        let (mut viewer, _) =
            Viewer::offer(&identity, &LoadConfig::default(), 0, now).expect("an offer");
        assert!(viewer.answer("v=0\r\nnonsense", now).is_err());
        let second = viewer.answer("v=0\r\nnonsense", now);
        assert!(second.is_err_and(|text| text.contains("already")));
    }
}
