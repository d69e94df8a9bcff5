//! One WebRTC client: a str0m `Rtc` with full ICE.

pub mod layers;
pub mod media;

use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sluice_media_core::demux::{self, Kind};
use sluice_media_io::keying::{self, Keying, withholding};
use str0m::bwe::BweKind;
use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::channel::{ChannelData, ChannelId};
use str0m::media::{Direction, KeyframeRequestKind, MediaKind, Mid, Pt, SenderFeedback, Simulcast};
use str0m::net::{Protocol, Receive, TcpType};
use str0m::rtp::RtpPacket;
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

use super::link::Link;

/// True for a datagram that is lost.
pub type Swallow = Box<dyn FnMut(&[u8]) -> bool>;

pub struct Client {
    pub rtc: Rtc,
    link: Link,
    /// What str0m takes for our address, whatever socket we really use (a NAT does that).
    local: SocketAddr,
    offer: String,
    pending: Option<SdpPendingOffer>,
    answer: String,
    pub video: Mid,
    pub audio: Mid,
    channel: Option<ChannelId>,
    timeout: Option<Instant>,
    /// Neither reads nor writes any more.
    pub frozen: bool,
    pub connected: bool,
    /// The other side said goodbye.
    pub closed: bool,
    hung_up: bool,
    /// Media that arrived.
    pub pictures: Vec<RtpPacket>,
    pub sounds: Vec<RtpPacket>,
    pub reports: Vec<SenderFeedback>,
    pub messages: Vec<ChannelData>,
    pub channel_open: bool,
    pub keyframes_wanted: usize,
    /// Bit rates that the engine asked us to stay below (REMB).
    pub limits: Vec<u64>,
    /// Media that was sent: payloads.
    pub sent: Vec<Vec<u8>>,
    pub sent_sound: Vec<Vec<u8>>,
    /// The RTP times of those.
    times: Vec<u64>,
    sound_times: Vec<u64>,
    /// Simulcast encodings.
    layers: Vec<layers::Layer>,
    /// So many of our next RTP packets are lost on their way.
    losing: usize,
    /// What we send of this kind is lost.
    pub mute: Option<Kind>,
    /// Our checks are lost; our answers are not.
    pub hold_checks: bool,
    /// Swallows incoming datagrams.
    pub swallow: Option<Swallow>,
    /// Every datagram that we made, where a test wants to see them, muted ones too.
    pub record: Option<Vec<Vec<u8>>>,
    /// The keys of our media, where str0m does not get them.
    pub keying: Option<Keying>,
}

/// VP8 and opus, and checks and reports so often that tests need not wait.
fn config() -> RtcConfig {
    let mut config = RtcConfig::new()
        .set_rtp_mode(true)
        .clear_codecs()
        .enable_opus(true, false)
        .enable_vp8(true)
        .set_rtcp_report_interval_audio(Duration::from_millis(200))
        .set_rtcp_report_interval_video(Duration::from_millis(200));
    config.set_initial_stun_rto(Duration::from_millis(50));
    config.set_max_stun_rto(Duration::from_millis(200));
    config
}

impl Client {
    pub fn publisher() -> Self {
        Self::with(|config| config, Direction::SendOnly)
    }

    pub fn viewer() -> Self {
        Self::with(|config| config, Direction::RecvOnly)
    }

    /// Any client: `change` may take other codecs.
    pub fn with(change: impl FnOnce(RtcConfig) -> RtcConfig, direction: Direction) -> Self {
        Self::open(change(config()), Link::udp(), direction, None, None)
    }

    /// A viewer whose media keys are for the test to take: see [`super::forger`].
    pub fn without_keys() -> Self {
        let provider = withholding(&str0m::crypto::from_feature_flags());
        Self::with(
            |config| config.set_crypto_provider(Arc::new(provider)),
            Direction::RecvOnly,
        )
    }

    pub fn with_channel(label: &str) -> Self {
        Self::open(
            config(),
            Link::udp(),
            Direction::RecvOnly,
            Some(label),
            None,
        )
    }

    pub fn over_tcp(to: SocketAddr, direction: Direction) -> Self {
        Self::open(config(), Link::tcp(to), direction, None, None)
    }

    /// Such a client whose system takes few bytes before the client reads them.
    pub fn over_narrow_tcp(to: SocketAddr) -> Self {
        Self::open(
            config(),
            Link::narrow_tcp(to),
            Direction::RecvOnly,
            None,
            None,
        )
    }

