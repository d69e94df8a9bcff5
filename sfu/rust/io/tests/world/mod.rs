//! A small world for the tests: an engine on loopback, and str0m clients that publish and watch.
//!
//! All clients live on the test's thread. [`World::until`] lets time pass until something is
//! true, or fails after a limit that only a hang can reach.

// Each test file uses its part of this world.
#![allow(dead_code)]

pub mod client;
pub mod forger;
pub mod link;
pub mod rubbish;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use client::Client;
use sluice_media_io::engine::Engine;
use sluice_media_io::outbox::{CloseReason, Event, Unit};
use sluice_media_io::peer::Role;
use sluice_media_io::settings::Settings;

const PATIENCE: Duration = Duration::from_secs(30);

pub struct World {
    pub engine: Engine,
    pub clients: Vec<Client>,
    pub events: Vec<Event>,
    pub units: Vec<Unit>,
}

/// A client's place in the world, and its peer id in the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Who {
    pub index: usize,
    pub peer: u64,
}

pub fn settings() -> Settings {
    Settings {
        host: Ipv4Addr::LOCALHOST.into(),
        port: 0,
        workers: 1,
        tcp: true,
        public_addresses: Vec::new(),
        // Never of its own accord.
        keyframe_interval: Duration::from_secs(3600),
        replay_span: Duration::from_secs(10),
        replay_bytes: 8 << 20,
        max_peers: 200,
        consent_timeout: Duration::from_secs(20),
        connect_timeout: Duration::from_secs(20),
        max_half_open: 200,
        demand_patience: Duration::from_secs(3600),
        message_bytes: 1024,
        messages_per_second: 20.0,
    }
}

impl World {
    pub fn new() -> Self {
        Self::with(settings())
    }

    pub fn with(settings: Settings) -> Self {
        World {
            engine: Engine::start(settings).expect("free ports"),
            clients: Vec::new(),
            events: Vec::new(),
            units: Vec::new(),
        }
    }

    /// A publisher that is connected.
    pub fn publish(&mut self, channel: &str) -> Who {
        let who = self.add(Client::publisher(), Role::Publisher, channel);
        self.until("the publisher is connected", |w| w[who].connected);
        who
    }

    /// A viewer that is connected.
    pub fn watch(&mut self, channel: &str) -> Who {
        let who = self.add(Client::viewer(), Role::Viewer, channel);
        self.until("the viewer is connected", |w| w[who].connected);
        who
    }

    /// Offer and answer; nothing is connected yet.
    pub fn add(&mut self, mut client: Client, role: Role, channel: &str) -> Who {
        let offer = client.offer();
        let accepted = self
            .engine
            .accept(role, channel, &offer)
            .expect("an answer");
        client.answer(&accepted.answer);
        self.clients.push(client);
        Who {
            index: self.clients.len() - 1,
            peer: accepted.peer,
        }
    }

    /// Let time pass until this is true.
    pub fn until(&mut self, what: &str, done: impl Fn(&World) -> bool) {
        self.sending_until(what, |_, _| (), done);
    }

    /// Do something each turn, which gets the turn's number, until this is true.
    pub fn sending_until(
        &mut self,
        what: &str,
        mut send: impl FnMut(&mut World, usize),
        done: impl Fn(&World) -> bool,
    ) {
        let limit = Instant::now() + PATIENCE;
        let mut turn = 0;
        while !done(self) {
            assert!(
                Instant::now() < limit,
                "never came true: {what}; {}",
                self.state()
            );
            send(self, turn);
            turn += 1;
            self.turn();
        }
    }

    /// Everything that waits is handled; then wait a few milliseconds for more.
    pub fn turn(&mut self) {
        let mut fds: Vec<libc::pollfd> = vec![link::pollfd(self.engine.outbox().fd())];
        for client in &mut self.clients {
            client.turn();
            fds.extend(client.fd().map(link::pollfd));
        }
        link::wait(&mut fds, Duration::from_millis(5));
        self.collect();
    }

    /// Fetch events and units.
    pub fn collect(&mut self) {
        let (events, batches) = self.engine.outbox().drain();
        self.events.extend(events);
        self.units
            .extend(batches.into_iter().flat_map(|batch| batch.units));
    }

    /// Send `count` pictures of one packet each, every `group`-th a keyframe, with sound.
    pub fn stream(&mut self, publisher: Who, count: usize, group: usize) {
        for i in 0..count {
            self[publisher].picture(group > 0 && i % group == 0);
            self[publisher].sound();
            self.turn();
        }
    }

    /// Each of the two has the other's socket from now on.
    pub fn swap_links(&mut self, one: Who, other: Who) {
        let pair = self.clients.get_disjoint_mut([one.index, other.index]);
        let [one, other] = pair.expect("two clients");
        one.swap_links(other);
    }

    pub fn count(&self, name: &str) -> u64 {
        let counters = self.engine.counters().all();
        let found = counters.iter().find(|(n, _)| *n == name);
        found.unwrap_or_else(|| panic!("no counter {name}")).1
    }

    pub fn closed(&self, who: Who) -> Option<CloseReason> {
        self.events.iter().find_map(|event| match event {
            Event::PeerClosed { peer, reason, .. } if *peer == who.peer => Some(*reason),
            _ => None,
        })
    }

    /// The engine's address for this protocol.
    pub fn address(&self, protocol: &str) -> SocketAddr {
        let candidates = self.engine.candidates();
        let found = candidates
            .iter()
            .find_map(|c| c.strip_prefix(protocol)?.strip_prefix(':'));
        found.expect("a candidate").parse().expect("an address")
    }

    fn state(&self) -> String {
        let counters = self.engine.counters().all();
        let moved: Vec<_> = counters.into_iter().filter(|(_, n)| *n > 0).collect();
        let clients: Vec<String> = self.clients.iter().map(Client::state).collect();
        format!("{moved:?} {:?} {clients:?}", self.events)
    }
}

impl std::ops::Index<Who> for World {
    type Output = Client;

    fn index(&self, who: Who) -> &Client {
        &self.clients[who.index]
    }
}

impl std::ops::IndexMut<Who> for World {
    fn index_mut(&mut self, who: Who) -> &mut Client {
        &mut self.clients[who.index]
    }
}
