//! The handle that callers hold.

use std::fmt;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::config::LoadConfig;
use crate::driver::{Command, Driver};
use crate::peer::Identity;
use crate::poller::{Poller, Waker};
use crate::publisher::Publisher;
use crate::report::LoadReport;
use crate::system;

/// How long a call waits for the viewers' thread.
const PATIENCE: Duration = Duration::from_secs(10);
/// Each is a thread.
const MAX_PUBLISHERS: usize = 64;
/// An SDP answer larger than this is refused unread.
const MAX_SDP: usize = 65_536;

/// Names a viewer of one [`LoadViewers`]; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ViewerIndex(pub u32);

/// Names a publisher of one [`LoadViewers`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PublisherIndex(pub u32);

/// Viewers on one thread and publishers on one each.
///
/// All methods take `&self`, may be called from any thread, and wait for the viewers' thread (a
/// few milliseconds; at most ten seconds, then the error is `TimedOut`). Dropping it stops all.
pub struct LoadViewers {
    config: LoadConfig,
    identity: Identity,
    commands: SyncSender<Command>,
    waker: Waker,
    running: Mutex<Running>,
}

struct Running {
    thread: Option<JoinHandle<io::Result<()>>>,
    publishers: Vec<Option<Publisher>>,
}

impl LoadViewers {
    /// Start the viewers' thread.
    ///
    /// Errors: `InvalidInput` names the setting that cannot be; else the system refused a thread,
    /// a file descriptor or a certificate.
    pub fn start(config: LoadConfig) -> io::Result<Self> {
        config.check()?;
        // Some files for the rest of the process, one socket for each viewer.
        system::raise_file_limit(config.max_viewers as u64 + 256)?;
        let identity = Identity::new()?;
        let poller = Poller::new()?;
        let waker = poller.waker();
        let (commands, inbox) = sync_channel(1024);
        let driver_parts = (config.clone(), identity.clone());
        let thread = std::thread::Builder::new()
            .name("load-viewers".into())
            .spawn(move || {
                let (config, identity) = driver_parts;
                Driver::new(config, identity, poller, inbox).run()
            })?;
        let running = Mutex::new(Running {
            thread: Some(thread),
            publishers: Vec::new(),
        });
        Ok(Self {
            config,
            identity,
            commands,
            waker,
            running,
        })
    }

    /// Make a viewer; returns its index and its SDP offer. Its join times start now.
    ///
    /// Errors: `max_viewers` are alive, no socket, or the thread has stopped.
    pub fn offer(&self) -> io::Result<(ViewerIndex, String)> {
        let (index, offer) = self.ask(Command::Offer)??;
        Ok((ViewerIndex(index), offer))
    }

    /// Give a viewer the server's SDP answer; it connects on its own from here.
    pub fn answer(&self, viewer: ViewerIndex, sdp: &str) -> Result<(), String> {
        check_sdp(sdp)?;
        let command = |reply| Command::Answer(viewer.0, sdp.to_owned(), reply);
        self.ask(command).map_err(|error| error.to_string())?
    }

    /// Make a viewer for a server that makes the offers itself; returns its index and SDP answer.
    ///
    /// Its join times start now. Errors: the offer does not fit, and those of [`Self::offer`].
    pub fn accept(&self, sdp: &str) -> Result<(ViewerIndex, String), String> {
        check_sdp(sdp)?;
        let command = |reply| Command::Accept(sdp.to_owned(), reply);
        let (index, answer) = self.ask(command).map_err(|error| error.to_string())??;
        Ok((ViewerIndex(index), answer))
    }

    /// Close a viewer, with goodbyes. False when it is gone already (or never was).
    pub fn remove(&self, viewer: ViewerIndex) -> io::Result<bool> {
        self.ask(|reply| Command::Remove(viewer.0, reply))
    }

    /// Start a publisher; returns its index and its SDP offer. It sends once it is connected.
    ///
    /// Errors: 64 publishers exist, or no socket or thread could be had.
    pub fn publisher_offer(&self) -> io::Result<(PublisherIndex, String)> {
        let mut running = self.running();
        if running.thread.is_none() {
            return Err(stopped());
        }
        if running.publishers.len() >= MAX_PUBLISHERS {
            return Err(io::Error::other(format!(
                "{MAX_PUBLISHERS} publishers exist"
            )));
        }
        let (publisher, offer) = Publisher::offer(&self.identity, &self.config)?;
        running.publishers.push(Some(publisher));
        Ok((PublisherIndex(running.publishers.len() as u32 - 1), offer))
    }

    /// Give a publisher the server's SDP answer.
    pub fn publisher_answer(&self, publisher: PublisherIndex, sdp: &str) -> Result<(), String> {
        check_sdp(sdp)?;
        let running = self.running();
        let found = running
            .publishers
            .get(publisher.0 as usize)
            .and_then(Option::as_ref);
        found
            .ok_or("no such publisher")?
            .answer(sdp.to_owned(), PATIENCE)
    }

    /// Close a publisher, with goodbyes. False when it is gone already (or never was).
    pub fn remove_publisher(&self, publisher: PublisherIndex) -> bool {
        let mut running = self.running();
        let slot = running.publishers.get_mut(publisher.0 as usize);
        slot.and_then(Option::take).is_some()
    }

    /// A snapshot of everything so far.
    pub fn report(&self) -> io::Result<LoadReport> {
        let mut report = self.ask(Command::Report)?;
        let running = self.running();
        report.publishers = running
            .publishers
            .iter()
            .flatten()
            .map(Publisher::report)
            .collect();
        Ok(report)
    }

    /// Start a new measuring window: forget the media latencies so far (the rest goes on).
    pub fn reset_latency(&self) -> io::Result<()> {
        self.commands
            .try_send(Command::ResetLatency)
            .map_err(|_| stopped())?;
        self.waker.wake();
        Ok(())
    }

    /// Close everything and join the threads. Idempotent. An error is what ended the thread.
    pub fn stop(&self) -> io::Result<()> {
        let mut running = self.running();
        running.publishers.clear();
        let Some(thread) = running.thread.take() else {
            return Ok(());
        };
        // A full or closed channel: the thread is busy and will see it, or it has ended already.
        let _ = self.commands.send(Command::Stop);
        self.waker.wake();
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the viewers' thread panicked")))
    }

    fn ask<T>(&self, command: impl FnOnce(SyncSender<T>) -> Command) -> io::Result<T> {
        let (reply, outcome): (SyncSender<T>, Receiver<T>) = sync_channel(1);
        self.commands
            .try_send(command(reply))
            .map_err(|_| stopped())?;
        self.waker.wake();
        outcome.recv_timeout(PATIENCE).map_err(|error| match error {
            std::sync::mpsc::RecvTimeoutError::Timeout => io::ErrorKind::TimedOut.into(),
            std::sync::mpsc::RecvTimeoutError::Disconnected => stopped(),
        })
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for LoadViewers {
    fn drop(&mut self) {
        // Whoever wants the error calls `stop` first.
        let _ = self.stop();
    }
}

impl fmt::Debug for LoadViewers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadViewers")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

fn stopped() -> io::Error {
    io::Error::new(
        io::ErrorKind::NotConnected,
        "the viewers' thread has stopped",
    )
}

fn check_sdp(sdp: &str) -> Result<(), String> {
    if sdp.len() > MAX_SDP {
        return Err(format!(
            "an SDP of {} bytes; at most {MAX_SDP} are taken",
            sdp.len()
        ));
    }
    Ok(())
}
