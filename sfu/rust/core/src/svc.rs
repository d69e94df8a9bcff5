//! Which packets of a scalable stream (VP9 layers, VP8 temporal layers) a viewer gets.
//!
//! Layers are left at any picture, and entered only where a decoder can follow:
//!
//! - spatial ones at a picture whose lowest layer builds on no other picture. A higher layer's
//!   frame that begins anew by itself is no such place: the layer below has then already ended
//!   the picture for the viewer;
//! - temporal ones there, and where the stream says so, see [`SwitchUp`].

use crate::depacketize::{Layer, SwitchUp};
use crate::packet::Packet;

/// Pictures whose layers are remembered for packets that come late: a second at 30 a second.
const REMEMBERED: usize = 32;

/// How a packet goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The last packet of the picture, for this viewer.
    pub marker: bool,
    /// Whole pictures left out before this one, modulo 2**16. VP8 receivers take a missing
    /// picture id for a lost picture, so it must become this much smaller; VP9 counts on its
    /// picture ids as they are.
    pub pictures_left_out: u16,
}

/// Chooses a viewer's packets from one source.
#[derive(Clone, Debug)]
pub struct LayerFilter {
    wanted: Limit,
    /// The highest spatial layer that ever came.
    highest: u8,
    /// A ring; the newest picture is the one that was begun last.
    pictures: [Picture; REMEMBERED],
    begun: usize,
}

/// The highest layers that pass.
#[derive(Clone, Copy, Debug, Default)]
struct Limit {
    spatial: u8,
    temporal: u8,
}

#[derive(Clone, Copy, Debug, Default)]
struct Picture {
    time: u64,
    limit: Limit,
    /// Spatial layers that pass even where they build on earlier pictures.
    known: u8,
    /// Temporal layers that pass from the next picture on.
    temporal_after: u8,
    /// A packet of it was left out because of its spatial layer.
    is_cut: bool,
    left_out: u16,
}

impl LayerFilter {
    /// With no more than these layers, once the stream lets the viewer in.
    pub fn new(spatial: u8, temporal: u8) -> Self {
        LayerFilter {
            wanted: Limit { spatial, temporal },
            highest: 0,
            pictures: [Picture::default(); REMEMBERED],
            begun: 0,
        }
    }

    /// Of a stream of which everything passed so far, its newest picture of this time included.
    pub fn after(time: u64, spatial: u8, temporal: u8) -> Self {
        let mut filter = LayerFilter::new(spatial, temporal);
        let everything = Limit {
            spatial: u8::MAX,
            temporal: u8::MAX,
        };
        // The first stands for all that came before the second.
        for time in [0, time] {
            filter.pictures[filter.begun] = Picture {
                time,
                limit: everything,
                known: u8::MAX,
                temporal_after: u8::MAX,
                ..Picture::default()
            };
            filter.begun += 1;
        }
        filter
    }

    /// From now on no more than these layers. Fewer come with the next picture, more as soon as
    /// the stream allows it.
    pub fn want(&mut self, spatial: u8, temporal: u8) {
        self.wanted = Limit { spatial, temporal };
    }

    /// There are spatial layers that are wanted and that only a keyframe can bring.
    pub fn wants_keyframe(&self) -> bool {
        let wanted = self.wanted.spatial.min(self.highest);
        self.newest()
            .is_some_and(|picture| picture.limit.spatial < wanted)
    }

    /// Another source takes over: its pictures have nothing to do with those before.
    pub fn restart(&mut self) {
        self.highest = 0;
        self.begun = 0;
    }

