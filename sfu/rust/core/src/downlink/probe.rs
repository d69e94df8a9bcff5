//! Whether more would fit: padding on top of what goes out, for a moment.

use std::time::{Duration, Instant};

use super::history::Sent;
use super::loss::Window;
use super::train::Train;

/// A bucket on the way lets so many bytes pass at any speed: they are not judged.
const BUCKET: f64 = 64_000.0;
/// The part that is judged.
const JUDGED: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_millis(2000);
/// A try that is only just enough takes longer to empty a bucket.
const GENTLE: Duration = Duration::from_millis(600);
/// A receiver that only names a limit takes its time.
const BLIND: Duration = Duration::from_millis(1500);
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(8);
/// Between a probe that went well and the next, for the next layer.
const PAUSE: Duration = Duration::from_millis(300);
/// Padding goes out in this rhythm, and never more at once than two beats of it.
const BEAT: Duration = Duration::from_millis(10);
/// What the queue that a failed probe built needs to empty, at least and at most.
const DRAIN: Duration = Duration::from_millis(800);
const LONG_DRAIN: Duration = Duration::from_secs(2);
/// After a failure, no more than this times what is believed.
const LEAP: f64 = 3.0;
/// A probe goes so far beyond what the next layer needs.
const PROBE: f64 = 1.4;
/// Part of a proven rate that is counted on.
pub(super) const PROVEN: f64 = 0.95;
/// Packets until loss says something.
const ENOUGH: u32 = 20;

/// At most one probe at a time, and pauses after those that failed.
#[derive(Debug)]
pub(super) struct Probe {
    run: Option<Run>,
    not_before: Option<Instant>,
    wait: Duration,
    failures: u32,
    aborted: Option<Instant>,
    ended: Option<Instant>,
}

#[derive(Debug)]
struct Run {
    rate: f64,
    plan: Plan,
    /// As the history counts time.
    start: u64,
    end: u64,
    began: Instant,
    ends: Instant,
    next: Instant,
    sent: f64,
    arrived: u32,
    lost: u32,
    judged: Train,
    /// Feedback told of packets that went out after it.
    passed: bool,
}

/// What a probe is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plan {
    /// Bit/s on the link to send.
    pub rate: f64,
    /// Bit/s that would be enough.
    pub target: f64,
    /// So much longer than usual.
    pub doubt: Duration,
    /// The layers between are left out: that it was too much says nothing of them.
    pub leap: bool,
    /// The estimate before.
    pub believed: f64,
    /// What got through before, without trouble.
    pub carried: f64,
    /// The share that is lost anyway.
    pub lossy: f64,
    /// No feedback packet by packet.
    pub blind: bool,
}

/// How a probe ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    pub plan: Plan,
    /// Bit/s that arrived of the judged part, when it got that far.
    pub found: Option<f64>,
    /// It ended before its time.
    pub aborted: bool,
}

impl Probe {
    pub fn new() -> Self {
        Probe {
            run: None,
            not_before: None,
            wait: FIRST_WAIT,
            failures: 0,
            aborted: None,
            ended: None,
        }
    }

    pub fn running(&self) -> bool {
        self.run.is_some()
    }

    /// What is felt now may be a probe's doing. `draining`: a queue is there, and it shrinks.
    pub fn disturbs(&self, draining: bool, now: Instant) -> bool {
        let drains = |at: Instant| {
            let passed = now.saturating_duration_since(at);
            passed < DRAIN || passed < LONG_DRAIN && draining
        };
        self.run.is_some() || self.aborted.is_some_and(drains)
    }

    /// Its padding still counts as delivered.
    pub fn echoes(&self, now: Instant) -> bool {
        self.ended
            .is_some_and(|at| now.saturating_duration_since(at) < DRAIN)
    }

    /// The rate to try for a layer that needs `need`, and `target` with room to spare. A second
    /// try goes gentler: the link may carry the layer and yet not the first probe.
    pub fn rate(&self, need: f64, target: f64, believed: f64) -> f64 {
        let least = target / PROVEN * 1.01;
        let full = (PROBE * need).min(1.25 * target).max(least);
        match self.failures {
            0 => full,
            odd if odd % 2 == 1 => least.min(LEAP * believed),
            _ => full.min(LEAP * believed),
        }
    }

    /// The first may start after this.
    pub fn soon(&mut self, now: Instant) {
        self.not_before.get_or_insert(now + PAUSE);
    }

