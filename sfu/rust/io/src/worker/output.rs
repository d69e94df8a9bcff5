//! Media to viewers, keyframe requests to publishers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use sluice_media_core::packet::SourceId;
use str0m::Input;
use str0m::media::KeyframeRequestKind;

use super::Worker;
use crate::feed::{self, Feed};
use crate::peer::Part;

impl Worker {
    /// Send this turn's packets on: each viewer is visited once.
    pub(super) fn forward(&mut self, now: Instant) {
        for name in std::mem::take(&mut self.dirty) {
            let Some(channel) = self.channels.get_mut(&name) else {
                continue;
            };
            let mut burst = std::mem::take(&mut channel.burst);
            if !channel.subscribers.is_empty() {
                let packets: Arc<[_]> = burst.as_slice().into();
                for worker in channel.subscribers.keys() {
                    let feed = Feed::Burst {
                        channel: Arc::clone(&name),
                        packets: Arc::clone(&packets),
                    };
                    if !self.workers[*worker].send(feed) {
                        self.net.counters.drops_worker_queue.add(1);
                    }
                }
            }
            let viewers = std::mem::take(&mut channel.viewers);
            let formats = &channel.formats;
            let mut panicked = Vec::new();
            for id in &viewers {
                let Some(peer) = self.peers.get_mut(id).filter(|peer| peer.connected) else {
                    continue;
                };
                let (Part::Viewer(viewer), Some(path)) = (&mut peer.part, peer.path) else {
                    continue;
                };
                let net = &mut self.net;
                if catch_unwind(AssertUnwindSafe(|| {
                    viewer.forward(&burst, formats, &mut net.way(path, now));
                }))
                .is_err()
                {
                    panicked.push(*id);
                }
            }
            channel.viewers = viewers;
            self.waiting
                .extend(burst.iter().map(|packet| packet.arrived));
            burst.clear();
            channel.burst = burst;
            for id in panicked {
                self.panicked(id);
            }
        }
    }

    /// Everything that waits goes to the kernel.
    pub(super) fn flush(&mut self) {
        self.net.udp.flush(&self.net.counters);
        if !self.waiting.is_empty() {
            let now = Instant::now();
            for arrived in self.waiting.drain(..) {
                let waited = now.saturating_duration_since(arrived);
                self.net
                    .counters
                    .forward_latency
                    .observe(waited.as_secs_f64());
            }
        }
    }

    /// One turn of every replay that is not over.
    pub(super) fn replay(&mut self, now: Instant) {
        let replaying: Vec<u64> = self.replaying.iter().copied().collect();
        for id in replaying {
            if !self.replay_some(id, now) {
                self.replaying.remove(&id);
            }
        }
    }

    /// True while there is more.
    fn replay_some(&mut self, id: u64, now: Instant) -> bool {
        let Some(peer) = self.peers.get_mut(&id) else {
            return false;
        };
        let (Part::Viewer(viewer), Some(path)) = (&mut peer.part, peer.path) else {
            return false;
        };
        let Some(channel) = self.channels.get(&*peer.channel) else {
            return false;
        };
        let Some(gop) = viewer
            .source()
            .and_then(|source| channel.broadcast.gop(source))
        else {
            // The publisher is gone: nothing of it must keep the viewer from the next one.
            viewer.end_replay(now);
            return false;
        };
        let net = &mut self.net;
        let replayed = catch_unwind(AssertUnwindSafe(|| {
            viewer.replay(gop, &channel.formats, &mut net.way(path, now))
        }));
        if replayed.is_err() {
            self.panicked(id);
        }
        replayed.unwrap_or(false)
    }

    /// Reports to viewers that are due for one.
    pub(super) fn report(&mut self, now: Instant) {
        let wall = self.shared.wall(now);
        for peer in self.peers.values_mut() {
            if let (Part::Viewer(viewer), Some(path)) = (&mut peer.part, peer.path) {
                viewer.report(&mut self.net.way(path, now), wall);
            }
        }
    }

    pub(super) fn ask_for_keyframes(&mut self, now: Instant) {
        let mut asks: Vec<(u64, SourceId)> = Vec::new();
        for channel in self.channels.values_mut() {
            if let Some(publisher) = channel.publisher {
                let sources = channel.broadcast.poll_keyframes(now);
                asks.extend(sources.into_iter().map(|source| (publisher, source)));
            } else if !channel.is_home {
                let home = &self.workers[feed::home(&channel.name, self.workers.len())];
                for source in channel.broadcast.poll_keyframes(now) {
                    home.send(Feed::Keyframe {
                        channel: Arc::clone(&channel.name),
                        source,
                    });
                }
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
}
