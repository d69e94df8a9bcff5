//! The viewers' thread: one loop over all sockets, timers and commands.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::time::{Duration, Instant};

use str0m::RtcError;

use crate::config::LoadConfig;
use crate::peer::Identity;
use crate::poller::{Poller, WAKE};
use crate::report::LoadReport;
use crate::socket::Batch;
use crate::system;
use crate::tally::Tally;
use crate::viewer::{Moment, State, Viewer};

/// Timers are looked at no more often than this.
const TICK: Duration = Duration::from_millis(5);
const HOUSEKEEPING: Duration = Duration::from_millis(100);
/// Batches taken from one socket before the others get their turn.
const ROUNDS: usize = 4;

/// What the handle asks for; each answer goes back through its own channel.
pub(crate) enum Command {
    Offer(SyncSender<io::Result<(u32, String)>>),
    Answer(u32, String, SyncSender<Result<(), String>>),
    Accept(String, SyncSender<Result<(u32, String), String>>),
    Remove(u32, SyncSender<bool>),
    Report(SyncSender<LoadReport>),
    ResetLatency,
    Stop,
}

pub(crate) struct Driver {
    config: LoadConfig,
    identity: Identity,
    poller: Poller,
    commands: Receiver<Command>,
    /// By index; an index is never used twice. Boxed: a removed viewer leaves a pointer only.
    viewers: Vec<Option<Box<Viewer>>>,
    /// When each viewer's timer is due. Apart from the viewers, so that a look at all is cheap.
    due: Vec<Option<Instant>>,
    alive: usize,
    tally: Tally,
    batch: Batch,
    next_tick: Instant,
    next_housekeeping: Instant,
}

impl Driver {
    pub(crate) fn new(
        config: LoadConfig,
        identity: Identity,
        poller: Poller,
        commands: Receiver<Command>,
    ) -> Self {
        let now = Instant::now();
        Self {
            batch: Batch::new(config.gro),
            config,
            identity,
            poller,
            commands,
            viewers: Vec::new(),
            due: Vec::new(),
            alive: 0,
            tally: Tally::new(),
            next_tick: now,
            next_housekeeping: now,
        }
    }

    /// Until [`Command::Stop`], or until the handle is dropped.
    pub(crate) fn run(mut self) -> io::Result<()> {
        let mut ready = Vec::new();
        loop {
            self.poller
                .wait(self.patience(Instant::now()), &mut ready)?;
            if ready.contains(&WAKE) && !self.obey() {
                break;
            }
            let received = self.receive(&ready);
            let now = Instant::now();
            if now >= self.next_tick {
                self.next_tick = now + TICK;
                self.tick(now);
            }
            if now >= self.next_housekeeping {
                self.next_housekeeping = now + HOUSEKEEPING;
                self.for_each(|viewer, tally| viewer.housekeep(now, tally));
            }
            // While media flows, let packets gather: kernel timestamps keep the latency true,
            // and the cores are left to the server.
            if received && self.config.batch_us > 0 {
                std::thread::sleep(Duration::from_micros(u64::from(self.config.batch_us)));
            }
        }
        self.close_all();
        Ok(())
    }

    fn patience(&self, now: Instant) -> Duration {
        if self.alive == 0 {
            return Duration::from_secs(1);
        }
        let soonest = self
            .due
            .iter()
            .flatten()
            .min()
            .copied()
            .unwrap_or(self.next_housekeeping);
        let soonest = soonest.max(self.next_tick).min(self.next_housekeeping);
        soonest.saturating_duration_since(now)
    }

