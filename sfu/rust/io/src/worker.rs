//! One media thread: its sockets, its peers and its channels.
//!
//! This file is the loop and the way in; the rest of a turn lies in the modules below it.

mod commands;
mod demand;
mod end;
mod events;
mod feedback;
mod feeds;
mod output;
mod paths;
mod steering;
mod time;

use std::collections::{HashMap, HashSet};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use polling::{Events, PollMode, Poller};
use sluice_media_core::allowance::Allowance;
use sluice_media_core::deadlines::Deadlines;
use sluice_media_core::demux::{self, Kind};
use sluice_media_core::routes::{Path, Routes};
use str0m::{Event as RtcEvent, RtcError};

use crate::channel::Channel;
use crate::command::Command;
use crate::feed::{FeedReceiver, FeedSender};
use crate::keying;
use crate::net::{Net, Outlet};
use crate::outbox::CloseReason;
use crate::peer::{Part, Peer};
use crate::question::Questions;
use crate::settings::Addresses;
use crate::shared::Shared;
use crate::srtp::BadKeying;
use crate::tcp::Tcp;
use crate::trim::Trim;
use crate::udp::{Inbox, MAX_DATAGRAM, Udp};
use crate::viewer::REPLAY_TURN;

const UDP_KEY: usize = 0;
const LISTENER_KEY: usize = 1;
/// Batches of datagrams a turn, so that a flood cannot keep timers waiting.
const BATCHES_PER_TURN: usize = 16;
/// A peer is not woken again before this.
const SOONEST_WAKE: Duration = Duration::from_millis(1);
/// So many a second of what may be a peer's, from an unknown address, are looked at in vain.
const STRANGERS: f64 = 200.0;
const TICK: Duration = Duration::from_millis(100);

/// A worker before its thread runs: bound, so that its addresses are known.
pub struct Worker {
    shared: Arc<Shared>,
    /// Our place among the workers.
    index: usize,
    commands: Receiver<Command>,
    feeds: FeedReceiver,
    workers: Vec<FeedSender>,
    net: Net,
    inbox: Inbox,
    peers: HashMap<u64, Box<Peer>>,
    /// Publishers, by the streams that they send.
    senders: HashMap<u32, u64>,
    /// Packets that look like a peer's, come from elsewhere and turn out to be nobody's.
    strangers: Allowance,
    questions: Questions,
    channels: HashMap<Arc<str>, Channel>,
    timers: Deadlines<u64>,
    consent: Deadlines<u64>,
    /// Viewers whose probes are due for padding.
    padding: Deadlines<u64>,
    replaying: HashSet<u64>,
    /// Channels with packets of this turn.
    dirty: Vec<Arc<str>>,
    /// When the first of the channels that hold packets back is due.
    forward_at: Option<Instant>,
    /// When the packets arrived that were forwarded in this turn.
    waiting: Vec<Instant>,
    next_tick: Instant,
    trim: Trim,
    stopped: bool,
}

/// How a worker is reached, and how it reaches the others.
pub struct Lines {
    pub index: usize,
    pub commands: Receiver<Command>,
    pub feeds: FeedReceiver,
    /// All of them, by their index.
    pub workers: Vec<FeedSender>,
}

