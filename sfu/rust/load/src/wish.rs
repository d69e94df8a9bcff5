//! When a viewer asks for a keyframe.

use std::time::{Duration, Instant};

use crate::config::LoadConfig;

/// How long a viewer waits for its first keyframe before it asks.
const PATIENCE: Duration = Duration::from_millis(500);
/// Requests come no faster, unless a storm is configured.
const SPACING: Duration = Duration::from_secs(1);
/// A storm faster than its caller sends several at once, but works off no long backlog.
const MOST_AT_ONCE: u32 = 10;

/// A decoder's wish for a keyframe, or a storm that wishes for nothing.
pub(crate) struct KeyframeWish {
    storm: Option<Duration>,
    when_needed: bool,
    first_packet: Option<Instant>,
    satisfied: bool,
    broken: bool,
    next: Instant,
}

impl KeyframeWish {
    /// Only a `verified` viewer sees keyframes and so can need one.
    pub(crate) fn new(config: &LoadConfig, verified: bool, now: Instant) -> Self {
        let rate = config.pli_per_second;
        Self {
            storm: (rate > 0.0).then(|| Duration::from_secs_f64(1.0 / rate)),
            when_needed: verified && config.pli_when_needed,
            first_packet: None,
            satisfied: false,
            broken: false,
            next: now,
        }
    }

    /// The first media packet came.
    pub(crate) fn media_began(&mut self, now: Instant) {
        self.first_packet = Some(now);
    }

    /// Video was lost for good.
    pub(crate) fn picture_broke(&mut self) {
        self.broken = true;
    }

    /// A whole keyframe came; true for the first one.
    pub(crate) fn keyframe_came(&mut self) -> bool {
        self.broken = false;
        !std::mem::replace(&mut self.satisfied, true)
    }

    /// How many requests to send now.
    pub(crate) fn requests(&mut self, now: Instant) -> u32 {
        if let Some(spacing) = self.storm {
            return self.storm_requests(spacing, now);
        }
        let waited = |since: Instant| now.saturating_duration_since(since) >= PATIENCE;
        let missing = !self.satisfied && self.first_packet.is_some_and(waited);
        if !self.when_needed || !(missing || self.broken) || self.next > now {
            return 0;
        }
        self.next = now + SPACING;
        1
    }

    fn storm_requests(&mut self, spacing: Duration, now: Instant) -> u32 {
        let mut count = 0;
        while self.next <= now && count < MOST_AT_ONCE {
            self.next += spacing;
            count += 1;
        }
        self.next = self.next.max(now);
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(pli_per_second: f64, verified: bool, now: Instant) -> KeyframeWish {
        let config = LoadConfig {
            pli_per_second,
            ..LoadConfig::default()
        };
        KeyframeWish::new(&config, verified, now)
    }

    #[test]
    fn it_asks_once_a_second_while_no_keyframe_comes() {
        let start = Instant::now();
        let mut wish = wish(0.0, true, start);
        wish.media_began(start);
        let ms = Duration::from_millis;
        let asked: Vec<u32> = [0, 400, 500, 600, 1400, 1500]
            .map(|at| wish.requests(start + ms(at)))
            .into();
        assert_eq!(asked, [0, 0, 1, 0, 0, 1]);
        assert!(wish.keyframe_came());
        assert_eq!(wish.requests(start + ms(9000)), 0);
    }

    #[test]
    fn a_broken_picture_asks_until_the_next_keyframe() {
        let start = Instant::now();
        let mut wish = wish(0.0, true, start);
        wish.keyframe_came();
        wish.picture_broke();
        assert_eq!(wish.requests(start), 1);
        assert!(!wish.keyframe_came());
        assert_eq!(wish.requests(start + 2 * SPACING), 0);
    }

    #[test]
    fn one_that_is_not_verified_never_needs_a_keyframe() {
        let start = Instant::now();
        let mut wish = wish(0.0, false, start);
        wish.media_began(start);
        wish.picture_broke();
        assert_eq!(wish.requests(start + 2 * PATIENCE), 0);
    }

    #[test]
    fn a_storm_keeps_its_rate_whatever_comes() {
        let start = Instant::now();
        let mut wish = wish(40.0, false, start);
        let sum: u32 = (0..50)
            .map(|n| wish.requests(start + Duration::from_millis(n * 100)))
            .sum();
        assert!((196..=198).contains(&sum), "{sum}");
        assert_eq!(
            wish.requests(start + Duration::from_secs(3600)),
            MOST_AT_ONCE
        );
        assert!(wish.requests(start + Duration::from_secs(3600)) <= 1);
    }
}
