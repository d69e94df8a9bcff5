//! How fast the first packets came through, which left all at once.

use super::history::Sent;

/// Fewer say nothing.
const FEW: u32 = 3;

/// The spacing with which a burst arrives is that of the narrowest line on its way (Keshav, "A
/// control-theoretic approach to flow control", 1991: packet pairs).
///
/// One burst is rough: a bucket on the way makes it too fast, a shared medium too slow. It serves
/// to send kept pictures no faster than they go through, before anything better is known; the
/// estimate does not rest on it.
#[derive(Debug, Default)]
pub(super) struct Opening {
    /// When the burst left.
    at: Option<u64>,
    first: i64,
    last: i64,
    packets: u32,
    /// All but those of the first.
    bytes: u64,
}

impl Opening {
    /// A burst leaves now, as the history counts time.
    pub fn begin(&mut self, at: u64) {
        *self = Opening {
            at: Some(at),
            ..Opening::default()
        };
    }

    pub fn arrived(&mut self, packet: Sent, at: i64) {
        if self.at != Some(packet.at) {
            return;
        }
        if self.packets == 0 {
            (self.first, self.last) = (at, at);
        } else {
            self.bytes += u64::from(packet.bytes);
        }
        self.packets += 1;
        self.first = self.first.min(at);
        self.last = self.last.max(at);
    }

    /// Bit/s; None while too little was told.
    pub fn rate(&self) -> Option<f64> {
        if self.packets < FEW {
            return None;
        }
        let span = self.last.saturating_sub(self.first).max(1);
        Some(self.bytes as f64 * 8e6 / span as f64)
    }
}
