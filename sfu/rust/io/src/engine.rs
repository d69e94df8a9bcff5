//! The engine as its owner sees it: start, answer offers, ask, stop.

use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::{Receiver, Sender, bounded};
use polling::Poller;
use str0m::IceCreds;

use crate::command::{Command, LayerWish};
use crate::counters::Counters;
use crate::feed;
use crate::keying;
use crate::offer::{self, Identity, OfferError};
use crate::outbox::Outbox;
use crate::peer::{Part, Peer, PeerStats, Role, named};
use crate::priority;
use crate::settings::{Addresses, Settings, announced};
use crate::shared::Shared;
use crate::tcp::Tcp;
use crate::udp::Udp;
use crate::worker::{Lines, Worker};

mod many;

/// A worker that does not answer within this is stuck.
const PATIENCE: Duration = Duration::from_secs(2);
/// Commands that may wait at a worker.
const MAX_COMMANDS: usize = 4096;

/// Why a peer is not taken.
#[derive(Debug)]
pub enum AcceptError {
    Offer(OfferError),
    /// Too many peers, or the worker does not answer.
    Busy(String),
}

/// A new peer.
#[derive(Debug)]
pub struct Accepted {
    pub peer: u64,
    pub answer: String,
    pub credentials: IceCreds,
}

/// Workers, and the ways to them. Methods may block for a few milliseconds.
pub struct Engine {
    shared: Arc<Shared>,
    identity: Identity,
    workers: Vec<Handle>,
    next_peer: AtomicU64,
    next_tap: AtomicU64,
}