    /// False when it is time to stop.
    fn obey(&mut self) -> bool {
        loop {
            // An answer that nobody waits for any more is dropped.
            match self.commands.try_recv() {
                Ok(Command::Offer(reply)) => drop(reply.send(self.offer())),
                Ok(Command::Answer(index, sdp, reply)) => {
                    drop(reply.send(self.answer(index, &sdp)));
                }
                Ok(Command::Accept(sdp, reply)) => drop(reply.send(self.accept(&sdp))),
                Ok(Command::Remove(index, reply)) => drop(reply.send(self.remove(index))),
                Ok(Command::Report(reply)) => drop(reply.send(self.report())),
                Ok(Command::ResetLatency) => self.tally.reset_latency(),
                Err(TryRecvError::Empty) => return true,
                Ok(Command::Stop) | Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn offer(&mut self) -> io::Result<(u32, String)> {
        let index = self.free_index()?;
        let now = Instant::now();
        let (viewer, offer) = Viewer::offer(&self.identity, &self.config, u64::from(index), now)?;
        self.add(viewer)?;
        Ok((index, offer))
    }

    fn accept(&mut self, offer: &str) -> Result<(u32, String), String> {
        let index = self.free_index().map_err(|error| error.to_string())?;
        let (number, now) = (u64::from(index), Instant::now());
        let (viewer, answer) = Viewer::accept(&self.identity, &self.config, number, offer, now)?;
        self.add(viewer).map_err(|error| error.to_string())?;
        self.with(index as usize, |viewer, tally| {
            viewer.drain(now, None, tally).map(|_| ())
        });
        Ok((index, answer))
    }

    /// The index that the next viewer gets.
    fn free_index(&self) -> io::Result<u32> {
        if self.alive >= self.config.max_viewers {
            return Err(io::Error::other("max_viewers viewers are alive"));
        }
        u32::try_from(self.viewers.len()).map_err(io::Error::other)
    }

    fn add(&mut self, viewer: Viewer) -> io::Result<()> {
        self.poller
            .add(&viewer.peer.socket, self.viewers.len() as u64)?;
        self.tally.counts.offered += 1;
        self.tally.counts.verified += u64::from(viewer.verified);
        self.viewers.push(Some(Box::new(viewer)));
        self.due.push(None);
        self.alive += 1;
        Ok(())
    }

    fn answer(&mut self, index: u32, sdp: &str) -> Result<(), String> {
        let now = Instant::now();
        let mut answered = Err("no such viewer".to_owned());
        self.with(index as usize, |viewer, tally| {
            answered = viewer.answer(sdp, now);
            viewer.drain(now, None, tally).map(|_| ())
        });
        answered
    }

    fn remove(&mut self, index: u32) -> bool {
        let slot = self.viewers.get_mut(index as usize);
        let Some(mut viewer) = slot.and_then(Option::take) else {
            return false;
        };
        self.due[index as usize] = None;
        self.alive -= 1;
        viewer.count_kernel_drops(&mut self.tally);
        let closing = catch_unwind(AssertUnwindSafe(|| viewer.peer.close()));
        // An error means that no goodbye could be sent (str0m refuses to while the data channel's
        // association is still being set up); the viewer is gone all the same.
        if closing.is_err() {
            self.tally.counts.panics += 1;
        }
        true
    }

    fn report(&mut self) -> LoadReport {
        let now = Instant::now();
        // Losses and drops up to now, not up to the last housekeeping.
        self.for_each(|viewer, tally| {
            viewer.count_kernel_drops(tally);
            viewer.housekeep(now, tally)
        });
        let mut report = self.tally.report();
        for viewer in self.viewers.iter().flatten() {
            report.alive += 1;
            report.connected += u64::from(viewer.state == State::Connected);
            report.receiving += u64::from(viewer.is_receiving(now));
        }
        report.cpu_s = system::thread_cpu_s();
        report
    }

    /// Drain the sockets that are ready; true when some datagram came.
    fn receive(&mut self, ready: &[u64]) -> bool {
        let mut received = false;
        let realtime_offset_ns = system::realtime_offset_ns();
        for token in ready {
            // Out of `self` while in use, because `with` borrows all of it.
            let mut batch = std::mem::replace(&mut self.batch, Batch::empty());
            self.with(*token as usize, |viewer, tally| {
                for _ in 0..ROUNDS {
                    let more = batch.receive(&viewer.peer.socket).map_err(RtcError::from)?;
                    let moment = Moment {
                        now: Instant::now(),
                        realtime_offset_ns,
                    };
                    for datagram in batch.datagrams() {
                        received = true;
                        viewer.receive(&datagram, moment, tally)?;
                    }
                    if !more {
                        break;
                    }
                }
                Ok(())
            });
            self.batch = batch;
        }
        received
    }

    fn tick(&mut self, now: Instant) {
        for index in 0..self.due.len() {
            if self.due[index].is_some_and(|due| due <= now) {
                self.with(index, |viewer, tally| viewer.tick(now, tally));
            }
        }
    }

    fn for_each(
        &mut self,
        mut action: impl FnMut(&mut Viewer, &mut Tally) -> Result<(), RtcError>,
    ) {
        for index in 0..self.viewers.len() {
            self.with(index, &mut action);
        }
    }

    /// Do something with a viewer and set its timer. Its error or panic ends this viewer alone.
    fn with(
        &mut self,
        index: usize,
        action: impl FnOnce(&mut Viewer, &mut Tally) -> Result<(), RtcError>,
    ) {
        let Some(Some(viewer)) = self.viewers.get_mut(index) else {
            return;
        };
        let tally = &mut self.tally;
        let outcome = catch_unwind(AssertUnwindSafe(|| action(viewer, tally)));
        let over = viewer.state == State::Closed;
        match outcome {
            Ok(Ok(())) if !over => {
                self.due[index] = (viewer.state != State::Offered).then_some(viewer.peer.due);
                return;
            }
            Ok(Err(error)) if !over => tally.closed(&error.to_string()),
            // It has counted its end itself; what str0m says after that is of no interest.
            Ok(_) => {}
            Err(_) => {
                tally.counts.panics += 1;
                tally.closed("a viewer panicked");
            }
        }
        viewer.count_kernel_drops(tally);
        self.viewers[index] = None;
        self.due[index] = None;
        self.alive -= 1;
    }

    fn close_all(&mut self) {
        for index in 0..self.viewers.len() {
            self.remove(index as u32);
        }
    }
}