impl Worker {
    pub fn new(
        shared: Arc<Shared>,
        lines: Lines,
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
            index: lines.index,
            commands: lines.commands,
            feeds: lines.feeds,
            workers: lines.workers,
            net: Net {
                poller,
                udp,
                tcp,
                routes: Routes::new(),
                addresses,
                counters,
                started: Instant::now(),
                forwarded_packets: 0,
                forwarded_bytes: 0,
                scratch: Box::new([0; MAX_DATAGRAM]),
            },
            inbox: Inbox::new(),
            peers: HashMap::new(),
            senders: HashMap::new(),
            strangers: Allowance::new(STRANGERS, STRANGERS, Instant::now()),
            questions: Questions::default(),
            channels: HashMap::new(),
            timers: Deadlines::new(),
            consent: Deadlines::new(),
            padding: Deadlines::new(),
            replaying: HashSet::new(),
            dirty: Vec::new(),
            forward_at: None,
            waiting: Vec::new(),
            next_tick: Instant::now(),
            trim: Trim::new(Instant::now()),
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
        until = until.min(self.forward_at.unwrap_or(until));
        let queues = [&mut self.timers, &mut self.consent, &mut self.padding];
        for at in queues.into_iter().filter_map(Deadlines::soonest) {
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
        while let Some(feed) = self.feeds.next() {
            self.feed(feed, now);
        }
        for event in events.iter() {
            match event.key {
                UDP_KEY => self.receive_udp(now),
                LISTENER_KEY => {
                    if let Some(tcp) = &mut self.net.tcp {
                        tcp.accept(LISTENER_KEY, &self.net.poller, now, &self.net.counters);
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
        self.flush();
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
        let mut nominated = false;
        let mut known = self.net.routes.by_path(&path);
        let kind = demux::kind(datagram);
        match kind {
            Kind::Other => return counters.drops_not_ours.add(1),
            Kind::Stun => {
                if let Some(binding) = demux::binding_request(datagram) {
                    nominated = binding.use_candidate;
                    // The ufrag decides: an address may have been another peer's before.
                    known = self.net.routes.by_ufrag(binding.local_ufrag);
                    let peer = known.and_then(|id| self.peers.get(&id));
                    let Some(peer) = peer else {
                        return counters.drops_unknown_ufrag.add(1);
                    };
                    if peer.checks.is_overheard(binding.transaction, path) {
                        return counters.drops_check_overheard.add(1);
                    }
                }
            }
            _ => {}
        }
        let Some(id) = known else {
            return self.astray(path, kind, datagram, now);
        };
        if matches!(kind, Kind::Rtp | Kind::Rtcp)
            && let Some(Part::Viewer(_)) = self.peers.get(&id).map(|peer| &peer.part)
        {
            return self.feedback(id, path, kind, datagram, now);
        }
        let mut taken = false;
        let media = self.drive(id, Some((path, nominated)), now, |peer, net| {
            taken = peer.receive(path, datagram, &net.addresses, now)?;
            Ok(())
        });
        let counters = &self.net.counters;
        if !taken {
            counters.drops_refused.add(1);
        } else if kind == Kind::Rtp && !media {
            counters.drops_no_media.add(1);
        }
    }

    /// Do something to a peer, then hand out all that follows from it. An error or a panic ends
    /// this peer and nothing else. True when media came of it.
    fn drive(
        &mut self,
        id: u64,
        on: Option<(Path, bool)>,
        now: Instant,
        act: impl FnOnce(&mut Peer, &mut Net) -> Result<(), RtcError>,
    ) -> bool {
        let Some(peer) = self.peers.get_mut(&id) else {
            return false;
        };
        let (net, shared) = (&mut self.net, &self.shared);
        let before = peer.chosen.path();
        // What a peer that failed left behind must not become this one's.
        drop(keying::take());
        let driven = catch_unwind(AssertUnwindSafe(|| {
            act(peer, net)?;
            let mut outlet = Outlet::new(net, id, now);
            let next = peer.drain(on, &mut outlet)?;
            let events = outlet.events;
            let sealed = events.iter().any(is_sign_of_life);
            if outlet.answered || sealed {
                peer.last_input = now;
            }
            if let Some((path, _)) = on.filter(|_| sealed) {
                peer.chosen.heard(path, now);
            }
            if let (Some(keying), Part::Viewer(viewer)) = (keying::take(), &mut peer.part) {
                viewer
                    .unlock(&keying, &shared.crypto)
                    .map_err(|BadKeying| RtcError::RemoteSdp("bad media keys".into()))?;
            }
            Ok::<_, RtcError>((next, events))
        }));
        match driven {
            Ok(Ok((next, events))) => {
                let moved = before.is_some() && peer.chosen.path() != before;
                if peer.rtc.is_alive() {
                    // A peer that wants to be woken at once must not keep this turn for ever.
                    self.timers.set(id, next.max(now + SOONEST_WAKE));
                }
                if moved {
                    self.moved(id, now);
                }
                let is_media = |event: &RtcEvent| matches!(event, RtcEvent::RtpPacket(_));
                let media = events.iter().any(is_media);
                if events.is_empty() {
                    return false;
                }
                // What a peer sent is read here too (bitstreams, messages).
                let told = catch_unwind(AssertUnwindSafe(|| self.events(id, events, now)));
                if told.is_err() {
                    self.panicked(id);
                }
                return media;
            }
            Ok(Err(error)) => {
                self.net.counters.errors_peer.add(1);
                self.close(id, CloseReason::Failed, error.to_string());
            }
            Err(_) => self.panicked(id),
        }
        false
    }
}

/// Whether only the peer itself can have caused this.
fn is_sign_of_life(event: &RtcEvent) -> bool {
    matches!(
        event,
        RtcEvent::RtpPacket(_) | RtcEvent::SenderFeedback(_) | RtcEvent::ChannelData(_)
    )
}