    /// Whether and how a packet goes out. `layer` is what [`layer_of`] says of it; without one it
    /// passes as it is.
    ///
    /// [`layer_of`]: crate::depacketize::layer_of
    pub fn keep(&mut self, packet: &Packet, layer: Option<Layer>) -> Option<Kept> {
        let Some(layer) = layer else {
            return Some(Kept {
                marker: packet.marker,
                pictures_left_out: self.newest().map_or(0, |picture| picture.left_out),
            });
        };
        self.highest = self.highest.max(layer.spatial);
        let picture = match self.newest() {
            Some(newest) if packet.time < newest.time => self.earlier(packet.time)?,
            Some(newest) if packet.time == newest.time => self.go_on(layer),
            _ => self.begin(packet.time, layer),
        };
        picture.keep(packet, layer)
    }

    /// How a packet went out that was kept before. None when it was not, or too long ago.
    pub fn recall(&self, packet: &Packet, layer: Option<Layer>) -> Option<Kept> {
        let picture = self.earlier(packet.time)?;
        match layer {
            Some(layer) => picture.keep(packet, layer),
            None => Some(Kept {
                marker: packet.marker,
                pictures_left_out: picture.left_out,
            }),
        }
    }

    /// The first packet of a picture.
    fn begin(&mut self, time: u64, layer: Layer) -> Picture {
        let before = self.newest().copied().unwrap_or_default();
        let spatial = before.limit.spatial.min(self.wanted.spatial);
        let mut temporal = before.temporal_after.min(self.wanted.temporal);
        // It builds on the lowest layer; one step, as layers between would still be missing.
        if layer.switch_up == SwitchUp::Here && temporal < self.wanted.temporal {
            temporal += u8::from(layer.temporal == temporal + 1);
        }
        let is_left_out = layer.temporal > temporal;
        self.pictures[self.begun % REMEMBERED] = Picture {
            time,
            limit: Limit { spatial, temporal },
            known: spatial,
            temporal_after: temporal,
            is_cut: false,
            left_out: before.left_out.wrapping_add(u16::from(is_left_out)),
        };
        self.begun += 1;
        self.go_on(layer)
    }

    /// What a packet of the newest picture, the first or a later one, tells of it.
    fn go_on(&mut self, layer: Layer) -> Picture {
        let wanted = self.wanted;
        let picture = &mut self.pictures[(self.begun - 1) % REMEMBERED];
        // The lowest layer begins anew, and the others with it: what was left out of this very
        // picture would be missed.
        if layer.spatial == 0 && !layer.predicted && !picture.is_cut {
            picture.limit.spatial = wanted.spatial;
            picture.temporal_after = wanted.temporal;
        }
        // Not this one, though: it goes on from pictures that the viewer does not have.
        let is_new = layer.spatial > picture.known && layer.spatial <= picture.limit.spatial;
        if layer.predicted && is_new {
            picture.limit.spatial = layer.spatial - 1;
        }
        if layer.switch_up == SwitchUp::After && layer.temporal <= picture.limit.temporal {
            picture.temporal_after = wanted.temporal;
        }
        picture.is_cut |= layer.spatial > picture.limit.spatial;
        *picture
    }

    /// The picture with this time. One of which nothing came before is
    /// like the one before it. None when that was too long ago.
    fn earlier(&self, time: u64) -> Option<Picture> {
        let oldest = self.begun.saturating_sub(REMEMBERED);
        let mut remembered = (oldest..self.begun).rev();
        let mut picture = remembered.find_map(|index| {
            let picture = self.pictures[index % REMEMBERED];
            (picture.time <= time).then_some(picture)
        })?;
        if picture.time < time {
            picture.limit.temporal = picture.temporal_after;
        }
        Some(picture)
    }

    fn newest(&self) -> Option<&Picture> {
        let index = self.begun.checked_sub(1)?;
        Some(&self.pictures[index % REMEMBERED])
    }
}

impl Picture {
    fn keep(&self, packet: &Packet, layer: Layer) -> Option<Kept> {
        let passes = layer.spatial <= self.limit.spatial && layer.temporal <= self.limit.temporal;
        passes.then_some(Kept {
            marker: packet.marker || layer.ends && layer.spatial == self.limit.spatial,
            pictures_left_out: self.left_out,
        })
    }
}
