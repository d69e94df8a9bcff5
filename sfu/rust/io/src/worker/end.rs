//! The end of a peer: a goodbye where that is possible, and no trace of it left.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use sluice_media_core::routes::Path;

use super::Worker;
use crate::feed::{self, Feed};
use crate::net::Outlet;
use crate::outbox::{CloseReason, Event};

impl Worker {
    /// Say goodbye, then forget.
    pub(super) fn close(&mut self, id: u64, reason: CloseReason, detail: String) {
        if let Some(peer) = self.peers.get_mut(&id) {
            let net = &mut self.net;
            let goodbye = catch_unwind(AssertUnwindSafe(|| {
                let mut outlet = Outlet::new(net, id, Instant::now());
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

    /// Code panicked while it worked for this peer: its state is not to be touched again.
    pub(super) fn panicked(&mut self, id: u64) {
        self.net.counters.errors_panic.add(1);
        self.forget(id, CloseReason::Failed, "contained panic".into());
    }

    pub(super) fn forget(&mut self, id: u64, reason: CloseReason, detail: String) {
        let Some(peer) = self.peers.remove(&id) else {
            return;
        };
        for path in self.net.routes.remove_peer(id) {
            if let Path::Tcp(key, _) = path {
                self.close_connection(key);
            }
        }
        self.senders.retain(|_, sender| *sender != id);
        self.timers.remove(&id);
        self.consent.remove(&id);
        self.padding.remove(&id);
        self.replaying.remove(&id);
        self.shared.peers.fetch_sub(1, Ordering::Relaxed);
        self.shared.loads[self.index].fetch_sub(1, Ordering::Relaxed);
        if !peer.connected {
            self.shared.half_open.fetch_sub(1, Ordering::Relaxed);
        }
        self.net.counters.peers_closed.add(1);
        let name = peer.channel.clone();
        if let Some(channel) = self.channels.get_mut(&*name) {
            if channel.publisher == Some(id) {
                channel.clear_publisher();
                for worker in channel.subscribers.keys() {
                    self.workers[*worker].send(Feed::Cleared {
                        channel: Arc::clone(&channel.name),
                    });
                }
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

    pub(super) fn drop_if_empty(&mut self, name: &str) {
        let Some(channel) = self.channels.get(name).filter(|c| c.is_empty()) else {
            return;
        };
        if !channel.is_home {
            let home = feed::home(name, self.workers.len());
            self.workers[home].send(Feed::Unsubscribe {
                channel: Arc::clone(&channel.name),
                worker: self.index,
            });
        }
        self.channels.remove(name);
    }
}
