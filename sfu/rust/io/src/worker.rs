//! One media thread: its sockets, its peers and its channels.

use std::collections::{HashMap, HashSet};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::{Receiver, Sender};
use polling::{Events, PollMode, Poller};
use sluice_media_core::broadcast::{Settings as BroadcastSettings, TappedUnit};
use sluice_media_core::deadlines::Deadlines;
use sluice_media_core::demux::{self, Kind};
use sluice_media_core::packet::SourceId;
use sluice_media_core::routes::{Path, Routes};
use str0m::channel::ChannelData;
use str0m::media::KeyframeRequestKind;
use str0m::{Event as RtcEvent, IceCreds, Input, RtcError};

use crate::channel::Channel;
use crate::counters::Counters;
use crate::egress::{RtcEgress, ViewerEgress};
use crate::outbox::{CloseReason, Event, Outbox, Unit};
use crate::peer::{Figures, Part, Peer, PeerStats, Sink};
use crate::publisher::{Publisher, Received};
use crate::settings::{Addresses, Settings};
use crate::tcp::Tcp;
use crate::udp::{Inbox, Udp};
use crate::viewer::{REPLAY_TURN, Viewer};

const UDP_KEY: usize = 0;
const LISTENER_KEY: usize = 1;
/// Batches of datagrams a turn, so that a flood cannot keep timers waiting.
const BATCHES_PER_TURN: usize = 16;
const TICK: Duration = Duration::from_millis(100);

/// What the engine asks of a worker.
pub enum Command {
    Add {
        peer: Box<Peer>,
        ufrag: String,
        done: Sender<()>,
    },
    Remove {
        peer: u64,
        done: Sender<bool>,
    },
    RestartIce {
        peer: u64,
        remote: IceCreds,
        done: Sender<Option<IceCreds>>,
    },
    Stats {
        peer: u64,
        done: Sender<Option<PeerStats>>,
    },
    SendData {
        peer: u64,
        label: String,
        payload: Vec<u8>,
        binary: bool,
        done: Sender<bool>,
    },
    OpenTap {
        channel: String,
        tap: u64,
    },
    CloseTap {
        channel: String,
        tap: u64,
    },
    Poison {
        peer: u64,
    },
    Stop {
        done: Sender<()>,
    },
}

/// What all workers and the engine share.
pub struct Shared {
    pub settings: Settings,
    pub counters: Arc<Counters>,
    pub outbox: Outbox,
    pub peers: AtomicUsize,
    pub half_open: AtomicUsize,
    pub sources: AtomicU64,
    /// One moment on both clocks. Taken once, so that a jump of the wall clock moves nothing.
    pub epoch: (Instant, SystemTime),
}

/// A worker before its thread runs: bound, so that its addresses are known.
pub struct Worker {
    shared: Arc<Shared>,
    commands: Receiver<Command>,
    net: Net,
    inbox: Inbox,
    peers: HashMap<u64, Box<Peer>>,
    channels: HashMap<String, Channel>,
    timers: Deadlines<u64>,
    consent: Deadlines<u64>,
    replaying: HashSet<u64>,
    /// Channels with packets of this turn.
    dirty: Vec<String>,
    next_tick: Instant,
    stopped: bool,
}

/// The worker's sockets and who is at the other ends.
struct Net {
    poller: Arc<Poller>,
    udp: Udp,
    tcp: Option<Tcp>,
    routes: Routes<u64>,
    addresses: Addresses,
    counters: Arc<Counters>,
}

/// Collects what one peer puts out.
struct Outlet<'a> {
    net: &'a mut Net,
    peer: u64,
    events: Vec<RtcEvent>,
}

impl Sink for Outlet<'_> {
    fn send(&mut self, path: Path, datagram: Vec<u8>) {
        self.net.send(path, datagram);
    }

    fn proved(&mut self, path: Path) {
        self.net.routes.add_path(path, self.peer);
        if let (Path::Tcp(key, _), Some(tcp)) = (path, &mut self.net.tcp) {
            tcp.claim(key);
        }
    }

    fn event(&mut self, event: RtcEvent) {
        self.events.push(event);
    }
}

