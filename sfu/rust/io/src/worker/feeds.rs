//! What other workers tell about channels that we share with them.

use std::sync::Arc;
use std::time::Instant;

use super::Worker;
use crate::feed::{Demand, Feed};
use crate::peer::Part;

impl Worker {
    pub(super) fn feed(&mut self, feed: Feed, now: Instant) {
        match feed {
            Feed::Subscribe { channel, worker } => self.subscribed(&channel, worker),
            Feed::Unsubscribe { channel, worker } => {
                if let Some(channel) = self.channels.get_mut(&channel) {
                    channel.subscribers.remove(&worker);
                }
                self.drop_if_empty(&channel);
            }
            Feed::Keyframe { channel, source } => {
                if let Some(channel) = self.channels.get_mut(&channel) {
                    channel.broadcast.want_keyframe(source);
                }
            }
            Feed::Demand {
                channel,
                worker,
                demand,
            } => {
                let channel = self.channels.get_mut(&channel);
                if let Some(known) = channel.and_then(|c| c.subscribers.get_mut(&worker)) {
                    *known = demand;
                }
            }
            Feed::Started { channel, started } => {
                if let Some(channel) = self.channels.get_mut(&channel) {
                    channel.start_source(&started, now);
                }
                self.lead(&channel, now);
            }
            Feed::Kept {
                channel: name,
                packets,
            } => {
                let Some(channel) = self.channels.get_mut(&name) else {
                    return;
                };
                for packet in &packets {
                    channel.broadcast.packet(packet, now, &mut Vec::new());
                }
                self.begin_waiting(&name, now);
            }
            Feed::Burst {
                channel: name,
                packets,
            } => {
                let Some(channel) = self.channels.get_mut(&name) else {
                    return;
                };
                if channel.burst.is_empty() {
                    self.dirty.push(name);
                }
                for packet in packets.iter() {
                    channel.broadcast.packet(packet, now, &mut Vec::new());
                    channel.burst.push(Arc::clone(packet));
                }
            }
            Feed::Cleared { channel } => {
                if let Some(channel) = self.channels.get_mut(&channel) {
                    channel.clear_publisher();
                }
            }
        }
    }

    /// A worker has viewers of a channel whose home is here: it must know what there is.
    fn subscribed(&mut self, name: &Arc<str>, worker: usize) {
        let to = self.workers[worker].clone();
        let channel = self.channel(name);
        channel.subscribers.insert(worker, Demand::Any);
        for started in channel.present() {
            to.send(Feed::Started {
                channel: Arc::clone(name),
                started,
            });
        }
        let sources = channel.broadcast.sources().iter();
        let packets: Vec<_> = sources
            .filter_map(|source| channel.broadcast.gop(source.id))
            .flat_map(|gop| gop.packets().cloned())
            .collect();
        if !packets.is_empty() {
            to.send(Feed::Kept {
                channel: Arc::clone(name),
                packets,
            });
        }
    }

    /// Viewers that were connected before we knew anything of their channel.
    fn begin_waiting(&mut self, name: &str, now: Instant) {
        let viewers = self.channels.get(name).map(|c| c.viewers.clone());
        for id in viewers.unwrap_or_default() {
            let waits = self.peers.get(&id).is_some_and(|peer| {
                peer.connected
                    && matches!(&peer.part, Part::Viewer(viewer) if viewer.first_media.is_none())
            });
            if waits {
                self.begin(id, now);
            }
        }
    }
}
