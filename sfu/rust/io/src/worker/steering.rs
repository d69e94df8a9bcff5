//! Which viewer is sent which layer, and what that asks of the publisher.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use sluice_media_core::downlink::LayerRate;
use sluice_media_core::packet::SourceId;

use super::Worker;
use crate::channel::Channel;
use crate::command::LayerWish;
use crate::counters::Counters;
use crate::outbox::Event;
use crate::peer::{Part, Peer};
use crate::viewer::Viewer;
use crate::viewer::link::Showing;

impl Worker {
    /// A viewer is connected: it gets the kept pictures, or waits for the next keyframe.
    pub(super) fn begin(&mut self, id: u64, now: Instant) {
        let Some((viewer, channel)) = viewer_of(&mut self.peers, &mut self.channels, id) else {
            return;
        };
        viewer.follow_audio(channel.broadcast.audio());
        let rates = channel.rates();
        let wanted = steer(viewer, channel, &rates, &self.net.counters, now);
        let gop = viewer
            .source()
            .and_then(|source| channel.broadcast.gop(source));
        if gop.is_some_and(|gop| viewer.start_replay(gop, now)) {
            self.replaying.insert(id);
        } else if let Some(source) = wanted {
            channel.broadcast.want_keyframe(source);
        }
    }

    /// Every viewer of the channel follows its present sources.
    pub(super) fn lead(&mut self, name: &str, now: Instant) {
        let Some(channel) = self.channels.get_mut(name) else {
            return;
        };
        let rates = channel.rates();
        let audio = channel.broadcast.audio();
        for id in &channel.viewers {
            let Some(peer) = self.peers.get_mut(id).filter(|peer| peer.connected) else {
                continue;
            };
            if let Part::Viewer(viewer) = &mut peer.part {
                viewer.follow_audio(audio);
                // An encoding begins with a keyframe; if it did not, it is asked for at home.
                steer(viewer, channel, &rates, &self.net.counters, now);
            }
        }
    }

    /// Look at every viewer's link, and tell who sees something else now.
    pub(super) fn steer(&mut self, now: Instant) {
        let mut panicked = Vec::new();
        for channel in self.channels.values_mut() {
            let rates = channel.rates();
            let mut wanted = Vec::new();
            for id in &channel.viewers {
                let Some(peer) = self.peers.get_mut(id).filter(|peer| peer.connected) else {
                    continue;
                };
                let poisoned = peer.poisoned;
                let Part::Viewer(viewer) = &mut peer.part else {
                    continue;
                };
                let counters = &self.net.counters;
                let steered = catch_unwind(AssertUnwindSafe(|| {
                    assert!(!poisoned, "poisoned by a test");
                    steer(viewer, channel, &rates, counters, now)
                }));
                match steered {
                    Ok(source) => wanted.extend(source),
                    Err(_) => {
                        panicked.push(*id);
                        continue;
                    }
                }
                if let Some(at) = viewer.pad_at() {
                    self.padding.set(*id, at);
                }
                let Some(showing) = viewer.news() else {
                    continue;
                };
                let switched = viewer.link().switches > 0;
                if switched {
                    self.net.counters.layer_switches.add(1);
                }
                // With one encoding there is nothing to tell before anything changes.
                if switched || rates.iter().filter(|layer| layer.whole).count() > 1 {
                    let rid = match showing {
                        Showing::Layer(source) => channel.rid(source).map(str::to_owned),
                        Showing::AudioOnly => None,
                    };
                    self.shared
                        .outbox
                        .event(Event::LayerSwitched { peer: *id, rid });
                }
            }
            for source in wanted {
                channel.broadcast.want_keyframe(source);
            }
        }
        for id in panicked {
            self.panicked(id);
        }
    }

    pub(super) fn select_layer(&mut self, id: u64, wish: LayerWish, now: Instant) -> bool {
        let Some((viewer, channel)) = viewer_of(&mut self.peers, &mut self.channels, id) else {
            return false;
        };
        if wish
            .rid
            .as_ref()
            .is_some_and(|rid| channel.layer(rid).is_none())
        {
            return false;
        }
        viewer.wish(wish);
        let rates = channel.rates();
        if let Some(source) = steer(viewer, channel, &rates, &self.net.counters, now) {
            channel.broadcast.want_keyframe(source);
        }
        true
    }

    /// Padding of probes that are due.
    pub(super) fn pad_due(&mut self, now: Instant) {
        while let Some(id) = self.padding.pop_due(now) {
            let Some(peer) = self.peers.get_mut(&id) else {
                continue;
            };
            let (Part::Viewer(viewer), Some(path)) = (&mut peer.part, peer.chosen.path()) else {
                continue;
            };
            let Some(channel) = self.channels.get(&*peer.channel) else {
                continue;
            };
            let ring = |source| channel.broadcast.ring(source);
            let net = &mut self.net;
            let padded = catch_unwind(AssertUnwindSafe(|| {
                viewer.pad(ring, &channel.formats, &mut net.way(path, now));
            }));
            if padded.is_err() {
                self.panicked(id);
                continue;
            }
            if let Some(at) = viewer.pad_at() {
                self.padding.set(id, at.max(now + super::SOONEST_WAKE));
            }
        }
    }
}

fn steer(
    viewer: &mut Viewer,
    channel: &Channel,
    rates: &[LayerRate],
    counters: &Counters,
    now: Instant,
) -> Option<SourceId> {
    let wish = &viewer.link().wish;
    let narrowed = (wish.spatial, wish.temporal) != (None, None);
    let own = narrowed.then(|| {
        let most = |layer: Option<u8>| layer.unwrap_or(u8::MAX);
        channel.rates_within(most(wish.spatial), most(wish.temporal))
    });
    let rates = own.as_deref().unwrap_or(rates);
    // The best of the encoding that is asked for.
    let pin = wish.rid.as_deref().and_then(|rid| {
        let source = channel.layer(rid)?;
        let mut best = rates.iter().filter(|layer| layer.rung.source == source);
        Some(best.rfind(|layer| layer.active)?.rung)
    });
    viewer.steer(rates, channel.audio_rate(), pin, counters, now)
}

/// A viewer and its channel, both to change.
fn viewer_of<'a>(
    peers: &'a mut HashMap<u64, Box<Peer>>,
    channels: &'a mut HashMap<Arc<str>, Channel>,
    id: u64,
) -> Option<(&'a mut Viewer, &'a mut Channel)> {
    let peer = peers.get_mut(&id)?;
    let channel = channels.get_mut(&*peer.channel)?;
    match &mut peer.part {
        Part::Viewer(viewer) => Some((viewer, channel)),
        Part::Publisher(_) => None,
    }
}
