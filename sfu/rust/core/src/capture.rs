//! When a packet was captured, on our own clock.

use std::time::{Duration, Instant};

/// Reports between which the smallest transit time is taken. At one a second this forgets a
/// route that became slower within half a minute.
const WINDOW: usize = 32;

/// Maps a publisher's clocks to ours.
///
/// Each track's sender reports tie its RTP time to the publisher's wall clock (RFC 3550
/// section 6.4.1), and all tracks of a publisher share that wall clock; so one offset from it to
/// our clock keeps sound and picture together whatever the network does to either. The report
/// with the shortest transit tells the offset best. Before the first report a track is timed by
/// its own fastest packet.
#[derive(Debug)]
pub struct CaptureClock {
    origin: Instant,
    /// Recent (our clock - publisher's wall clock), in microseconds.
    offsets: [i64; WINDOW],
    seen: usize,
}

/// The clock of one track.
#[derive(Debug, Clone)]
pub struct TrackClock {
    rate: u32,
    /// Publisher's wall clock in microseconds, and the RTP time that belongs to it.
    report: Option<(i64, u64)>,
    /// Smallest (arrival - RTP time) seen, in microseconds since the origin.
    fastest: Option<i64>,
    /// The latest RTP time of a packet.
    newest: Option<u64>,
}

impl CaptureClock {
    pub fn new(origin: Instant) -> Self {
        CaptureClock {
            origin,
            offsets: [0; WINDOW],
            seen: 0,
        }
    }

    /// A sender report of `track`: `ntp` is the publisher's wall clock since any fixed epoch.
    /// Of `rtp` only the 32 bits that were on the wire count.
    pub fn report(&mut self, track: &mut TrackClock, ntp: Duration, rtp: u64, arrived: Instant) {
        let ntp = ntp.as_micros() as i64;
        track.report = Some((ntp, track.near(rtp)));
        self.offsets[self.seen % WINDOW] = self.micros(arrived) - ntp;
        self.seen += 1;
    }

    /// When the packet with this RTP time was captured; never after it arrived.
    pub fn captured(&self, track: &mut TrackClock, rtp: u64, arrived: Instant) -> Instant {
        track.newest = track.newest.max(Some(rtp));
        let arrival = self.micros(arrived);
        let own = arrival - track.micros(rtp);
        track.fastest = Some(track.fastest.map_or(own, |f| f.min(own)));
        let captured = match (track.report, self.offset()) {
            (Some((ntp, at)), Some(offset)) => ntp + offset + track.micros(rtp) - track.micros(at),
            _ => track.micros(rtp) + track.fastest.unwrap_or(own),
        };
        let age = (arrival - captured).clamp(0, 10_000_000);
        arrived
            .checked_sub(Duration::from_micros(age as u64))
            .unwrap_or(arrived)
    }

    fn offset(&self) -> Option<i64> {
        self.offsets[..self.seen.min(WINDOW)].iter().min().copied()
    }

    fn micros(&self, at: Instant) -> i64 {
        at.saturating_duration_since(self.origin).as_micros() as i64
    }
}

impl TrackClock {
    /// `rate` in Hz.
    pub fn new(rate: u32) -> Self {
        TrackClock {
            rate,
            report: None,
            fastest: None,
            newest: None,
        }
    }

    /// The unwrapped RTP time next to the newest packet's: whoever unwrapped this one may have
    /// begun on the other side of a wrap-around.
    fn near(&self, rtp: u64) -> u64 {
        self.newest.map_or(rtp, |newest| {
            let ahead = (rtp as u32).wrapping_sub(newest as u32) as i32;
            newest.saturating_add_signed(i64::from(ahead))
        })
    }

    fn micros(&self, rtp: u64) -> i64 {
        (i128::from(rtp) * 1_000_000 / i128::from(self.rate)) as i64
    }
}