impl Net {
    fn send(&mut self, path: Path, datagram: Vec<u8>) {
        match path {
            Path::Udp(address) => self.udp.send(address, datagram),
            Path::Tcp(key, _) => {
                if let Some(tcp) = &mut self.tcp {
                    tcp.send(key, &datagram, &self.poller, &self.counters);
                }
            }
        }
    }
}

impl Worker {
    pub fn new(
        shared: Arc<Shared>,
        commands: Receiver<Command>,
        poller: Arc<Poller>,
        udp: Udp,
        tcp: Option<Tcp>,
        addresses: Addresses,
    ) -> io::Result<Self> {
        // SAFETY: both sources live as long as the poller: they are dropped with this worker,
        // whose thread is the only one that polls.
        unsafe {
            poller.add_with_mode(
                udp.socket(),
                polling::Event::readable(UDP_KEY),
                PollMode::Level,
            )?;
            if let Some(tcp) = &tcp {
                poller.add_with_mode(
                    tcp.listener(),
                    polling::Event::readable(LISTENER_KEY),
                    PollMode::Level,
                )?;
            }
        }
        let counters = Arc::clone(&shared.counters);
        Ok(Worker {
            shared,
            commands,
            net: Net {
                poller,
                udp,
                tcp,
                routes: Routes::new(),
                addresses,
                counters,
            },
            inbox: Inbox::new(),
            peers: HashMap::new(),
            channels: HashMap::new(),
            timers: Deadlines::new(),
            consent: Deadlines::new(),
            replaying: HashSet::new(),
            dirty: Vec::new(),
            next_tick: Instant::now(),
            stopped: false,
        })
    }

    /// Run until stopped.
    pub fn run(mut self) {
        let mut events = Events::new();
        while !self.stopped {
            events.clear();
            let wait = self.wait(Instant::now());
            if self.net.poller.wait(&mut events, Some(wait)).is_err() {
                self.net.counters.errors_receive.add(1);
            }
            // A panic in a peer is caught with that peer; this one is for our own mistakes, which
            // must not end the other broadcasts either.
            if catch_unwind(AssertUnwindSafe(|| self.turn(&events))).is_err() {
                self.net.counters.errors_panic.add(1);
            }
        }
    }

    fn wait(&mut self, now: Instant) -> Duration {
        let mut until = self.next_tick;
        for at in [self.timers.next(), self.consent.next()].into_iter().flatten() {
            until = until.min(at);
        }
        let wait = until.saturating_duration_since(now);
        if self.replaying.is_empty() {
            wait
        } else {
            wait.min(REPLAY_TURN)
        }
    }

    fn turn(&mut self, events: &Events) {
        let now = Instant::now();
        while let Ok(command) = self.commands.try_recv() {
            self.command(command, now);
        }
        for event in events.iter() {
            match event.key {
                UDP_KEY => self.receive_udp(now),
                LISTENER_KEY => {
                    if let Some(tcp) = &mut self.net.tcp {
                        tcp.accept(&self.net.poller, now, &self.net.counters);
                    }
                }
                key => self.receive_tcp(key as u64, event.readable, event.writable, now),
            }
        }
        self.forward(now);
        self.replay(now);
        self.wake_due(now);
        if now >= self.next_tick {
            self.next_tick = now + TICK;
            self.tick(now);
        }
        self.ask_for_keyframes(now);
        self.net.udp.flush(&self.net.counters);
    }

    // ---- input ------------------------------------------------------------------------------

    fn receive_udp(&mut self, now: Instant) {
        let mut inbox = std::mem::take(&mut self.inbox);
        for _ in 0..BATCHES_PER_TURN {
            match inbox.receive(&self.net.udp) {
                Ok(more) => {
                    for (source, datagram) in inbox.datagrams() {
                        self.datagram(Path::Udp(source), datagram, now);
                    }
                    if !more {
                        break;
                    }
                }
                Err(_) => {
                    self.net.counters.errors_receive.add(1);
                    break;
                }
            }
        }
        self.inbox = inbox;
    }

