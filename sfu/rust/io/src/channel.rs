//! A channel on a worker: its broadcast, its publisher, its viewers and its readers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sluice_media_core::broadcast::{Broadcast, Settings, Source};
use sluice_media_core::downlink::LayerRate;
use sluice_media_core::packet::{Packet, SourceId};
use str0m::format::CodecSpec;

use crate::feed::{Demand, Started};
use crate::outbox::Layer;

/// From so many viewers on it pays to wait for the rest of a picture: each viewer's state and keys
/// are fetched once for all of it, and the kernel walks its network stack once.
const CROWD: usize = 32;
/// A picture is sent on whole when its packets come within this; they are of no use before.
const HOLD: Duration = Duration::from_millis(3);
/// As many packets as one message to the kernel carries.
const FULL: usize = 8;

/// Everything about a channel that one of its workers knows.
pub struct Channel {
    pub name: Arc<str>,
    /// The publisher and the readers live here.
    pub is_home: bool,
    pub broadcast: Broadcast,
    pub publisher: Option<u64>,
    pub viewers: Vec<u64>,
    pub taps: Vec<u64>,
    /// Home: workers that have viewers too, and what those may come to watch.
    pub subscribers: HashMap<usize, Demand>,
    /// Elsewhere: what home was told of our viewers.
    pub demand_told: Option<Demand>,
    /// Packets of this turn of the loop; every viewer is visited once for all of them.
    pub burst: Vec<Arc<Packet>>,
    /// Formats of the present sources.
    pub formats: Vec<(SourceId, CodecSpec)>,
    /// The publisher of this run has sent its first packet.
    pub started: bool,
    /// Since when the largest encoding has no use.
    pub idle: Option<Instant>,
    /// The publisher was asked to send no more than so many of its encodings, from the smallest.
    pub limit: Option<usize>,
}

impl Channel {
    pub fn new(name: Arc<str>, is_home: bool, settings: Settings) -> Self {
        Channel {
            name,
            is_home,
            broadcast: Broadcast::new(settings),
            publisher: None,
            viewers: Vec::new(),
            taps: Vec::new(),
            subscribers: HashMap::new(),
            demand_told: None,
            burst: Vec::new(),
            formats: Vec::new(),
            started: false,
            idle: None,
            limit: None,
        }
    }

    /// When the waiting packets are to be sent on; None when none wait.
    pub fn forward_at(&self) -> Option<Instant> {
        let first = self.burst.first()?;
        let ends = |packet: &Arc<Packet>| packet.marker && !packet.codec.is_audio();
        // What another worker sent over was held there.
        let now = !self.is_home
            || self.viewers.len() < CROWD
            || self.burst.len() >= FULL
            || self.burst.iter().any(ends);
        Some(if now {
            first.arrived
        } else {
            first.arrived + HOLD
        })
    }

    /// Nobody is here any more.
    pub fn is_empty(&self) -> bool {
        self.publisher.is_none()
            && self.viewers.is_empty()
            && self.taps.is_empty()
            && self.subscribers.is_empty()
    }

    /// An encoding began. One that is known already is left as it is: a worker that subscribes
    /// anew may hear of it twice.
    pub fn start_source(&mut self, started: &Started, now: Instant) {
        if self.broadcast.source(started.source).is_some() {
            return;
        }
        if let Some(old) = started.replaces {
            self.broadcast.remove_source(old);
            self.formats.retain(|(id, _)| *id != old);
        }
        self.broadcast.join_source(
            started.source,
            &started.rid,
            started.codec,
            started.steady,
            now,
        );
        self.formats.push((started.source, started.spec));
    }

    /// The publisher is gone; viewers stay for the next.
    pub fn clear_publisher(&mut self) {
        self.publisher = None;
        self.broadcast.clear();
        self.formats.clear();
        self.burst.clear();
        self.started = false;
        self.idle = None;
        self.limit = None;
    }

    /// The present encodings, as a worker that just subscribed must hear of them.
    pub fn present(&self) -> Vec<Started> {
        let spec = |id| self.formats.iter().find(|(of, _)| *of == id);
        let sources = self.broadcast.sources().iter();
        sources
            .filter_map(|source| {
                Some(Started {
                    source: source.id,
                    rid: source.rid.clone(),
                    spec: spec(source.id)?.1,
                    codec: source.codec,
                    replaces: None,
                    steady: source.steady(),
                })
            })
            .collect()
    }

    /// The video encodings and their parts as the choice of a layer sees them, ascending by
    /// bitrate.
    pub fn rates(&self) -> Vec<LayerRate> {
        self.rates_within(u8::MAX, u8::MAX)
    }

    /// The same for a viewer that wants no layer above these inside an encoding.
    ///
    /// Simulcast is steps enough: without such a wish its encodings are offered whole. Between
    /// two of them a picture of the larger at half its pace would be chosen, and below the
    /// smallest one that stutters in place of sound alone.
    pub fn rates_within(&self, spatial: u8, temporal: u8) -> Vec<LayerRate> {
        let wished = (spatial, temporal) != (u8::MAX, u8::MAX);
        let sources = self.broadcast.sources().iter();
        let simulcast = sources.filter(|source| !source.codec.is_audio()).count() > 1;
        let video = |source: &&Source| !source.codec.is_audio();
        let mut rates: Vec<_> = self
            .broadcast
            .sources()
            .iter()
            .filter(video)
            .flat_map(|source| source.rungs(spatial, temporal))
            .filter(|layer| wished || !simulcast || layer.whole)
            .collect();
        rates.sort_by_key(|layer| (layer.bitrate, layer.rung));
        rates
    }

    /// The video encodings as a whole, ascending by bitrate.
    pub fn encodings(&self) -> Vec<LayerRate> {
        let mut rates = self.rates();
        rates.retain(|layer| layer.whole);
        rates
    }

    /// Bit/s of the sound.
    pub fn audio_rate(&self) -> u64 {
        let sources = self.broadcast.sources().iter();
        sources
            .filter(|source| source.codec.is_audio())
            .map(Source::bitrate)
            .sum()
    }

    /// The rid of a source; empty where there is one encoding only.
    pub fn rid(&self, source: SourceId) -> Option<&str> {
        Some(&self.broadcast.source(source)?.rid)
    }

    /// The video source of a rid.
    pub fn layer(&self, rid: &str) -> Option<SourceId> {
        let mut sources = self.broadcast.sources().iter();
        let found = sources.find(|source| !source.codec.is_audio() && source.rid == rid);
        found.map(|source| source.id)
    }

    pub fn layers(&self) -> Vec<Layer> {
        self.broadcast
            .sources()
            .iter()
            .map(|source| Layer {
                rid: source.rid.clone(),
                codec: source.codec,
                bitrate: source.bitrate(),
                width: source.width,
                height: source.height,
                active: source.active,
            })
            .collect()
    }
}
