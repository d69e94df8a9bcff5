//! The last packets of a layer, for viewers that lost one. All viewers share one ring.

use std::sync::Arc;

use crate::packet::Packet;

/// Three seconds of 2.5 Mbit/s, one of 8: a resend that comes later than that is of no use.
const PACKETS: usize = 1024;

/// Packets by their sequence number.
#[derive(Debug, Default)]
pub struct Ring {
    /// Empty until the first packet; sound is never asked for again.
    packets: Vec<Option<Arc<Packet>>>,
}

impl Ring {
    pub fn new() -> Self {
        Ring::default()
    }

    /// Keep a packet; the one a whole ring before it goes.
    pub fn push(&mut self, packet: &Arc<Packet>) {
        if self.packets.is_empty() {
            self.packets.resize(PACKETS, None);
        }
        let place = &mut self.packets[packet.seq as usize % PACKETS];
        // One that comes very late must not take the place of a newer one.
        if place.as_ref().is_none_or(|kept| kept.seq <= packet.seq) {
            *place = Some(Arc::clone(packet));
        }
    }

    pub fn get(&self, seq: u64) -> Option<&Arc<Packet>> {
        let kept = self.packets.get(seq as usize % PACKETS)?.as_ref()?;
        (kept.seq == seq).then_some(kept)
    }
}