struct Handle {
    commands: Sender<Command>,
    poller: Arc<Poller>,
    addresses: Addresses,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Engine {
    /// Bind the ports and start the threads.
    pub fn start(settings: Settings) -> io::Result<Self> {
        let crypto = Arc::new(str0m::crypto::from_feature_flags());
        let certificate = crypto
            .dtls_provider
            .generate_certificate()
            .ok_or_else(|| io::Error::other("no DTLS certificate could be made"))?;
        let counters = Arc::new(Counters::default());
        let count = match settings.workers {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n,
        };
        let shared = Arc::new(Shared {
            outbox: Outbox::new(Arc::clone(&counters))?,
            counters,
            settings,
            peers: AtomicUsize::new(0),
            half_open: AtomicUsize::new(0),
            loads: (0..count).map(|_| AtomicUsize::new(0)).collect(),
            sources: AtomicU64::new(1),
            crypto: Arc::clone(&crypto),
            epoch: (Instant::now(), SystemTime::now()),
        });
        // Bind all before any runs: a taken port then leaves nothing behind.
        let bound = (0..count)
            .map(|index| bind(&shared.settings, index as u16))
            .collect::<io::Result<Vec<_>>>()?;
        let pollers = (0..count)
            .map(|_| Poller::new().map(Arc::new))
            .collect::<io::Result<Vec<_>>>()?;
        let (senders, receivers): (Vec<_>, Vec<_>) =
            pollers.iter().cloned().map(feed::queue).unzip();
        let ends = pollers.into_iter().zip(receivers);
        let workers = bound
            .into_iter()
            .zip(ends)
            .enumerate()
            .map(|(index, (sockets, (poller, feeds)))| {
                let (commands, receiver) = bounded(MAX_COMMANDS);
                let lines = Lines {
                    index,
                    commands: receiver,
                    feeds,
                    workers: senders.clone(),
                };
                spawn(&shared, lines, commands, poller, sockets)
            })
            .collect::<io::Result<Vec<_>>>()?;
        Ok(Engine {
            shared,
            identity: Identity {
                certificate,
                viewers: Arc::new(keying::withholding(&crypto)),
                publishers: crypto,
            },
            workers,
            next_peer: AtomicU64::new(1),
            next_tap: AtomicU64::new(1),
        })
    }

    /// The announced addresses, as `udp:192.0.2.1:5000`.
    pub fn candidates(&self) -> Vec<String> {
        self.workers
            .iter()
            .flat_map(|worker| {
                let udp = worker.addresses.udp.iter().map(|a| named("udp", *a));
                let tcp = worker.addresses.tcp.iter().map(|a| named("tcp", *a));
                udp.chain(tcp).collect::<Vec<_>>()
            })
            .collect()
    }

    /// Answer an offer with a new peer of this channel.
    pub fn accept(&self, role: Role, channel: &str, offer: &str) -> Result<Accepted, AcceptError> {
        let shared = &self.shared;
        let busy = |text: &str| AcceptError::Busy(text.to_owned());
        let index = self.place_of(role, channel);
        let worker = &self.workers[index];
        let now = Instant::now();
        let place = Place::take(shared, index)?;
        // Hostile SDP ends here, on the caller's thread, before any worker sees it.
        let accepted = catch_unwind(AssertUnwindSafe(|| {
            offer::accept(offer, role, &self.identity, &worker.addresses, now)
        }));
        let mut accepted = match accepted {
            Ok(accepted) => accepted.map_err(AcceptError::Offer)?,
            Err(_) => {
                shared.counters.errors_panic.add(1);
                let text = "the offer could not be read".to_owned();
                return Err(AcceptError::Offer(OfferError::Malformed(text)));
            }
        };
        let serial = self.next_peer.fetch_add(1, Ordering::Relaxed);
        let id = serial * self.workers.len() as u64 + index as u64;
        let part = Part::new(role, &mut accepted, now);
        let peer = Peer::new(
            id,
            channel.to_owned(),
            accepted.rtc,
            accepted.credentials.clone(),
            part,
            &shared.settings,
            now,
        );
        let (done, wait) = bounded(1);
        let command = Command::Add {
            peer: Box::new(peer),
            ufrag: accepted.credentials.local.ufrag.clone(),
            done,
        };
        if !worker.send(command) {
            return Err(busy("the media worker takes no commands"));
        }
        // Whatever happens next, the worker has the peer and gives its place back.
        place.keep();
        if wait.recv_timeout(PATIENCE).is_err() {
            let (done, _) = bounded(1);
            worker.send(Command::Remove { peer: id, done });
            return Err(busy("the media worker does not answer"));
        }
        Ok(Accepted {
            peer: id,
            answer: accepted.answer,
            credentials: accepted.credentials.local,
        })
    }

    /// False when the peer was gone already.
    pub fn remove(&self, peer: u64) -> bool {
        self.ask(peer, |done| Command::Remove { peer, done })
            .unwrap_or(false)
    }

    /// New credentials of ours, or None when the peer is gone.
    pub fn restart_ice(&self, peer: u64, ufrag: String, pwd: String) -> Option<(String, String)> {
        let remote = IceCreds { ufrag, pass: pwd };
        let local = self.ask(peer, |done| Command::RestartIce { peer, remote, done })??;
        Some((local.ufrag, local.pass))
    }

    pub fn stats(&self, peer: u64) -> Option<PeerStats> {
        self.ask(peer, |done| Command::Stats { peer, done })?
    }

    /// Follow a viewer's wish. False when the peer is no viewer, or there is no such encoding.
    pub fn select_layer(&self, peer: u64, wish: LayerWish) -> bool {
        self.ask(peer, |done| Command::SelectLayer { peer, wish, done })
            .unwrap_or(false)
    }

    pub fn send_data(&self, peer: u64, label: String, payload: Vec<u8>, binary: bool) -> bool {
        self.ask(peer, |done| Command::SendData {
            peer,
            label,
            payload,
            binary,
            done,
        })
        .unwrap_or(false)
    }

    /// Read a channel's access units; they come with [`Outbox::drain`].
    pub fn open_tap(&self, channel: &str, limit: usize) -> u64 {
        let tap = self.next_tap.fetch_add(1, Ordering::Relaxed);
        self.shared.outbox.open_tap(tap, limit);
        let channel = channel.to_owned();
        self.workers[self.worker_of(&channel)].send(Command::OpenTap { channel, tap });
        tap
    }

    pub fn close_tap(&self, channel: &str, tap: u64) {
        self.shared.outbox.close_tap(tap);
        let channel = channel.to_owned();
        self.workers[self.worker_of(&channel)].send(Command::CloseTap { channel, tap });
    }

    /// Have the publisher asked for keyframes of all its layers, as often as it may be asked.
    pub fn want_keyframes(&self, channel: &str) {
        let channel = channel.to_owned();
        self.workers[self.worker_of(&channel)].send(Command::WantKeyframes { channel });
    }

    pub fn outbox(&self) -> &Outbox {
        &self.shared.outbox
    }

    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    pub fn peers(&self) -> usize {
        self.shared.peers.load(Ordering::Relaxed)
    }

    /// For tests: whatever is next done for the peer panics.
    #[doc(hidden)]
    pub fn poison(&self, peer: u64) {
        self.worker(peer).send(Command::Poison { peer });
    }

    /// End every peer and join the threads.
    pub fn stop(&self) {
        for worker in &self.workers {
            let Ok(Some(thread)) = worker.thread.lock().map(|mut t| t.take()) else {
                continue;
            };
            let (done, _wait) = bounded(1);
            // Waits for a place in the queue: a worker that is behind must still hear of the end.
            let stop = Command::Stop { done };
            if worker.commands.send_timeout(stop, PATIENCE).is_ok() {
                // The worker wakes for its next tick anyway, so a lost wake-up costs that long.
                let _ = worker.poller.notify();
                // A worker's own panics are caught, so this cannot fail; if it did, it is over.
                let _ = thread.join();
            }
        }
    }

    fn ask<T>(&self, peer: u64, command: impl FnOnce(Sender<T>) -> Command) -> Option<T> {
        let (done, wait): (Sender<T>, Receiver<T>) = bounded(1);
        if !self.worker(peer).send(command(done)) {
            return None;
        }
        wait.recv_timeout(PATIENCE).ok()
    }

    fn worker(&self, peer: u64) -> &Handle {
        &self.workers[(peer % self.workers.len() as u64) as usize]
    }

    /// Where a channel's publisher and readers live.
    fn worker_of(&self, channel: &str) -> usize {
        feed::home(channel, self.workers.len())
    }

    /// Publishers live at home, viewers where there are fewest peers.
    fn place_of(&self, role: Role, channel: &str) -> usize {
        let home = self.worker_of(channel);
        if role == Role::Publisher {
            return home;
        }
        let load = |index: usize| self.shared.loads[index].load(Ordering::Relaxed);
        (0..self.workers.len())
            .min_by_key(|index| (load(*index), *index != home))
            .unwrap_or(home)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Handle {
    fn send(&self, command: Command) -> bool {
        let sent = self.commands.try_send(command).is_ok();
        // Without the notice the worker finds it at its next tick.
        let _ = self.poller.notify();
        sent
    }
}

/// A place among the peers, given back unless the peer is taken.
struct Place<'a>(Option<(&'a Shared, usize)>);

impl<'a> Place<'a> {
    fn take(shared: &'a Shared, worker: usize) -> Result<Self, AcceptError> {
        let peers = shared.peers.fetch_add(1, Ordering::Relaxed);
        let half_open = shared.half_open.fetch_add(1, Ordering::Relaxed);
        shared.loads[worker].fetch_add(1, Ordering::Relaxed);
        let place = Place(Some((shared, worker)));
        if peers >= shared.settings.max_peers {
            let text = format!(
                "the limit of {} peers is reached",
                shared.settings.max_peers
            );
            return Err(AcceptError::Busy(text));
        }
        if half_open >= shared.settings.max_half_open {
            return Err(AcceptError::Busy("too many peers are connecting".into()));
        }
        Ok(place)
    }