    pub fn ready(&self, now: Instant) -> bool {
        self.run.is_none() && self.not_before.is_some_and(|at| now >= at)
    }

    pub fn start(&mut self, plan: Plan, clock: u64, now: Instant) {
        let length = if plan.blind {
            BLIND
        } else {
            let skipped = Duration::from_secs_f64(BUCKET * 8.0 / plan.rate).min(LONGEST);
            let gentle = if self.failures % 2 == 1 {
                GENTLE
            } else {
                Duration::ZERO
            };
            skipped + gentle + plan.doubt + JUDGED
        };
        let micros = |span: Duration| span.as_micros() as u64;
        let end = clock + micros(length);
        self.run = Some(Run {
            rate: plan.rate,
            plan,
            start: clock,
            end,
            judged: Train::new(end - micros(JUDGED), end),
            began: now,
            ends: now + length,
            next: now,
            sent: 0.0,
            arrived: 0,
            lost: 0,
            passed: false,
        });
    }

    pub fn sent(&mut self, packet: Sent) {
        if let Some(run) = &mut self.run {
            run.sent += f64::from(packet.bytes) * 8.0;
            run.judged.sent(packet);
        }
    }

    /// `late`: it was called lost before.
    pub fn arrived(&mut self, packet: Sent, at: i64, late: bool) {
        let Some(run) = &mut self.run else { return };
        run.passed |= packet.at >= run.end;
        if packet.at < run.start || packet.at >= run.end {
            return;
        }
        run.arrived += 1;
        run.lost -= u32::from(late).min(run.lost);
        run.judged.arrived(packet, at, late);
    }

    pub fn lost(&mut self, packet: Sent) {
        if let Some(run) = &mut self.run
            && (run.start..run.end).contains(&packet.at)
        {
            run.lost += 1;
            run.judged.lost(packet);
        }
    }

    /// Bytes of padding due now.
    pub fn padding(&mut self, now: Instant) -> usize {
        let Some(run) = &mut self.run else { return 0 };
        if now >= run.ends || now < run.next {
            return 0;
        }
        run.next = now + BEAT;
        let due = run.rate * now.saturating_duration_since(run.began).as_secs_f64();
        let most = run.rate * 2.0 * BEAT.as_secs_f64();
        // What could not go out in time is not made up for.
        run.sent = run.sent.max(due - 2.0 * most);
        let bytes = (due - run.sent).min(most) / 8.0;
        if bytes < 100.0 { 0 } else { bytes as usize }
    }

    /// When [`Probe::padding`] or [`Probe::judge`] has something to do.
    pub fn wake_at(&self, reach: Duration) -> Option<Instant> {
        let run = self.run.as_ref()?;
        Some(if run.next < run.ends {
            run.next
        } else {
            run.closes(reach)
        })
    }

    /// End the probe if it is over, or if it does harm. `reach`: from sending to feedback.
    pub fn judge(&mut self, rising: bool, reach: Duration, now: Instant) -> Option<Verdict> {
        let run = self.run.as_ref()?;
        let window = Window::new(run.arrived, run.lost);
        let lossy =
            run.arrived + run.lost >= ENOUGH && window.at_least > (0.1 + run.plan.lossy).min(0.5);
        let aborted = rising || lossy;
        let over = now >= run.ends && (run.passed || run.plan.blind || now >= run.closes(reach));
        if !aborted && !over {
            return None;
        }
        let run = self.run.take()?;
        Some(Verdict {
            plan: run.plan,
            found: run.judged.rate(),
            aborted,
        })
    }

    /// A probe that found enough makes room for the next; others make room for silence.
    pub fn ended(&mut self, well: bool, verdict: Verdict, now: Instant) {
        if well {
            self.wait = FIRST_WAIT;
            self.failures = 0;
            self.not_before = Some(now + PAUSE);
        } else if verdict.plan.leap {
            self.not_before = Some(now + PAUSE);
        } else {
            self.failures += 1;
            self.not_before = Some(now + self.wait);
            self.wait = (self.wait * 2).min(LONGEST_WAIT);
        }
        self.ended = Some(now);
        if verdict.aborted {
            self.aborted = Some(now);
        }
    }
}

impl Run {
    fn closes(&self, reach: Duration) -> Instant {
        self.ends + reach * 2 + Duration::from_millis(100)
    }
}
