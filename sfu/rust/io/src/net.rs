//! A worker's sockets and who is at the other ends.

use std::sync::Arc;

use polling::Poller;
use sluice_media_core::routes::{Path, Routes};
use str0m::Event as RtcEvent;

use crate::counters::Counters;
use crate::peer::Sink;
use crate::settings::Addresses;
use crate::tcp::Tcp;
use crate::udp::Udp;

/// The sockets, and the peers by their paths.
pub struct Net {
    pub poller: Arc<Poller>,
    pub udp: Udp,
    pub tcp: Option<Tcp>,
    pub routes: Routes<u64>,
    pub addresses: Addresses,
    pub counters: Arc<Counters>,
}

/// Collects what one peer puts out.
pub struct Outlet<'a> {
    pub net: &'a mut Net,
    pub peer: u64,
    pub events: Vec<RtcEvent>,
}

impl Net {
    /// Queue a datagram (UDP) or write it as far as the connection takes it (TCP).
    pub fn send(&mut self, path: Path, datagram: Vec<u8>) {
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
