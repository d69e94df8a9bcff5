//! One viewer: what its datagrams mean for the run's figures.

use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::channel::ChannelId;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::rtp::{RtpPacket, Ssrc};
use str0m::{Event, IceConnectionState, RtcError};

use crate::config::LoadConfig;
use crate::header::RtpHeader;
use crate::loss::Loss;
use crate::peer::{Identity, PayloadKind, Peer, payload_kinds};
use crate::socket::{self, Datagram};
use crate::stamp;
use crate::streams::Streams;
use crate::system;
use crate::tally::Tally;
use crate::wish::KeyframeWish;

/// The sender SSRC of our keyframe requests; a receive-only peer has no own one.
const OUR_SSRC: u32 = 1;

pub(crate) struct Viewer {
    pub(crate) peer: Peer,
    /// Decrypted and checked in full.
    pub(crate) verified: bool,
    pub(crate) state: State,
    pending: Option<SdpPendingOffer>,
    kinds: [PayloadKind; 128],
    streams: Streams,
    offered: Instant,
    connected_ns: u64,
    has_media: bool,
    last_video: Option<Instant>,
    wish: KeyframeWish,
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
        let mut viewer = Self::open(identity, config, number, now)?;
        let mut changes = viewer.peer.rtc.sdp_api();
        changes.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        changes.add_media(MediaKind::Audio, Direction::RecvOnly, None, None, None);
        if config.data_channel {
            changes.add_channel("echo".into());
        }
        let (offer, pending) = changes
            .apply()
            .ok_or_else(|| std::io::Error::other("str0m made no offer"))?;
        viewer.pending = Some(pending);
        Ok((viewer, offer.to_sdp_string()))
    }

    /// A new viewer for a server that makes the offers, and its SDP answer.
    pub(crate) fn accept(
        identity: &Identity,
        config: &LoadConfig,
        number: u64,
        offer: &str,
        now: Instant,
    ) -> Result<(Self, String), String> {
        let offer = SdpOffer::from_sdp_string(offer).map_err(|error| error.to_string())?;
        let opened = Self::open(identity, config, number, now);
        let mut viewer = opened.map_err(|error| error.to_string())?;
        let accepted = viewer.peer.rtc.sdp_api().accept_offer(offer);
        let answer = accepted.map_err(|error| error.to_string())?;
        viewer.begin(now)?;
        Ok((viewer, answer.to_sdp_string()))
    }

    fn open(
        identity: &Identity,
        config: &LoadConfig,
        number: u64,
        now: Instant,
    ) -> std::io::Result<Self> {
        let every = u64::from(config.verify_every);
        let verified = every > 0 && number.is_multiple_of(every);
        let rtc = identity.viewer_config(verified, config.twcc);
        let peer = Peer::open(rtc, config.bind, config.receive_buffer, now)?;
        socket::prepare_batches(&peer.socket, config.gro)?;
        Ok(Self {
            peer,
            verified,
            state: State::Offered,
            pending: None,
            kinds: [PayloadKind::Unknown; 128],
            streams: Streams::default(),
            offered: now,
            connected_ns: 0,
            has_media: false,
            last_video: None,
            wish: KeyframeWish::new(config, verified, now),
            nacks: Vec::new(),
            drops_counted: 0,
            loss: Loss::new(config.loss, config.seed, number),
        })
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
        self.begin(now)
    }

    /// Offer and answer are exchanged: connect.
    fn begin(&mut self, now: Instant) -> Result<(), String> {
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
    pub(crate) fn housekeep(&mut self, now: Instant, tally: &mut Tally) -> Result<(), RtcError> {
        if self.streams.expire(now, tally) {
            self.wish.picture_broke();
        }
        tally.counts.send_errors += self.peer.take_send_errors();
        self.request_keyframes(now, tally)
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
        let length = datagram.bytes.len();
        let Some(fresh) = self.streams.arrive(header, codec, length, now, tally) else {
            return Ok(());
        };
        if fresh {
            self.received(codec.is_video(), now, tally);
        }
        if self.verified {
            self.peer.receive(now, datagram.source, datagram.bytes)?;
            let seen = self.drain(now, Some(Source::Live { arrived_ns }), tally)?;
            if fresh && seen == 0 && self.state == State::Connected {
                tally.counts.rejected += 1;
            }
        }
        Ok(())
    }

    /// A media packet came that was not there yet.
    fn received(&mut self, video: bool, now: Instant, tally: &mut Tally) {
        if video {
            self.last_video = Some(now);
        }
        if !std::mem::replace(&mut self.has_media, true) {
            self.wish.media_began(now);
            tally.counts.with_media += 1;
            tally.joined_packet(now - self.offered);
        }
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
        match source {
            Some(Source::Repair) => self.streams.repair(packet, now, tally),
            Some(Source::Live {
                arrived_ns: Some(arrived_ns),
            }) => {
                self.time(packet, arrived_ns, tally);
            }
            _ => {}
        }
        if self.streams.completes_keyframe(packet) {
            tally.counts.keyframes += 1;
            if self.wish.keyframe_came() {
                tally.joined_keyframe(now - self.offered);
            }
        }
    }

    /// The delay of a packet that our own publisher stamped.
    fn time(&self, packet: &RtpPacket, arrived_ns: u64, tally: &mut Tally) {
        let codec = self.streams.codec_of(*packet.header.ssrc);
        let (Some(codec), Some(sent_ns)) = (codec, stamp::read(&packet.payload)) else {
            return;
        };
        if sent_ns < self.connected_ns {
            tally.counts.replayed += 1;
        } else {
            tally
                .latency(codec)
                .record(arrived_ns.saturating_sub(sent_ns) / 1000);
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

    fn request_keyframes(&mut self, now: Instant, tally: &mut Tally) -> Result<(), RtcError> {
        if self.state != State::Connected {
            return Ok(());
        }
        let Some(media) = self.streams.newest_video().map(Ssrc::from) else {
            return Ok(());
        };
        for _ in 0..self.wish.requests(now) {
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

#[cfg(test)]
mod tests {
    use super::*;

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