    fn receive_tcp(&mut self, key: u64, readable: bool, writable: bool, now: Instant) {
        let Some(tcp) = &mut self.net.tcp else { return };
        if writable {
            tcp.write(key, &self.net.poller);
        }
        if !readable {
            return;
        }
        let mut datagrams = Vec::new();
        let open = tcp.read(key, &self.net.counters, |path, datagram| {
            datagrams.push((path, datagram.to_vec()));
        });
        for (path, datagram) in datagrams {
            self.datagram(path, &datagram, now);
        }
        if !open {
            self.close_connection(key);
        }
    }

    fn close_connection(&mut self, key: u64) {
        let Some(tcp) = &mut self.net.tcp else { return };
        if let Some(path) = tcp.close(key, &self.net.poller) {
            self.net.routes.remove_path(&path);
        }
    }

    fn datagram(&mut self, path: Path, datagram: &[u8], now: Instant) {
        let counters = &self.net.counters;
        let mut chosen = false;
        let mut known = self.net.routes.by_path(&path);
        match demux::kind(datagram) {
            Kind::Other => return counters.drops_not_ours.add(1),
            Kind::Stun => {
                if let Some(binding) = demux::binding_request(datagram) {
                    chosen = binding.use_candidate;
                    // The ufrag decides: an address may have been another peer's before.
                    known = self.net.routes.by_ufrag(binding.local_ufrag);
                    if known.is_none() {
                        return counters.drops_unknown_ufrag.add(1);
                    }
                }
            }
            _ => {}
        }
        let Some(id) = known else {
            return counters.drops_unknown_address.add(1);
        };
        self.drive(id, Some((path, chosen)), now, |peer, net| {
            if peer.receive(path, datagram, &net.addresses, now)? {
                Ok(())
            } else {
                net.counters.drops_refused.add(1);
                Ok(())
            }
        });
    }

