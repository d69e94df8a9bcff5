//! Datagrams that no honest peer sends, made from a seed.

/// Rolls the same for the same seed.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 24
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.roll() % end.max(1) as u64) as usize
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.roll() as u8).collect()
    }

    /// A good datagram made bad: cut, flipped, lengthened, or something else in its place.
    pub fn spoil(&mut self, good: &[u8]) -> Vec<u8> {
        let mut datagram = good.to_vec();
        match self.below(5) {
            0 => datagram.truncate(self.below(good.len())),
            1 => {
                // One bit, but for the checksum at the end of STUN, which proves nothing.
                let at = self.below(good.len().saturating_sub(8).max(1));
                datagram[at] ^= 1 << self.below(8);
            }
            2 => {
                // A run of bytes.
                let from = self.below(good.len().saturating_sub(8).max(1));
                let end = good.len().min(from + 8);
                datagram[from..end]
                    .iter_mut()
                    .for_each(|byte| *byte = !*byte);
            }
            3 => {
                let more = 1 + self.below(4000);
                let tail = self.bytes(more);
                datagram.extend(tail);
            }
            _ => {
                let head = good.len().min(4);
                let length = head + self.below(1400);
                datagram = self.bytes(length);
                // Often enough with the first bytes of a protocol.
                datagram[..head].copy_from_slice(&good[..head]);
            }
        }
        datagram
    }
}
