//! What the publisher need not send, because nobody can come to watch it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::Input;
use str0m::bwe::Bitrate;

use super::Worker;
use crate::channel::Channel;
use crate::feed::{self, Demand, Feed};
use crate::peer::{Part, Peer};

/// An encoding is of no use for so long before the publisher is asked to leave it out: taking it
/// up again costs its sender some seconds.
const PATIENCE: Duration = Duration::from_secs(30);
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
            let limit = limit(channel, &ours);
            channel.idle = limit.and(channel.idle.or(Some(now)));
            let patient = |since| now.saturating_duration_since(since) < PATIENCE;
            let limit = limit.filter(|_| channel.idle.is_some_and(|since| !patient(since)));
            // While it holds, a limit is not moved by what it does to the rates.
            if limit.is_some() != channel.limit.is_some() {
                channel.limit = limit;
                asks.push((publisher, limit.unwrap_or(ANY)));
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

/// The rate that is enough, in bit/s; None where all encodings have their use.
fn limit(channel: &Channel, ours: &Demand) -> Option<u64> {
    // A reader wants the best there is.
    if !channel.taps.is_empty() {
        return None;
    }
    let rates = channel.encodings();
    let mut useful = 0;
    for demand in channel.subscribers.values().chain([ours]) {
        let Demand::Only(sources) = demand else {
            return None;
        };
        let places = sources
            .iter()
            .filter_map(|source| rates.iter().position(|layer| layer.rung.source == *source));
        useful = useful.max(places.max().unwrap_or(0));
    }
    let enough: u64 = rates
        .get(..=useful)?
        .iter()
        .map(|layer| layer.bitrate)
        .sum();
    let all = rates.len() == useful + 1;
    (!all).then_some(((enough + channel.audio_rate()) as f64 * ROOM) as u64)
}
