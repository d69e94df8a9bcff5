//! Loss made on purpose.

/// Seeded loss (xorshift64*: good enough to choose packets, and free of dependencies).
pub(crate) struct Loss {
    threshold: u64,
    state: u64,
}

impl Loss {
    pub(crate) fn new(part: f64, seed: u64, viewer: u64) -> Self {
        let mixed = (seed ^ (viewer << 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self {
            threshold: (part * u64::MAX as f64) as u64,
            state: mixed | 1,
        }
    }

    pub(crate) fn strikes(&mut self) -> bool {
        if self.threshold == 0 {
            return false;
        }
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) < self.threshold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_strikes_the_configured_part_and_repeats_with_its_seed() {
        let draw = |seed| {
            let mut loss = Loss::new(0.1, seed, 3);
            (0..10_000).map(|_| loss.strikes()).collect::<Vec<_>>()
        };
        let first = draw(7);
        let struck = first.iter().filter(|struck| **struck).count();
        assert!((900..1100).contains(&struck), "{struck}");
        assert_eq!(first, draw(7));
        assert_ne!(first, draw(8));
    }
}
