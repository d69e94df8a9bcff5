//! How fast the first packets came through, which left all at once.

use super::history::Sent;

/// Fewer say nothing.
const FEW: usize = 4;
/// More are not looked at.
const MOST: usize = 16;

/// The spacing with which a burst arrives is that of the narrowest line on its way (Keshav, "A
/// control-theoretic approach to flow control", 1991: packet pairs).
///
/// One burst is rough: a shared medium spreads it out, and a bucket on the way lets its beginning
/// pass, so that only its later half counts. It serves to send kept pictures no faster than they
/// go through, before anything better is known; the estimate does not rest on it.
#[derive(Debug, Default)]
pub(super) struct Opening {
    /// When the burst left.
    at: Option<u64>,
    sent: usize,
    lost: usize,
    /// When each packet arrived, and its bytes.
    arrived: [(i64, u32); MOST],
    len: usize,
}

impl Opening {
    /// A burst leaves now, as the history counts time.
    pub fn begin(&mut self, at: u64) {
        *self = Opening {
            at: Some(at),
            ..Opening::default()
        };
    }

    pub fn sent(&mut self, packet: Sent) {
        self.sent += usize::from(self.at == Some(packet.at));
    }

    pub fn lost(&mut self, packet: Sent) {
        self.lost += usize::from(self.at == Some(packet.at));
    }

    /// `late`: it was called lost before.
    pub fn arrived(&mut self, packet: Sent, at: i64, late: bool) {
        if self.at != Some(packet.at) {
            return;
        }
        self.lost = self.lost.saturating_sub(usize::from(late));
        if self.len < MOST {
            let behind = self.arrived[..self.len].partition_point(|(other, _)| *other <= at);
            self.arrived[behind..=self.len].rotate_right(1);
            self.arrived[behind] = (at, packet.bytes);
            self.len += 1;
        }
    }

    /// Bit/s; None until all of the burst was told of, and where that was too little.
    pub fn rate(&self) -> Option<f64> {
        if self.len < FEW || self.len + self.lost < self.sent.min(MOST) {
            return None;
        }
        let later = &self.arrived[self.len / 2 - 1..self.len];
        let (first, last) = (later.first()?.0, later.last()?.0);
        let bytes: u64 = later[1..].iter().map(|(_, bytes)| u64::from(*bytes)).sum();
        Some(bytes as f64 * 8e6 / last.saturating_sub(first).max(1) as f64)
    }
}