    /// The worker has the peer now and gives the place back when it ends.
    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if let Some((shared, worker)) = self.0 {
            shared.loads[worker].fetch_sub(1, Ordering::Relaxed);
            shared.peers.fetch_sub(1, Ordering::Relaxed);
            shared.half_open.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

struct Sockets {
    udp: Udp,
    tcp: Option<Tcp>,
    addresses: Addresses,
}

fn bind(settings: &Settings, index: u16) -> io::Result<Sockets> {
    let port = match settings.port {
        0 => 0,
        first => first
            .checked_add(index)
            .ok_or_else(|| io::Error::other("the port numbers of the workers pass 65535"))?,
    };
    // A port that the system chose for UDP may be taken for TCP: try a few.
    let tries = if port == 0 { 16 } else { 1 };
    let mut last = None;
    for _ in 0..tries {
        match bind_pair(settings, port) {
            Ok(sockets) => return Ok(sockets),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::other("no port")))
}

fn bind_pair(settings: &Settings, port: u16) -> io::Result<Sockets> {
    let udp = Udp::bind(SocketAddr::new(settings.host, port))?;
    let bound = udp.local_address()?;
    let tcp = match settings.tcp {
        true => Some(Tcp::bind(bound)?),
        false => None,
    };
    let udp_addresses = announced(settings, bound)?;
    let tcp_addresses = tcp.as_ref().map(|_| udp_addresses.clone());
    Ok(Sockets {
        udp,
        tcp,
        addresses: Addresses {
            udp: udp_addresses,
            tcp: tcp_addresses.unwrap_or_default(),
        },
    })
}

fn spawn(
    shared: &Arc<Shared>,
    lines: Lines,
    commands: Sender<Command>,
    poller: Arc<Poller>,
    sockets: Sockets,
) -> io::Result<Handle> {
    let name = format!("sluice-media-{}", lines.index);
    let worker = Worker::new(
        Arc::clone(shared),
        lines,
        Arc::clone(&poller),
        sockets.udp,
        sockets.tcp,
        sockets.addresses.clone(),
    )?;
    let thread = std::thread::Builder::new().name(name).spawn(move || {
        priority::raise();
        worker.run();
    })?;
    Ok(Handle {
        commands,
        poller,
        addresses: sockets.addresses,
        thread: Mutex::new(Some(thread)),
    })
}
