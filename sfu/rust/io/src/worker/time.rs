//! What happens because time passed.

use std::sync::Arc;
use std::time::Instant;

use str0m::Input;

use super::{LISTENER_KEY, Worker};
use crate::outbox::{CloseReason, Event};
use crate::trim;

impl Worker {
    pub(super) fn wake_due(&mut self, now: Instant) {
        while let Some(id) = self.timers.pop_due(now) {
            self.drive(id, None, now, |peer, _| {
                peer.rtc.handle_input(Input::Timeout(now))
            });
        }
        self.pad_due(now);
        while let Some(id) = self.consent.pop_due(now) {
            let Some(peer) = self.peers.get(&id) else {
                continue;
            };
            let settings = &self.shared.settings;
            let (since, limit, what) = if peer.connected {
                (
                    peer.last_input,
                    settings.consent_timeout,
                    "nothing was heard from the peer",
                )
            } else {
                (
                    peer.opened,
                    settings.connect_timeout,
                    "ICE and DTLS did not finish",
                )
            };
            if now.saturating_duration_since(since) >= limit {
                let detail = format!("{what} for {} ms", limit.as_millis());
                self.close(id, CloseReason::Timeout, detail);
            } else {
                self.consent.set(id, since + limit);
            }
        }
    }

    pub(super) fn tick(&mut self, now: Instant) {
        let mut lead = Vec::new();
        for channel in self.channels.values_mut() {
            let changes = channel.broadcast.tick(now);
            if changes.video {
                lead.push(Arc::clone(&channel.name));
            }
            // The rest is home's to tell.
            if !channel.is_home {
                continue;
            }
            let outbox = &self.shared.outbox;
            match changes.stalled {
                Some(true) => outbox.event(Event::MediaStalled {
                    channel: channel.name.to_string(),
                }),
                Some(false) => outbox.event(Event::MediaResumed {
                    channel: channel.name.to_string(),
                }),
                None => {}
            }
            if changes.layers {
                outbox.event(Event::LayersChanged {
                    channel: channel.name.to_string(),
                    layers: channel.layers(),
                });
            }
        }
        for name in lead {
            self.lead(&name, now);
        }
        self.steer(now);
        self.look_at_demand(now);
        // One of the workers sees to it for all.
        let closed = self.net.counters.peers_closed.get();
        if self.index == 0 && self.trim.is_due(closed, now) {
            trim::give_back();
        }
        self.report(now);
        let Some(tcp) = &mut self.net.tcp else { return };
        tcp.resume(LISTENER_KEY, &self.net.poller, now);
        for key in tcp.expired(now) {
            self.close_connection(key);
        }
    }
}
