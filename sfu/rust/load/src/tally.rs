//! The sums of a run, to which all viewers add.

use std::time::Duration;

use str0m::format::Codec;

use crate::histogram::Histogram;
use crate::report::{LoadReport, StreamTotals};

/// Join times and error texts kept at most.
const MAX_JOINS: usize = 100_000;
const MAX_ERRORS: usize = 16;

pub(crate) struct Tally {
    /// Counters; the fields that describe the present are filled by the driver.
    pub(crate) counts: LoadReport,
    pub(crate) echo_rtt: Histogram,
    video_latency: Histogram,
    audio_latency: Histogram,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            counts: LoadReport::default(),
            echo_rtt: Histogram::new(),
            video_latency: Histogram::new(),
            audio_latency: Histogram::new(),
        }
    }

    pub(crate) fn media(&mut self, codec: Codec) -> &mut StreamTotals {
        if codec.is_audio() {
            &mut self.counts.audio
        } else {
            &mut self.counts.video
        }
    }

    pub(crate) fn latency(&mut self, codec: Codec) -> &mut Histogram {
        if codec.is_audio() {
            &mut self.audio_latency
        } else {
            &mut self.video_latency
        }
    }

    /// Forget the media latencies so far: a new measuring window. Echoes belong to the joins.
    pub(crate) fn reset_latency(&mut self) {
        self.video_latency.clear();
        self.audio_latency.clear();
    }

    pub(crate) fn joined_connected(&mut self, after: Duration) {
        keep(&mut self.counts.join_connected_ms, after);
    }

    pub(crate) fn joined_packet(&mut self, after: Duration) {
        keep(&mut self.counts.join_packet_ms, after);
    }

    pub(crate) fn joined_keyframe(&mut self, after: Duration) {
        keep(&mut self.counts.join_keyframe_ms, after);
    }

    /// A viewer is over, and not by our wish.
    pub(crate) fn closed(&mut self, reason: &str) {
        self.counts.closed += 1;
        self.error(reason);
    }

    pub(crate) fn error(&mut self, text: &str) {
        let errors = &mut self.counts.errors;
        if errors.len() < MAX_ERRORS && !errors.iter().any(|known| known == text) {
            errors.push(text.to_owned());
        }
    }

    pub(crate) fn report(&self) -> LoadReport {
        let mut report = self.counts.clone();
        for joins in [
            &mut report.join_connected_ms,
            &mut report.join_packet_ms,
            &mut report.join_keyframe_ms,
        ] {
            joins.sort_unstable_by(f64::total_cmp);
        }
        report.video_latency = self.video_latency.summary();
        report.audio_latency = self.audio_latency.summary();
        report.echo_rtt = self.echo_rtt.summary();
        report
    }
}

fn keep(joins: &mut Vec<f64>, after: Duration) {
    if joins.len() < MAX_JOINS {
        joins.push(after.as_secs_f64() * 1000.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn join_times_are_reported_in_order_and_errors_once() {
        let mut tally = Tally::new();
        for ms in [30, 10, 20] {
            tally.joined_packet(Duration::from_millis(ms));
            tally.closed("gone");
        }
        let report = tally.report();
        assert_eq!(report.join_packet_ms, [10.0, 20.0, 30.0]);
        assert_eq!(report.closed, 3);
        assert_eq!(report.errors, ["gone"]);
    }

    #[test]
    fn a_new_window_forgets_latencies_and_keeps_counts() {
        let mut tally = Tally::new();
        tally.latency(Codec::Opus).record(5);
        tally.media(Codec::Opus).packets = 9;
        tally.reset_latency();
        let report = tally.report();
        assert_eq!((report.audio_latency.count, report.audio.packets), (0, 9));
    }
}
