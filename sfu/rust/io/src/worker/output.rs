//! Media to viewers, keyframe requests to publishers.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use sluice_media_core::packet::{Packet, SourceId};
use str0m::Input;
use str0m::format::CodecSpec;
use str0m::media::KeyframeRequestKind;

use super::Worker;
use crate::feed::{self, Feed};
use crate::net::Net;
use crate::peer::{Part, Peer};
use crate::prefetch;

impl Worker {
    /// Send this turn's packets on: each viewer is visited once.
    pub(super) fn forward(&mut self, now: Instant) {
        self.forward_at = None;
        for name in std::mem::take(&mut self.dirty) {
            let Some(channel) = self.channels.get_mut(&name) else {
                continue;
            };
            let Some(at) = channel.forward_at() else {
                continue;
            };
            if at > now {
                self.forward_at = Some(self.forward_at.map_or(at, |soonest| soonest.min(at)));
                self.dirty.push(name);
                continue;
            }
            let mut burst = std::mem::take(&mut channel.burst);
            // Behind the picture's packets, of which most are of one length, the sound's shorter
            // one can end a message to the kernel; before them it would be one by itself.
            burst.sort_by_key(|packet| packet.codec.is_audio());
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
            let panicked = send_on(
                &mut self.peers,
                &viewers,
                &burst,
                &channel.formats,
                &mut self.net,
                now,
            );
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
        self.net.flush();
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
        let (Part::Viewer(viewer), Some(path)) = (&mut peer.part, peer.chosen.path()) else {
            return false;
        };
        let Some(channel) = self.channels.get(&*peer.channel) else {
            return false;
        };
        let source = viewer.source();
        let cheap = source.is_some_and(|source| channel.broadcast.is_lower(source));
        let Some(gop) = source.and_then(|source| channel.broadcast.gop(source)) else {
            // The publisher is gone: nothing of it must keep the viewer from the next one.
            viewer.end_replay(now);
            return false;
        };
        let net = &mut self.net;
        let replayed = catch_unwind(AssertUnwindSafe(|| {
            viewer.replay(gop, cheap, &channel.formats, &mut net.way(path, now))
        }));
        if replayed.is_err() {
            self.panicked(id);
        }
        replayed.unwrap_or(false)
    }

    /// Reports to viewers that are due for one.
    pub(super) fn report(&mut self, now: Instant) {
        let wall = self.shared.wall(now);
        let mut panicked = Vec::new();
        for peer in self.peers.values_mut() {
            if let (Part::Viewer(viewer), Some(path)) = (&mut peer.part, peer.chosen.path()) {
                let net = &mut self.net;
                let told = catch_unwind(AssertUnwindSafe(|| {
                    viewer.report(&mut net.way(path, now), wall);
                }));
                if told.is_err() {
                    panicked.push(peer.id);
                }
            }
        }
        for id in panicked {
            self.panicked(id);
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

/// How many viewers ahead the state of one is asked for: its peer, then its own bytes, then its
/// keys, as each is found through the one before.
const AHEAD: [usize; 3] = [6, 4, 2];

/// Send a burst to viewers, one after the other. Returns those whose code panicked.
fn send_on(
    peers: &mut HashMap<u64, Box<Peer>>,
    viewers: &[u64],
    burst: &[Arc<Packet>],
    formats: &[(SourceId, CodecSpec)],
    net: &mut Net,
    now: Instant,
) -> Vec<u64> {
    let seats: Vec<(u64, *mut Peer)> = viewers
        .iter()
        .filter_map(|id| Some((*id, &raw mut **peers.get_mut(id)?)))
        .collect();
    let mut panicked = Vec::new();
    for (place, (id, peer)) in seats.iter().enumerate() {
        let [peer_ahead, viewer_ahead, keys_ahead] = AHEAD.map(|n| seats.get(place + n));
        if let Some((_, peer)) = peer_ahead {
            prefetch::ahead(peer.cast_const());
        }
        // SAFETY: `peers` is borrowed for all of this function and not touched but through these
        // pointers; each leads to another peer's box, and one reference at a time is made.
        unsafe {
            if let Some(Part::Viewer(viewer)) = viewer_ahead.map(|(_, peer)| &(**peer).part) {
                prefetch::ahead(&raw const **viewer);
            }
            if let Some(Part::Viewer(viewer)) = keys_ahead.map(|(_, peer)| &(**peer).part) {
                viewer.prefetch();
            }
        }
        // SAFETY: as above.
        let peer = unsafe { &mut **peer };
        let poisoned = peer.poisoned;
        let (true, Part::Viewer(viewer), Some(path)) =
            (peer.connected, &mut peer.part, peer.chosen.path())
        else {
            continue;
        };
        if catch_unwind(AssertUnwindSafe(|| {
            assert!(!poisoned, "poisoned by a test");
            viewer.forward(burst, formats, &mut net.way(path, now));
        }))
        .is_err()
        {
            panicked.push(*id);
        }
    }
    panicked
}
