//! Whether more would fit: padding on top of what goes out, for a moment.

use std::time::{Duration, Instant};

use super::history::Sent;

/// A bucket on the way lets so many bytes pass at any speed: they are not judged.
const BUCKET: f64 = 64_000.0;
/// The part that is judged.
const JUDGED: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(1);
/// A receiver that only names a limit takes its time.
const BLIND: Duration = Duration::from_millis(1500);
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(8);
/// Between a probe that went well and the next, for the next layer.
const PAUSE: Duration = Duration::from_millis(300);
/// Padding goes out in this rhythm, and never more at once than two beats of it.
const BEAT: Duration = Duration::from_millis(10);
/// What the queue that a failed probe built needs to empty.
const DRAIN: Duration = Duration::from_millis(800);
/// Packets until loss says something.
const ENOUGH: u32 = 20;

/// At most one probe at a time, and pauses after those that failed.
#[derive(Debug)]
pub(super) struct Probe {
    run: Option<Run>,
    not_before: Option<Instant>,
    wait: Duration,
    drained: Option<Instant>,
}

#[derive(Debug)]
struct Run {
    rate: f64,
    plan: Plan,
    /// As the history counts time.
    start: u64,
    judged: u64,
    end: u64,
    began: Instant,
    ends: Instant,
    next: Instant,
    sent: f64,
    arrived: u32,
    lost: u32,
    first: Option<(u64, i64)>,
    last: (u64, i64),
    bytes: u64,
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
            drained: None,
        }
    }

    pub fn running(&self) -> bool {
        self.run.is_some()
    }

    /// What is felt now may be a probe's doing.
    pub fn disturbs(&self, now: Instant) -> bool {
        self.run.is_some() || self.drained.is_some_and(|until| now < until)
    }

    /// The first may start after this.
    pub fn soon(&mut self, now: Instant) {
        self.not_before.get_or_insert(now + PAUSE);
    }

    pub fn ready(&self, now: Instant) -> bool {
        self.run.is_none() && self.not_before.is_some_and(|at| now >= at) && !self.disturbs(now)
    }

    pub fn start(&mut self, plan: Plan, clock: u64, now: Instant) {
        let length = if plan.blind {
            BLIND
        } else {
            (Duration::from_secs_f64(BUCKET * 8.0 / plan.rate) + JUDGED).min(LONGEST)
        };
        let micros = |span: Duration| span.as_micros() as u64;
        self.run = Some(Run {
            rate: plan.rate,
            plan,
            start: clock,
            judged: clock + micros(length) - micros(JUDGED),
            end: clock + micros(length),
            began: now,
            ends: now + length,
            next: now,
            sent: 0.0,
            arrived: 0,
            lost: 0,
            first: None,
            last: (0, 0),
            bytes: 0,
            passed: false,
        });
    }

    pub fn sent(&mut self, bytes: u32) {
        if let Some(run) = &mut self.run {
            run.sent += f64::from(bytes) * 8.0;
        }
    }

    pub fn arrived(&mut self, packet: Sent, at: i64) {
        let Some(run) = &mut self.run else { return };
        run.passed |= packet.at >= run.end;
        if packet.at < run.start || packet.at >= run.end {
            return;
        }
        run.arrived += 1;
        if packet.at < run.judged {
            return;
        }
        match run.first {
            None => {
                run.first = Some((packet.at, at));
                run.last = (packet.at, at);
            }
            Some(_) => {
                run.bytes += u64::from(packet.bytes);
                run.last = (run.last.0.max(packet.at), run.last.1.max(at));
            }
        }
    }

    pub fn lost(&mut self, packet: Sent) {
        if let Some(run) = &mut self.run
            && (run.start..run.end).contains(&packet.at)
        {
            run.lost += 1;
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
        let told = run.arrived + run.lost;
        let lossy = told >= ENOUGH
            && f64::from(run.lost) > (0.1 + run.plan.lossy).min(0.5) * f64::from(told);
        let started = run.arrived > 0 || run.plan.blind;
        let aborted = started && (rising || lossy);
        let over = now >= run.ends && (run.passed || run.plan.blind || now >= run.closes(reach));
        if !aborted && !over {
            return None;
        }
        let run = self.run.take()?;
        Some(Verdict {
            plan: run.plan,
            found: run.found(),
            aborted,
        })
    }

    /// A probe that found enough makes room for the next; others make room for silence.
    pub fn ended(&mut self, well: bool, aborted: bool, now: Instant) {
        if well {
            self.wait = FIRST_WAIT;
            self.not_before = Some(now + PAUSE);
        } else {
            self.not_before = Some(now + self.wait);
            self.wait = (self.wait * 2).min(LONGEST_WAIT);
        }
        if aborted {
            self.drained = Some(now + DRAIN);
        }
    }
}

impl Run {
    fn closes(&self, reach: Duration) -> Instant {
        self.ends + reach * 2 + Duration::from_millis(100)
    }

    fn found(&self) -> Option<f64> {
        let (first_sent, first_arrived) = self.first?;
        let sent = self.last.0.saturating_sub(first_sent);
        let arrived = self.last.1.saturating_sub(first_arrived).max(0) as u64;
        let span = sent.max(arrived);
        if span < 100_000 {
            return None;
        }
        Some(self.bytes as f64 * 8e6 / span as f64)
    }
}
