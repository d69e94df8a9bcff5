//! One WebRTC peer: a str0m `Rtc`, the path it is reached on and what it is here for.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sluice_media_core::allowance::Allowance;
use sluice_media_core::checks::Checks;
use sluice_media_core::chosen::Chosen;
use sluice_media_core::demux;
use sluice_media_core::routes::Path;
use str0m::channel::{ChannelData, ChannelId};
use str0m::media::{Mid, Rid};
use str0m::net::{Protocol, Receive};
use str0m::{Event, Input, Output, Rtc, RtcError};

use crate::channel::Channel;
use crate::offer::Accepted;
use crate::outbox::Layer;
use crate::publisher::Publisher;
use crate::question::Credentials;
use crate::settings::{Addresses, Settings};
use crate::viewer::Viewer;
use crate::viewer::format::Terms;

/// What a peer is here for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Publisher,
    Viewer,
}

/// The label that we answer ourselves.
const ECHO: &str = "echo";

pub struct Peer {
    pub id: u64,
    pub channel: String,
    pub rtc: Rtc,
    pub credentials: Credentials,
    pub part: Part,
    /// Where media goes.
    pub chosen: Chosen,
    pub checks: Checks,
    /// The path that a check came on last: the one that its protocol stack knows.
    introduced: Option<Path>,
    pub connected: bool,
    pub opened: Instant,
    /// The last sign of life that nobody else could have made: an answered check, or what was
    /// sealed with the peer's keys.
    pub last_input: Instant,
    data: HashMap<ChannelId, String>,
    messages: Allowance,
    /// str0m's reports, the newest of each stream.
    pub figures: HashMap<(Mid, Option<Rid>), Figures>,
    pub rtt: Option<Duration>,
    /// Keyframe requests that we sent to it (publisher).
    pub keyframes_asked: u64,
    /// Set by tests: whatever is next done for this peer panics.
    pub poisoned: bool,
}

/// The half that depends on the role.
pub enum Part {
    Publisher(Box<Publisher>),
    Viewer(Box<Viewer>),
}

impl Part {
    pub fn new(role: Role, accepted: &mut Accepted, now: Instant) -> Part {
        match role {
            Role::Publisher => Part::Publisher(Box::new(Publisher::new(now))),
            Role::Viewer => {
                let rtc = &mut accepted.rtc;
                let mut terms = |mid: Option<Mid>| Terms::take(rtc, mid?, &accepted.answer);
                let (audio, video) = (terms(accepted.audio), terms(accepted.video));
                let cname = cname(&accepted.answer).unwrap_or("sluice");
                Part::Viewer(Box::new(Viewer::new(audio, video, cname, now)))
            }
        }
    }
}

/// Figures of a stream that str0m reports from time to time, or their sum over a peer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub packets: u64,
    pub bytes: u64,
    pub lost: u64,
    pub resent: u64,
    pub nacks: u64,
    pub plis: u64,
}

/// A snapshot for the API.
#[derive(Clone, Debug)]
pub struct PeerStats {
    pub peer: u64,
    pub channel: String,
    pub role: Role,
    pub connected: bool,
    pub address: String,
    pub figures: Figures,
    pub rtt: Option<Duration>,
    pub join: Option<Duration>,
    pub layers: Vec<Layer>,
    /// The encoding that a viewer is sent; empty where there is one only, or none.
    pub layer: String,
    pub audio_only: bool,
    /// What a viewer's link is believed to carry, in bit/s.
    pub estimate: Option<u64>,
    pub switches: u64,
    /// Packets that a viewer was not sent because its queue was full.
    pub drops: u64,
}

/// What became of a data channel message.
pub enum Message {
    /// An echo, sent back.
    Answered,
    /// For the outside, with its channel's label.
    Given(String, ChannelData),
    /// It broke a limit, or the answer found no room.
    Refused,
}

/// Where a drain's results go.
pub trait Sink {
    /// Send a datagram on a path.
    fn send(&mut self, path: Path, datagram: &[u8]);
    /// We answered a new check on this path: it is the peer's.
    fn proved(&mut self, path: Path);
    /// Something of the peer's protocols happened.
    fn event(&mut self, event: Event);
}

impl Peer {
    pub fn new(
        id: u64,
        channel: String,
        rtc: Rtc,
        credentials: Credentials,
        part: Part,
        settings: &Settings,
        now: Instant,
    ) -> Self {
        let rate = settings.messages_per_second;
        Peer {
            id,
            channel,
            rtc,
            credentials,
            part,
            chosen: Chosen::default(),
            checks: Checks::default(),
            introduced: None,
            connected: false,
            opened: now,
            last_input: now,
            data: HashMap::new(),
            messages: Allowance::new(rate, rate, now),
            figures: HashMap::new(),
            rtt: None,
            keyframes_asked: 0,
            poisoned: false,
        }
    }

    pub fn role(&self) -> Role {
        match self.part {
            Part::Publisher(_) => Role::Publisher,
            Part::Viewer(_) => Role::Viewer,
        }
    }

    /// Feed a datagram. False when str0m does not take it for this peer's.
    ///
    /// str0m takes nothing but checks from an address that no check came from. Whose a datagram
    /// is was found before, so all that is none comes from the one that it knows.
    pub fn receive(
        &mut self,
        path: Path,
        datagram: &[u8],
        addresses: &Addresses,
        now: Instant,
    ) -> Result<bool, RtcError> {
        self.look_for_poison();
        let path = match (demux::kind(datagram), self.introduced) {
            (demux::Kind::Stun, _) | (_, None) => path,
            (_, Some(introduced)) => introduced,
        };
        let (protocol, ours) = match path {
            Path::Udp(_) => (Protocol::Udp, &addresses.udp),
            Path::Tcp(..) => (Protocol::Tcp, &addresses.tcp),
        };
        let source = path.address();
        let Some(destination) = Addresses::towards(ours, source) else {
            return Ok(false);
        };
        let Ok(received) = Receive::new(protocol, source, destination, datagram) else {
            return Ok(false);
        };
        let input = Input::Receive(now, received);
        if !self.rtc.accepts(&input) {
            return Ok(false);
        }
        self.rtc.handle_input(input)?;
        Ok(true)
    }