    fn open(
        config: RtcConfig,
        link: Link,
        direction: Direction,
        label: Option<&str>,
        simulcast: Option<Simulcast>,
    ) -> Self {
        let mut rtc = config.build(Instant::now());
        let local = link.local();
        rtc.add_local_candidate(match link {
            Link::Udp(_) => Candidate::host(local, "udp").expect("a candidate"),
            Link::Tcp(..) => {
                let tcp = Candidate::builder().tcp().host(local);
                let active = tcp.tcptype(TcpType::Active).build();
                active.expect("a candidate")
            }
        });
        let mut changes = rtc.sdp_api();
        let video = changes.add_media(MediaKind::Video, direction, None, None, simulcast);
        let audio = changes.add_media(MediaKind::Audio, direction, None, None, None);
        let channel = label.map(|label| changes.add_channel(label.to_owned()));
        let (offer, pending) = changes.apply().expect("changes");
        Client {
            rtc,
            link,
            local,
            offer: offer.to_sdp_string(),
            pending: Some(pending),
            answer: String::new(),
            video,
            audio,
            channel,
            timeout: None,
            frozen: false,
            connected: false,
            closed: false,
            hung_up: false,
            pictures: Vec::new(),
            sounds: Vec::new(),
            reports: Vec::new(),
            messages: Vec::new(),
            channel_open: false,
            keyframes_wanted: 0,
            limits: Vec::new(),
            layers: Vec::new(),
            sent: Vec::new(),
            sent_sound: Vec::new(),
            times: Vec::new(),
            sound_times: Vec::new(),
            losing: 0,
            mute: None,
            hold_checks: false,
            swallow: None,
            record: None,
            keying: None,
        }
    }

    // ---- signalling -----------------------------------------------------------------------------

    pub fn offer(&self) -> String {
        self.offer.clone()
    }

    /// Offer something else than str0m would.
    pub fn change_offer(&mut self, change: impl FnOnce(&str) -> String) {
        self.offer = change(&self.offer);
    }

    pub fn answer(&mut self, answer: &str) {
        answer.clone_into(&mut self.answer);
        let pending = self.pending.take().expect("an offer");
        let answer = SdpAnswer::from_sdp_string(answer).expect("a good answer");
        let accepted = self.rtc.sdp_api().accept_answer(pending, answer);
        accepted.expect("an answer that fits");
        self.timeout = Some(Instant::now());
    }

    /// With which we answer checks.
    pub fn password(&mut self) -> String {
        self.rtc.direct_api().local_ice_credentials().pass
    }

    /// New ICE credentials of ours, for the engine to know.
    pub fn begin_restart(&mut self) -> (String, String) {
        let mut changes = self.rtc.sdp_api();
        let credentials = changes.ice_restart(true);
        let (_, pending) = changes.apply().expect("changes");
        self.pending = Some(pending);
        (credentials.ufrag, credentials.pass)
    }

    /// The engine's new credentials: checks begin.
    pub fn finish_restart(&mut self, ufrag: &str, pwd: &str) {
        let old_ufrag = self.answered("a=ice-ufrag:").expect("a ufrag");
        let old_pwd = self.answered("a=ice-pwd:").expect("a password");
        // Candidates name the ufrag too.
        let answer = self.answer.replace(&old_ufrag, ufrag);
        let answer = answer.replace(&old_pwd, pwd);
        self.answer(&answer);
    }

    /// What the answer says in the first line that begins so.
    pub fn answered(&self, begin: &str) -> Option<String> {
        let mut lines = self.answer.lines();
        lines
            .find_map(|line| line.strip_prefix(begin))
            .map(str::to_owned)
    }

    // ---- the network ----------------------------------------------------------------------------

    pub fn fd(&self) -> Option<RawFd> {
        (!self.frozen && !self.hung_up).then(|| self.link.fd())
    }

    /// A NAT gives us another port from now on.
    pub fn rebind(&mut self) {
        self.link = Link::udp();
    }

    pub fn swap_links(&mut self, other: &mut Client) {
        std::mem::swap(&mut self.link, &mut other.link);
    }

    /// The other side has closed our TCP connection.
    pub fn hung_up(&self) -> bool {
        self.hung_up
    }

    /// Send bytes of our own making from our address.
    pub fn inject(&mut self, datagram: &[u8], to: SocketAddr) {
        self.link.send(datagram, to);
    }

