//! What the publisher need not send, because nobody can come to watch it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use sluice_media_core::broadcast::Source;
use str0m::Input;
use str0m::bwe::Bitrate;

use super::Worker;
use crate::channel::Channel;
use crate::feed::{self, Demand, Feed};
use crate::peer::{Part, Peer};

/// What is asked for over what the useful encodings have, because they vary.
const ROOM: f64 = 1.3;
/// No limit, in bit/s.
const ANY: u64 = 100_000_000;

impl Worker {
    /// Tell home when our viewers' demand changed, and publishers when it concerns them.
    pub(super) fn look_at_demand(&mut self, now: Instant) {
        let mut asks = Vec::new();
        for channel in self.channels.values_mut() {
            let ours = demand(channel, &self.peers);
            if !channel.is_home {
                if channel.demand_told.as_ref() != Some(&ours) {
                    channel.demand_told = Some(ours.clone());
                    let home = feed::home(&channel.name, self.workers.len());
                    self.workers[home].send(Feed::Demand {
                        channel: Arc::clone(&channel.name),
                        worker: self.index,
                        demand: ours,
                    });
                }
                continue;
            }
            let Some(publisher) = channel.publisher else {
                continue;
            };
            let useful = useful(channel, &ours);
            if channel.limit.is_some() && channel.limit != useful {
                channel.limit = None;
                channel.idle = None;
                asks.push((publisher, ANY));
            }
            let Some(count) = useful else {
                channel.idle = None;
                continue;
            };
            let since = *channel.idle.get_or_insert(now);
            let patience = self.shared.settings.demand_patience;
            // While it holds, a limit is not moved by what it does to the rates.
            if channel.limit.is_none() && now.saturating_duration_since(since) >= patience {
                channel.limit = useful;
                asks.push((publisher, enough(channel, count)));
            }
        }
        for (publisher, limit) in asks {
            self.net.counters.publisher_limits.add(1);
            self.drive(publisher, None, now, |peer, _| {
                let Part::Publisher(part) = &peer.part else {
                    return Ok(());
                };
                let video = part.tracks().find(|track| !track.codec.is_audio());
                if let Some((mid, rid)) = video.map(|track| (track.mid, track.rid))
                    && let Some(stream) = peer.rtc.direct_api().stream_rx_by_mid(mid, rid)
                {
                    stream.request_remb(Bitrate::from(limit));
                }
                peer.rtc.handle_input(Input::Timeout(now))
            });
        }
    }
}

/// What a channel's viewers on this worker may come to watch.
fn demand(channel: &Channel, peers: &HashMap<u64, Box<Peer>>) -> Demand {
    let mut wanted = Vec::new();
    for id in &channel.viewers {
        let Some(Part::Viewer(viewer)) = peers.get(id).map(|peer| &peer.part) else {
            continue;
        };
        let pinned = viewer.link().wish.rid.as_deref();
        match pinned.and_then(|rid| channel.layer(rid)) {
            Some(source) => wanted.push(source),
            None => return Demand::Any,
        }
    }
    wanted.sort_unstable();
    wanted.dedup();
    Demand::Only(wanted)
}

/// How many encodings, from the smallest, somebody may come to watch; None when it is all.
fn useful(channel: &Channel, ours: &Demand) -> Option<usize> {
    // A reader wants the best there is.
    if !channel.taps.is_empty() {
        return None;
    }
    let order = by_size(channel);
    let mut count = 1;
    for demand in channel.subscribers.values().chain([ours]) {
        let Demand::Only(sources) = demand else {
            return None;
        };
        let places = order.iter().rposition(|layer| sources.contains(&layer.id));
        count = count.max(places.map_or(0, |place| place + 1));
    }
    (count < order.len()).then_some(count)
}

/// The rate that so many encodings need, in bit/s.
fn enough(channel: &Channel, count: usize) -> u64 {
    let layers = by_size(channel).into_iter().take(count);
    let video: u64 = layers.map(|layer| layer.steady().bitrate).sum();
    ((video + channel.audio_rate()) as f64 * ROOM) as u64
}

/// The video encodings, ascending. By their pixels first: the rate of one that the publisher was
/// asked to leave out says nothing.
fn by_size(channel: &Channel) -> Vec<&Source> {
    let sources = channel.broadcast.sources().iter();
    let mut order: Vec<_> = sources.filter(|s| !s.codec.is_audio()).collect();
    order.sort_by_key(|s| (u32::from(s.width) * u32::from(s.height), s.steady().bitrate));
    order
}