    /// For tests: panic here if that was asked for.
    pub fn look_for_poison(&self) {
        assert!(!self.poisoned, "poisoned by a test");
    }

    /// Hand out everything that waits inside; returns when to come back.
    ///
    /// `on` is the path of the datagram that was fed before, `nominated` whether it carried
    /// USE-CANDIDATE: only the answer to a check shows that the check was genuine.
    pub fn drain(
        &mut self,
        on: Option<(Path, bool)>,
        sink: &mut impl Sink,
    ) -> Result<Instant, RtcError> {
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(at) => return Ok(at),
                Output::Event(event) => sink.event(event),
                Output::Transmit(transmit) => {
                    let datagram: &[u8] = &transmit.contents;
                    if let Some(transaction) = demux::binding_success(datagram) {
                        let Some((path, nominated)) =
                            on.filter(|(path, _)| path.address() == transmit.destination)
                        else {
                            continue;
                        };
                        self.introduced = Some(path);
                        if self.checks.answered(transaction, path) {
                            sink.proved(path);
                            self.chosen.checked(path, nominated);
                        }
                        sink.send(path, datagram);
                    } else if let Some(path) = self.chosen.path().or(on.map(|(path, _)| path)) {
                        sink.send(path, datagram);
                    }
                }
            }
        }
    }

    /// A data channel opened. False when the peer has too many.
    pub fn open_data(&mut self, id: ChannelId, label: String) -> bool {
        if self.data.len() >= 8 {
            return false;
        }
        self.data.insert(id, label);
        true
    }

    pub fn close_data(&mut self, id: ChannelId) {
        self.data.remove(&id);
    }

    /// A message arrived. Echoes are answered here.
    pub fn message(&mut self, data: ChannelData, max_bytes: usize, now: Instant) -> Message {
        let Some(label) = self.data.get(&data.id).cloned() else {
            return Message::Refused;
        };
        if data.data.len() > max_bytes || !self.messages.take(now) {
            return Message::Refused;
        }
        if label != ECHO {
            return Message::Given(label, data);
        }
        match self.write_data(data.id, data.binary, &data.data) {
            Ok(true) => Message::Answered,
            // Its sender does not read: the channel's buffer is full, or it is closed.
            Ok(false) | Err(_) => Message::Refused,
        }
    }

    /// Send on an open data channel. False when there is none with this label or it is full.
    pub fn send_message(&mut self, label: &str, binary: bool, payload: &[u8]) -> bool {
        let id = self
            .data
            .iter()
            .find(|(_, l)| *l == label)
            .map(|(id, _)| *id);
        id.is_some_and(|id| self.write_data(id, binary, payload).unwrap_or(false))
    }

    fn write_data(
        &mut self,
        id: ChannelId,
        binary: bool,
        payload: &[u8],
    ) -> Result<bool, RtcError> {
        // An empty message is one byte under a payload protocol of its own (RFC 8831 section
        // 6.6), which str0m cannot send; an SCTP chunk without bytes ends the association.
        if payload.is_empty() {
            return Ok(false);
        }
        match self.rtc.channel(id) {
            Some(mut channel) => channel.write(binary, payload),
            None => Ok(false),
        }
    }

    /// `channel`: the peer's, where it is known.
    pub fn stats(&self, channel: Option<&Channel>) -> PeerStats {
        let mut figures = Figures::default();
        for stream in self.figures.values() {
            figures.packets += stream.packets;
            figures.bytes += stream.bytes;
            figures.lost += stream.lost;
            figures.resent += stream.resent;
            figures.nacks += stream.nacks;
            figures.plis += stream.plis;
        }
        let stats = PeerStats {
            peer: self.id,
            channel: self.channel.clone(),
            role: self.role(),
            connected: self.connected,
            address: self.chosen.path().map_or(String::new(), show),
            figures,
            rtt: self.rtt,
            join: None,
            layers: Vec::new(),
            layer: String::new(),
            audio_only: false,
            estimate: None,
            switches: 0,
            drops: 0,
        };
        match &self.part {
            Part::Publisher(_) => PeerStats {
                figures: Figures {
                    plis: self.keyframes_asked,
                    ..figures
                },
                layers: channel.map(Channel::layers).unwrap_or_default(),
                ..stats
            },
            Part::Viewer(viewer) => PeerStats {
                figures: viewer.figures(),
                join: viewer.first_media,
                rtt: viewer.round_trip(),
                layer: viewer
                    .sending()
                    .and_then(|source| channel?.rid(source))
                    .unwrap_or_default()
                    .to_owned(),
                audio_only: viewer.link().is_audio_only(),
                estimate: viewer.link().estimate(),
                switches: viewer.link().switches,
                drops: viewer.tally.drops,
                ..stats
            },
        }
    }
}

fn cname(answer: &str) -> Option<&str> {
    let (_, rest) = answer.split_once(" cname:")?;
    rest.split(['\r', '\n', ' ']).next()
}

/// A path as Python and people see it.
pub fn show(path: Path) -> String {
    match path {
        Path::Udp(address) => named("udp", address),
        Path::Tcp(_, address) => named("tcp", address),
    }
}

pub fn named(protocol: &str, address: SocketAddr) -> String {
    format!("{protocol}:{address}")
}