    /// Lose our next RTP packets on their way.
    pub fn lose_outgoing(&mut self, count: usize) {
        self.losing = count;
    }

    /// Take what arrived, and let time pass.
    pub fn turn(&mut self) {
        if self.frozen || self.hung_up {
            return;
        }
        match self.link.receive() {
            Some(datagrams) => {
                for (source, datagram) in datagrams {
                    self.receive(source, &datagram);
                }
            }
            None => self.hung_up = true,
        }
        if self.timeout.is_some_and(|at| at <= Instant::now()) {
            self.tick();
        }
    }

    fn receive(&mut self, source: SocketAddr, datagram: &[u8]) {
        if self
            .swallow
            .as_mut()
            .is_some_and(|swallow| swallow(datagram))
        {
            return;
        }
        let protocol = match self.link {
            Link::Udp(_) => Protocol::Udp,
            Link::Tcp(..) => Protocol::Tcp,
        };
        let received = Receive::new(protocol, source, self.local, datagram).expect("a datagram");
        let input = Input::Receive(Instant::now(), received);
        if self.rtc.accepts(&input) {
            self.rtc.handle_input(input).expect("a good datagram");
            self.drain();
        }
    }

    /// Let str0m work on what it was told.
    pub fn tick(&mut self) {
        let input = Input::Timeout(Instant::now());
        self.rtc.handle_input(input).expect("time to pass");
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output().expect("output") {
                Output::Timeout(at) => {
                    self.timeout = Some(at);
                    self.keying = keying::take().or(self.keying.take());
                    return;
                }
                Output::Transmit(transmit) => {
                    let kind = demux::kind(&transmit.contents);
                    if self.losing > 0 && kind == Kind::Rtp {
                        self.losing -= 1;
                        continue;
                    }
                    if let Some(record) = &mut self.record {
                        record.push(transmit.contents.to_vec());
                    }
                    let is_check = demux::binding_request(&transmit.contents).is_some();
                    if self.mute == Some(kind) || self.hold_checks && is_check {
                        continue;
                    }
                    self.link.send(&transmit.contents, transmit.destination);
                }
                Output::Event(event) => self.event(event),
            }
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Connected => self.connected = true,
            Event::Closed => self.closed = true,
            Event::RtpPacket(packet) => {
                let mut direct = self.rtc.direct_api();
                let stream = direct.stream_rx(&packet.header.ssrc).expect("a stream");
                if stream.mid() == self.video {
                    self.pictures.push(packet);
                } else {
                    self.sounds.push(packet);
                }
            }
            Event::SenderFeedback(report) => self.reports.push(report),
            Event::KeyframeRequest(_) => self.keyframes_wanted += 1,
            Event::EgressBitrateEstimate(BweKind::Remb { estimate, .. }) => {
                self.limits.push(estimate.as_u64());
            }
            Event::ChannelOpen(id, _) if Some(id) == self.channel => self.channel_open = true,
            Event::ChannelData(data) => self.messages.push(data),
            _ => {}
        }
    }

    // ---- wishes and words -----------------------------------------------------------------------

    /// Ask for a keyframe with a PLI.
    pub fn request_keyframe(&mut self) {
        let mid = self.video;
        let mut direct = self.rtc.direct_api();
        if let Some(stream) = direct.stream_rx_by_mid(mid, None) {
            stream.request_keyframe(KeyframeRequestKind::Pli);
        }
        self.tick();
    }

    /// Send on the data channel. False when it does not take it.
    pub fn say(&mut self, binary: bool, message: &[u8]) -> bool {
        let id = self.channel.expect("a channel");
        let mut channel = self.rtc.channel(id).expect("an open channel");
        let taken = channel.write(binary, message).expect("an open channel");
        self.tick();
        taken
    }

    pub fn state(&self) -> String {
        format!(
            "connected {} closed {} pictures {} sounds {} messages {}",
            self.connected,
            self.closed,
            self.pictures.len(),
            self.sounds.len(),
            self.messages.len()
        )
    }
}

/// True for every `nth` new RTP packet of this payload type: to be lost on its way.
pub fn lose_every(nth: usize, pt: Pt) -> Swallow {
    let mut count = 0;
    Box::new(move |datagram| {
        if demux::kind(datagram) != Kind::Rtp || datagram[1] & 0x7f != *pt {
            return false;
        }
        count += 1;
        count % nth == 0
    })
}
