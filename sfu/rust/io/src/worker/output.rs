//! Media to viewers, keyframe requests to publishers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use sluice_media_core::packet::SourceId;
use str0m::Input;
use str0m::media::KeyframeRequestKind;

use super::Worker;
use crate::egress::{RtcEgress, ViewerEgress};
use crate::peer::Part;

impl Worker {
    /// Send this turn's packets on: each viewer is visited once.
    pub(super) fn forward(&mut self, now: Instant) {
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
    pub(super) fn replay(&mut self, now: Instant) {
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
                self.panicked(id);
            }
            if !more {
                self.replaying.remove(&id);
            }
        }
    }

    pub(super) fn ask_for_keyframes(&mut self, now: Instant) {
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
}
