//! Loss accounting from RTP sequence numbers alone.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long a missing number may still come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// A greater step is not loss but a new sequence (MAX_DROPOUT of RFC 3550 appendix A.1).
const MAX_STEP: i16 = 3000;

/// What a packet meant for the sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// The next or a later number; skipped numbers became holes.
    New,
    /// It filled a hole.
    Filled,
    /// It was there already, or its hole was given up.
    Duplicate,
    /// The sequence jumped; counting starts anew here.
    Restart,
}

/// The holes of one SSRC.
#[derive(Debug, Default)]
pub(crate) struct SequenceTracker {
    highest: Option<u64>,
    /// Missing numbers, ascending, each with the moment it was noticed.
    holes: VecDeque<(u64, Instant)>,
}

impl SequenceTracker {
    pub(crate) fn arrive(&mut self, sequence: u16, now: Instant) -> Arrival {
        let Some(highest) = self.highest else {
            // One lap of room, so that older numbers need no negative values.
            self.highest = Some(u64::from(sequence) + (1 << 16));
            return Arrival::New;
        };
        let step = sequence.wrapping_sub(highest as u16) as i16;
        let number = highest.wrapping_add_signed(i64::from(step));
        if !(-MAX_STEP..=MAX_STEP).contains(&step) {
            self.highest = Some(u64::from(sequence) + (1 << 16));
            self.holes.clear();
            return Arrival::Restart;
        }
        if step > 0 {
            self.holes
                .extend((highest + 1..number).map(|hole| (hole, now)));
            self.highest = Some(number);
            return Arrival::New;
        }
        match self.holes.binary_search_by_key(&number, |hole| hole.0) {
            Ok(position) => {
                self.holes.remove(position);
                Arrival::Filled
            }
            Err(_) => Arrival::Duplicate,
        }
    }

    /// Give up holes older than [`PATIENCE`]; returns how many were lost by that.
    pub(crate) fn expire(&mut self, now: Instant) -> u64 {
        let mut lost = 0;
        while let Some((_, noticed)) = self.holes.front() {
            if now.saturating_duration_since(*noticed) < PATIENCE {
                break;
            }
            self.holes.pop_front();
            lost += 1;
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tracker(first: u16, now: Instant) -> SequenceTracker {
        let mut tracker = SequenceTracker::default();
        assert_eq!(tracker.arrive(first, now), Arrival::New);
        tracker
    }

    #[test]
    fn a_hole_is_lost_after_a_second_and_not_before() {
        let start = Instant::now();
        let mut tracker = tracker(10, start);
        tracker.arrive(13, start);
        assert_eq!(
            tracker.expire(start + PATIENCE - Duration::from_millis(1)),
            0
        );
        assert_eq!(tracker.expire(start + PATIENCE), 2);
        assert_eq!(tracker.expire(start + 2 * PATIENCE), 0);
        assert_eq!(tracker.arrive(11, start + 2 * PATIENCE), Arrival::Duplicate);
    }

    #[test]
    fn a_late_packet_fills_its_hole_once() {
        let now = Instant::now();
        let mut tracker = tracker(10, now);
        tracker.arrive(12, now);
        assert_eq!(tracker.arrive(11, now), Arrival::Filled);
        assert_eq!(tracker.arrive(11, now), Arrival::Duplicate);
        assert_eq!(tracker.arrive(12, now), Arrival::Duplicate);
        assert_eq!(tracker.expire(now + PATIENCE), 0);
    }

    #[test]
    fn holes_survive_the_wrap_of_sixteen_bits() {
        let now = Instant::now();
        let mut tracker = tracker(65_534, now);
        assert_eq!(tracker.arrive(1, now), Arrival::New);
        assert_eq!(tracker.arrive(65_535, now), Arrival::Filled);
        assert_eq!(tracker.arrive(0, now), Arrival::Filled);
        assert_eq!(tracker.expire(now + PATIENCE), 0);
    }

    #[test]
    fn a_great_jump_is_a_restart_and_no_loss() {
        let now = Instant::now();
        let mut tracker = tracker(10, now);
        assert_eq!(tracker.arrive(20_000, now), Arrival::Restart);
        assert_eq!(tracker.arrive(20_001, now), Arrival::New);
        assert_eq!(tracker.expire(now + PATIENCE), 0);
    }
}
