//! A worker's sockets and who is at the other ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use polling::Poller;
use sluice_media_core::routes::{Path, Routes};
use str0m::Event as RtcEvent;

use crate::counters::Counters;
use crate::peer::Sink;
use crate::settings::Addresses;
use crate::tcp::Tcp;
use crate::udp::{MAX_DATAGRAM, Udp};

/// The sockets, and the peers by their paths.
pub struct Net {
    pub poller: Arc<Poller>,
    pub udp: Udp,
    pub tcp: Option<Tcp>,
    pub routes: Routes<u64>,
    pub addresses: Addresses,
    pub counters: Arc<Counters>,
    /// When the worker started, for clocks that receivers see.
    pub started: Instant,
    /// Counted here and told to the counters once a turn, as all workers write those.
    pub forwarded_packets: u64,
    pub forwarded_bytes: u64,
    /// Where datagrams for TCP are made.
    pub scratch: Box<[u8; MAX_DATAGRAM]>,
}

/// To one peer, in one turn.
pub struct Way<'a> {
    pub net: &'a mut Net,
    pub path: Path,
    pub now: Instant,
}

/// Collects what one peer puts out.
pub struct Outlet<'a> {
    pub net: &'a mut Net,
    pub peer: u64,
    pub now: Instant,
    pub events: Vec<RtcEvent>,
    /// A check was answered: the peer is alive.
    pub answered: bool,
}

impl Net {
    /// Queue a datagram (UDP) or write it as far as the connection takes it (TCP).
    pub fn send(&mut self, path: Path, datagram: &[u8], now: Instant) {
        match path {
            Path::Udp(address) => self.udp.send(address, datagram, &self.counters),
            Path::Tcp(key, _) => {
                if let Some(tcp) = &mut self.tcp {
                    tcp.send(key, datagram, &self.poller, &self.counters, now);
                }
            }
        }
    }

    /// Everything that waits goes to the kernel, and what was counted to the counters.
    pub fn flush(&mut self) {
        self.udp.flush(&self.counters);
        let packets = std::mem::take(&mut self.forwarded_packets);
        let bytes = std::mem::take(&mut self.forwarded_bytes);
        if packets > 0 {
            self.counters.forwarded_packets.add(packets);
            self.counters.forwarded_bytes.add(bytes);
        }
    }

    /// The way to a path of a peer's.
    pub fn way(&mut self, path: Path, now: Instant) -> Way<'_> {
        let net = self;
        Way { net, path, now }
    }
}

impl<'a> Outlet<'a> {
    pub fn new(net: &'a mut Net, peer: u64, now: Instant) -> Self {
        Outlet {
            net,
            peer,
            now,
            events: Vec::new(),
            answered: false,
        }
    }
}

impl Way<'_> {
    /// How long the oldest byte waits that the other end did not take yet.
    pub fn backlog(&self) -> Duration {
        match (self.path, &self.net.tcp) {
            (Path::Tcp(key, _), Some(tcp)) => tcp.backlog(key, self.now),
            _ => Duration::ZERO,
        }
    }

    /// Let `write` make a datagram of at most `size` bytes in place; it returns the length, or
    /// None when there is nothing to send. Returns the length of what is on its way.
    pub fn place(
        &mut self,
        size: usize,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Option<usize> {
        let net = &mut *self.net;
        if size > MAX_DATAGRAM {
            net.counters.errors_send.add(1);
            return None;
        }
        let made = match self.path {
            Path::Udp(address) => {
                let made = write(&mut net.udp.room(&net.counters)[..size]);
                if let Some(length) = made {
                    net.udp.commit(address, length);
                }
                made
            }
            Path::Tcp(key, _) => {
                let made = write(&mut net.scratch[..size]);
                if let (Some(length), Some(tcp)) = (made, &mut net.tcp) {
                    let datagram = &net.scratch[..length];
                    tcp.send(key, datagram, &net.poller, &net.counters, self.now);
                }
                made
            }
        };
        if made.is_none() {
            net.counters.errors_send.add(1);
        }
        made
    }
}

impl Sink for Outlet<'_> {
    fn send(&mut self, path: Path, datagram: &[u8]) {
        self.net.send(path, datagram, self.now);
    }

    fn proved(&mut self, path: Path) {
        self.answered = true;
        self.net.routes.add_path(path, self.peer);
        if let (Path::Tcp(key, _), Some(tcp)) = (path, &mut self.net.tcp) {
            tcp.claim(key);
        }
    }

    fn event(&mut self, event: RtcEvent) {
        self.events.push(event);
    }
}