    /// Do something to a peer, then hand out all that follows from it. An error or a panic ends
    /// this peer and nothing else.
    fn drive(
        &mut self,
        id: u64,
        on: Option<(Path, bool)>,
        now: Instant,
        act: impl FnOnce(&mut Peer, &mut Net) -> Result<(), RtcError>,
    ) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let net = &mut self.net;
        let before = peer.path;
        let driven = catch_unwind(AssertUnwindSafe(|| {
            act(peer, net)?;
            let mut outlet = Outlet {
                net,
                peer: id,
                events: Vec::new(),
            };
            let next = peer.drain(on, &mut outlet)?;
            Ok::<_, RtcError>((next, outlet.events))
        }));
        match driven {
            Ok(Ok((next, events))) => {
                if before.is_some() && peer.path != before {
                    self.net.counters.path_changes.add(1);
                }
                if peer.rtc.is_alive() {
                    self.timers.set(id, next);
                }
                if !events.is_empty() {
                    self.events(id, events, now);
                }
            }
            Ok(Err(error)) => {
                self.net.counters.errors_peer.add(1);
                self.close(id, CloseReason::Failed, error.to_string());
            }
            Err(_) => {
                self.net.counters.errors_panic.add(1);
                self.forget(id, CloseReason::Failed, "contained panic".into());
            }
        }
    }

    // ---- what peers tell --------------------------------------------------------------------

    fn events(&mut self, id: u64, events: Vec<RtcEvent>, now: Instant) {
        let mut touched = false;
        for event in events {
            match event {
                RtcEvent::Connected => self.connected(id, now),
                RtcEvent::RtpPacket(rtp) => self.packet(id, rtp, now),
                RtcEvent::SenderFeedback(feedback) => {
                    if let Some(Part::Publisher(publisher)) =
                        self.peers.get_mut(&id).map(|p| &mut p.part)
                    {
                        publisher.report(&feedback);
                    }
                }
                RtcEvent::KeyframeRequest(_) => self.keyframe_wanted(id),
                RtcEvent::ChannelOpen(data, label) => {
                    if let Some(peer) = self.peers.get_mut(&id)
                        && !peer.open_data(data, label)
                    {
                        peer.rtc.direct_api().close_data_channel(data);
                        touched = true;
                    }
                }
                RtcEvent::ChannelClose(data) => {
                    if let Some(peer) = self.peers.get_mut(&id) {
                        peer.close_data(data);
                    }
                }
                RtcEvent::ChannelData(data) => {
                    self.message(id, data, now);
                    touched = true;
                }
                RtcEvent::Closed => return self.close(id, CloseReason::Left, String::new()),
                other => self.figures(id, other),
            }
        }
        if touched {
            self.drive(id, None, now, |peer, _| {
                peer.rtc.handle_input(Input::Timeout(now))
            });
        }
    }

    fn connected(&mut self, id: u64, now: Instant) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        if !peer.connected {
            peer.connected = true;
            self.shared.half_open.fetch_sub(1, Ordering::Relaxed);
        }
        self.consent.set(id, now + self.shared.settings.consent_timeout);
        self.shared.outbox.event(Event::PeerConnected { peer: id });
        let Some(channel) = self.channels.get_mut(&peer.channel) else {
            return;
        };
        if let Part::Viewer(viewer) = &mut peer.part {
            let video = channel.broadcast.video();
            viewer.follow(channel.broadcast.audio(), video);
            let started = channel
                .broadcast
                .replay()
                .is_some_and(|gop| viewer.start_replay(gop, now));
            if started {
                self.replaying.insert(id);
            } else if let Some(video) = video {
                channel.broadcast.want_keyframe(video);
            }
        }
    }

    fn packet(&mut self, id: u64, rtp: str0m::rtp::RtpPacket, now: Instant) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let Part::Publisher(publisher) = &mut peer.part else {
            // A viewer that sends media was not asked to.
            return self.net.counters.drops_refused.add(1);
        };
        let Some(channel) = self.channels.get_mut(&peer.channel) else {
            return;
        };
        let sources = &self.shared.sources;
        let mut new_source = || SourceId(sources.fetch_add(1, Ordering::Relaxed));
        let Some(received) = publisher.receive(&mut peer.rtc, rtp, &mut new_source) else {
            return self.net.counters.drops_refused.add(1);
        };
        let mut started = false;
        let packet = match received {
            Received::Packet(packet) => packet,
            Received::Started { packet, replaces } => {
                if let Some(track) = publisher.track(packet.source) {
                    let rid = track.rid.as_ref().map_or("", |rid| rid);
                    channel.start_source(packet.source, rid, track.spec, replaces, track.codec, now);
                    started = true;
                }
                packet
            }
        };
        let counters = &self.net.counters;
        counters.received_packets.add(1);
        counters.received_bytes.add(packet.payload.len() as u64);
        let packet = Arc::new(packet);
        let mut units = Vec::new();
        channel.broadcast.packet(&packet, now, &mut units);
        deliver(&self.shared, &channel.taps, units);
        let Some(spec) = channel.format(packet.source) else {
            return;
        };
        if channel.burst.is_empty() {
            self.dirty.push(channel.name.clone());
        }
        channel.burst.push((packet, spec));
        if started {
            let name = channel.name.clone();
            if !std::mem::replace(&mut channel.started, true) {
                self.shared.outbox.event(Event::MediaStarted {
                    channel: name.clone(),
                    peer: id,
                });
            }
            self.lead(&name);
        }
    }

    /// Every viewer of the channel follows its present sources.
    fn lead(&mut self, name: &str) {
        let Some(channel) = self.channels.get(name) else {
            return;
        };
        let (audio, video) = (channel.broadcast.audio(), channel.broadcast.video());
        for id in &channel.viewers {
            if let Some(Part::Viewer(viewer)) = self.peers.get_mut(id).map(|p| &mut p.part) {
                viewer.follow(audio, video);
            }
        }
    }

    fn keyframe_wanted(&mut self, id: u64) {
        self.net.counters.keyframe_requests_from_viewers.add(1);
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        if let Some(channel) = self.channels.get_mut(&peer.channel)
            && let Some(video) = channel.broadcast.video()
        {
            channel.broadcast.want_keyframe(video);
        }
    }

    fn message(&mut self, id: u64, data: ChannelData, now: Instant) {
        let counters = Arc::clone(&self.net.counters);
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        counters.data_messages.add(1);
        match peer.message(data, self.shared.settings.message_bytes, now) {
            Ok(None) => {}
            Ok(Some((label, data))) => self.shared.outbox.event(Event::DataMessage {
                peer: id,
                label,
                payload: data.data,
                binary: data.binary,
            }),
            Err(()) => counters.drops_data_message.add(1),
        }
    }

    fn figures(&mut self, id: u64, event: RtcEvent) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        match event {
            RtcEvent::PeerStats(stats) => peer.rtt = stats.rtt.or(peer.rtt),
            RtcEvent::MediaEgressStats(stats) => {
                let lost = stats.remote.as_ref().map_or(0, |r| r.packets_lost);
                peer.rtt = stats.rtt.or(peer.rtt);
                peer.figures.insert(
                    (stats.mid, stats.rid),
                    Figures {
                        packets: stats.packets,
                        bytes: stats.bytes,
                        lost,
                        resent: 0,
                        nacks: stats.nacks,
                        plis: stats.plis,
                    },
                );
            }
            RtcEvent::MediaIngressStats(stats) => {
                let sent = stats.remote.as_ref().map_or(0, |r| r.packets);
                peer.rtt = stats.rtt.or(peer.rtt);
                peer.figures.insert(
                    (stats.mid, stats.rid),
                    Figures {
                        packets: stats.packets,
                        bytes: stats.bytes,
                        lost: sent.saturating_sub(stats.packets),
                        resent: 0,
                        nacks: stats.nacks,
                        plis: stats.plis,
                    },
                );
            }
            _ => {}
        }
    }

    // ---- output -----------------------------------------------------------------------------

    /// Send this turn's packets on: each viewer is visited once.
    fn forward(&mut self, now: Instant) {
        for name in std::mem::take(&mut self.dirty) {
            let Some(channel) = self.channels.get_mut(&name) else {
                continue;
            };
            let burst = std::mem::take(&mut channel.burst);
            let viewers = std::mem::take(&mut channel.viewers);
            for id in &viewers {
                let ready = self.peers.get(id).is_some_and(|peer| peer.connected);
                if !ready {
                    continue;
                }
                self.drive(*id, None, now, |peer, net| {
                    let Part::Viewer(viewer) = &mut peer.part else {
                        return Ok(());
                    };
                    if viewer.forward(&mut peer.rtc, &burst, &net.counters, now) {
                        RtcEgress(&mut peer.rtc).flush(now)?;
                    }
                    Ok(())
                });
            }
            // A viewer that ended meanwhile is in `peers` no more.
            if let Some(channel) = self.channels.get_mut(&name) {
                channel.viewers = viewers;
                channel.viewers.retain(|id| self.peers.contains_key(id));
                let mut burst = burst;
                burst.clear();
                channel.burst = burst;
            }
            self.drop_if_empty(&name);
        }
    }

    /// One turn of every replay that is not over.
    fn replay(&mut self, now: Instant) {
        let replaying: Vec<u64> = self.replaying.iter().copied().collect();
        for id in replaying {
            let mut more = false;
            let channels = &self.channels;
            let Some(name) = self.peers.get(&id).map(|peer| peer.channel.clone()) else {
                self.replaying.remove(&id);
                continue;
            };
            let Some(channel) = channels.get(&name) else {
                self.replaying.remove(&id);
                continue;
            };
            let (gop, spec) = match (
                channel.broadcast.replay(),
                channel.broadcast.video().and_then(|v| channel.format(v)),
            ) {
                (Some(gop), Some(spec)) => (gop, spec),
                _ => {
                    self.replaying.remove(&id);
                    continue;
                }
            };
            // The group is borrowed from the channel while the peer is driven, so drive by hand.
            let Some(peer) = self.peers.get_mut(&id) else {
                continue;
            };
            let counters = &self.net.counters;
            let written = catch_unwind(AssertUnwindSafe(|| match &mut peer.part {
                Part::Viewer(viewer) => viewer.replay(&mut peer.rtc, gop, &spec, counters, now),
                Part::Publisher(_) => false,
            }));
            if let Ok(result) = written {
                more = result;
                self.drive(id, None, now, |peer, _| RtcEgress(&mut peer.rtc).flush(now));
            } else {
                self.net.counters.errors_panic.add(1);
                self.forget(id, CloseReason::Failed, "contained panic".into());
            }
            if !more {
                self.replaying.remove(&id);
            }
        }
    }

    fn ask_for_keyframes(&mut self, now: Instant) {
        let mut asks: Vec<(u64, SourceId)> = Vec::new();
        for channel in self.channels.values_mut() {
            if let Some(publisher) = channel.publisher {
                let sources = channel.broadcast.poll_keyframes(now);
                asks.extend(sources.into_iter().map(|source| (publisher, source)));
            }
        }
        for (id, source) in asks {
            self.net.counters.keyframe_requests_to_publishers.add(1);
            self.drive(id, None, now, |peer, _| {
                let Part::Publisher(publisher) = &peer.part else {
                    return Ok(());
                };
                let Some(track) = publisher.track(source) else {
                    return Ok(());
                };
                let (mid, rid) = (track.mid, track.rid);
                peer.keyframes_asked += 1;
                if let Some(stream) = peer.rtc.direct_api().stream_rx_by_mid(mid, rid) {
                    stream.request_keyframe(KeyframeRequestKind::Pli);
                }
                peer.rtc.handle_input(Input::Timeout(now))
            });
        }
    }

    // ---- time -------------------------------------------------------------------------------

    fn wake_due(&mut self, now: Instant) {
        while let Some(id) = self.timers.pop_due(now) {
            self.drive(id, None, now, |peer, _| {
                peer.rtc.handle_input(Input::Timeout(now))
            });
        }
        while let Some(id) = self.consent.pop_due(now) {
            let Some(peer) = self.peers.get(&id) else {
                continue;
            };
            let settings = &self.shared.settings;
            let (since, limit, what) = if peer.connected {
                (peer.last_input, settings.consent_timeout, "nothing was heard from the peer")
            } else {
                (peer.opened, settings.connect_timeout, "ICE and DTLS did not finish")
            };
            if now.saturating_duration_since(since) >= limit {
                let detail = format!("{what} for {} ms", limit.as_millis());
                self.close(id, CloseReason::Timeout, detail);
            } else {
                self.consent.set(id, since + limit);
            }
        }
    }

    fn tick(&mut self, now: Instant) {
        let mut lead = Vec::new();
        for channel in self.channels.values_mut() {
            let changes = channel.broadcast.tick(now);
            let outbox = &self.shared.outbox;
            match changes.stalled {
                Some(true) => outbox.event(Event::MediaStalled {
                    channel: channel.name.clone(),
                }),
                Some(false) => outbox.event(Event::MediaResumed {
                    channel: channel.name.clone(),
                }),
                None => {}
            }
            if changes.layers {
                outbox.event(Event::LayersChanged {
                    channel: channel.name.clone(),
                    layers: channel.layers(),
                });
            }
            if changes.video {
                lead.push(channel.name.clone());
            }
        }
        for name in lead {
            self.lead(&name);
        }
        let expired = self.net.tcp.as_ref().map(|tcp| tcp.expired(now));
        for key in expired.unwrap_or_default() {
            self.close_connection(key);
        }
    }

    // ---- commands ---------------------------------------------------------------------------

    fn command(&mut self, command: Command, now: Instant) {
        match command {
            Command::Add { peer, ufrag, done } => {
                self.add(peer, &ufrag, now);
                let _ = done.send(());
            }
            Command::Remove { peer, done } => {
                let was = self.peers.contains_key(&peer);
                self.close(peer, CloseReason::Removed, String::new());
                let _ = done.send(was);
            }
            Command::RestartIce { peer, remote, done } => {
                let _ = done.send(self.restart_ice(peer, remote));
            }
            Command::Stats { peer, done } => {
                let _ = done.send(self.stats(peer));
            }
            Command::SendData {
                peer,
                label,
                payload,
                binary,
                done,
            } => {
                let mut sent = false;
                self.drive(peer, None, now, |peer, _| {
                    sent = peer.send_message(&label, binary, &payload);
                    peer.rtc.handle_input(Input::Timeout(now))
                });
                let _ = done.send(sent);
            }
            Command::OpenTap { channel, tap } => {
                let channel = self.channel(&channel);
                channel.taps.push(tap);
                channel.broadcast.set_tapped(true);
                // Whoever reads wants to begin: so does its decoder.
                if let Some(video) = channel.broadcast.video() {
                    channel.broadcast.want_keyframe(video);
                }
            }
            Command::CloseTap { channel: name, tap } => {
                if let Some(channel) = self.channels.get_mut(&name) {
                    channel.taps.retain(|t| *t != tap);
                    if channel.taps.is_empty() {
                        channel.broadcast.set_tapped(false);
                    }
                }
                self.drop_if_empty(&name);
            }
            Command::Poison { peer } => {
                if let Some(peer) = self.peers.get_mut(&peer) {
                    peer.poisoned = true;
                }
            }
            Command::Stop { done } => {
                let all: Vec<u64> = self.peers.keys().copied().collect();
                for id in all {
                    self.close(id, CloseReason::Stopped, String::new());
                }
                self.net.udp.flush(&self.net.counters);
                self.stopped = true;
                let _ = done.send(());
            }
        }
    }

    fn add(&mut self, mut peer: Box<Peer>, ufrag: &str, now: Instant) {
        let id = peer.id;
        self.net.counters.peers_opened.add(1);
        self.net.routes.add_ufrag(ufrag, id);
        let connect = self.shared.settings.connect_timeout;
        self.consent.set(id, now + connect);
        let name = peer.channel.clone();
        let before = self.channel(&name).publisher;
        match &mut peer.part {
            Part::Publisher(_) => {
                if let Some(old) = before {
                    self.close(old, CloseReason::Replaced, "the channel was published anew".into());
                }
                self.channel(&name).publisher = Some(id);
            }
            Part::Viewer(_) => self.channel(&name).viewers.push(id),
        }
        self.peers.insert(id, peer);
        self.drive(id, None, now, |peer, _| {
            peer.rtc.handle_input(Input::Timeout(now))
        });
    }

    fn restart_ice(&mut self, id: u64, remote: IceCreds) -> Option<IceCreds> {
        let peer = self.peers.get_mut(&id)?;
        let local = IceCreds::new();
        // An ICE-lite agent makes no checks, so all that a restart changes here is which checks
        // it answers. The old path carries media until a check on a new one is answered.
        let mut direct = peer.rtc.direct_api();
        direct.set_local_ice_credentials(local.clone());
        direct.set_remote_ice_credentials(remote);
        self.net.routes.add_ufrag(&local.ufrag, id);
        Some(local)
    }

    fn stats(&self, id: u64) -> Option<PeerStats> {
        let peer = self.peers.get(&id)?;
        let layers = match peer.part {
            Part::Publisher(_) => self.channels.get(&peer.channel).map(Channel::layers),
            Part::Viewer(_) => None,
        };
        Some(peer.stats(layers.unwrap_or_default()))
    }

    fn channel(&mut self, name: &str) -> &mut Channel {
        let settings = &self.shared.settings;
        self.channels.entry(name.to_owned()).or_insert_with(|| {
            Channel::new(
                name.to_owned(),
                BroadcastSettings {
                    replay_bytes: settings.replay_bytes,
                    replay_span: settings.replay_span,
                    keyframe_gap: Duration::from_millis(500),
                    keyframe_age: settings.keyframe_interval,
                    silence: Duration::from_millis(500),
                },
            )
        })
    }

    // ---- the end of a peer ------------------------------------------------------------------

    /// Say goodbye, then forget.
    fn close(&mut self, id: u64, reason: CloseReason, detail: String) {
        if let Some(peer) = self.peers.get_mut(&id) {
            let net = &mut self.net;
            let goodbye = catch_unwind(AssertUnwindSafe(|| {
                let mut outlet = Outlet {
                    net,
                    peer: id,
                    events: Vec::new(),
                };
                // The peer ends either way: an error while it says so changes nothing.
                let _ = peer.rtc.close();
                let _ = peer.drain(None, &mut outlet);
            }));
            if goodbye.is_err() {
                self.net.counters.errors_panic.add(1);
            }
        }
        self.forget(id, reason, detail);
    }

    fn forget(&mut self, id: u64, reason: CloseReason, detail: String) {
        let Some(peer) = self.peers.remove(&id) else {
            return;
        };
        self.net.routes.remove_peer(id);
        self.timers.remove(&id);
        self.consent.remove(&id);
        self.replaying.remove(&id);
        self.shared.peers.fetch_sub(1, Ordering::Relaxed);
        if !peer.connected {
            self.shared.half_open.fetch_sub(1, Ordering::Relaxed);
        }
        self.net.counters.peers_closed.add(1);
        let name = peer.channel.clone();
        if let Some(channel) = self.channels.get_mut(&name) {
            if channel.publisher == Some(id) {
                channel.clear_publisher();
            }
            channel.viewers.retain(|viewer| *viewer != id);
        }
        self.shared.outbox.event(Event::PeerClosed {
            peer: id,
            reason,
            detail,
        });
        // A state that panicked may panic again while it is dropped.
        if catch_unwind(AssertUnwindSafe(|| drop(peer))).is_err() {
            self.net.counters.errors_panic.add(1);
        }
        self.drop_if_empty(&name);
    }

    fn drop_if_empty(&mut self, name: &str) {
        // While its viewers are out on a forwarding round the channel only looks empty.
        if self.channels.get(name).is_some_and(Channel::is_empty) && self.burst_is_over(name) {
            self.channels.remove(name);
        }
    }

    fn burst_is_over(&self, name: &str) -> bool {
        !self.peers.values().any(|peer| peer.channel == name)
    }
}

/// Hand access units to the channel's readers.
fn deliver(shared: &Shared, taps: &[u64], units: Vec<TappedUnit>) {
    let (instant, wall) = shared.epoch;
    for tapped in units {
        let at = wall + tapped.captured.saturating_duration_since(instant);
        let unix = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let unit = Unit {
            codec: tapped.codec,
            layer: tapped.rid,
            keyframe: tapped.unit.keyframe,
            captured_ms: unix.as_millis() as i64,
            rtp_time: tapped.unit.time,
            payload: tapped.unit.payload.into(),
        };
        shared.outbox.unit(taps, &unit);
    }
}

/// Build the role's half of a peer.
pub fn part(
    role: crate::peer::Role,
    rtc: &mut str0m::Rtc,
    audio: Option<str0m::media::Mid>,
    video: Option<str0m::media::Mid>,
    now: Instant,
) -> Part {
    match role {
        crate::peer::Role::Publisher => Part::Publisher(Publisher::new(now)),
        crate::peer::Role::Viewer => Part::Viewer(Viewer::new(rtc, audio, video, now)),
    }
}
