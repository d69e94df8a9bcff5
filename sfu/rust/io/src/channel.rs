//! A channel on a worker: its broadcast, its publisher, its viewers and its readers.

use std::sync::Arc;
use std::time::Instant;

use sluice_media_core::broadcast::{Broadcast, Settings};
use sluice_media_core::packet::{Packet, SourceId};
use str0m::format::CodecSpec;

use crate::outbox::Layer;

/// Everything about a channel that its worker knows.
pub struct Channel {
    pub name: String,
    pub broadcast: Broadcast,
    pub publisher: Option<u64>,
    pub viewers: Vec<u64>,
    pub taps: Vec<u64>,
    /// Packets of this turn of the loop; every viewer is visited once for all of them.
    pub burst: Vec<Arc<Packet>>,
    /// Formats of the present sources.
    pub formats: Vec<(SourceId, CodecSpec)>,
    /// The publisher of this run has sent its first packet.
    pub started: bool,
}

impl Channel {
    pub fn new(name: String, settings: Settings) -> Self {
        Channel {
            name,
            broadcast: Broadcast::new(settings),
            publisher: None,
            viewers: Vec::new(),
            taps: Vec::new(),
            burst: Vec::new(),
            formats: Vec::new(),
            started: false,
        }
    }

    /// Nobody is here any more.
    pub fn is_empty(&self) -> bool {
        self.publisher.is_none() && self.viewers.is_empty() && self.taps.is_empty()
    }

    pub fn start_source(
        &mut self,
        source: SourceId,
        rid: &str,
        spec: CodecSpec,
        replaces: Option<SourceId>,
        codec: sluice_media_core::codec::Codec,
        now: Instant,
    ) {
        if let Some(old) = replaces {
            self.broadcast.remove_source(old);
            self.formats.retain(|(id, _)| *id != old);
        }
        self.broadcast.add_source(source, rid, codec, now);
        self.formats.push((source, spec));
    }

    /// The publisher is gone; viewers stay for the next.
    pub fn clear_publisher(&mut self) {
        self.publisher = None;
        self.broadcast.clear();
        self.formats.clear();
        self.burst.clear();
        self.started = false;
    }

    pub fn layers(&self) -> Vec<Layer> {
        self.broadcast
            .sources()
            .iter()
            .map(|source| Layer {
                rid: source.rid.clone(),
                codec: source.codec,
                bitrate: source.bitrate,
                width: source.width,
                height: source.height,
                active: source.active,
            })
            .collect()
    }
}
