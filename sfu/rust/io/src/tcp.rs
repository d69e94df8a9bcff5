//! ICE over TCP (RFC 6544): for networks that let no UDP through.

use std::collections::{HashMap, VecDeque};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use polling::{Event, PollMode, Poller};
use sluice_media_core::framing::{Deframer, frame};
use sluice_media_core::routes::Path;
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::counters::Counters;

/// What waits longer for a slow reader is of no use to it any more.
pub const PATIENCE: Duration = Duration::from_millis(500);
/// Bytes that wait, however fast they came: half a second of 16 Mbit/s.
const MAX_BUFFER: usize = 1 << 20;
/// Bytes that the kernel takes before it sends them. More would wait where we do not see it.
const UNSENT: u32 = 32 * 1024;
/// How long the listener rests when there is no descriptor left: it would stay readable.
const REST: Duration = Duration::from_millis(100);
const MAX_CONNECTIONS: usize = 4096;
/// Connections that no peer has claimed yet.
const MAX_UNCLAIMED: usize = 256;
const CLAIM_TIMEOUT: Duration = Duration::from_secs(10);
/// The first poll key of a connection; those below are the sockets of the worker.
pub const FIRST_KEY: u64 = 2;

/// A worker's TCP listener and its connections. A connection's number is its poll key.
pub struct Tcp {
    listener: TcpListener,
    connections: HashMap<u64, Connection>,
    next: u64,
    /// Since when the listener rests.
    resting: Option<Instant>,
}

struct Connection {
    stream: TcpStream,
    remote: SocketAddr,
    deframer: Deframer,
    /// Bytes that wait, the first `written` of them no more.
    out: Vec<u8>,
    written: usize,
    /// When they came: up to which byte of `out`, and that moment.
    came: VecDeque<(usize, Instant)>,
    /// The kernel takes no more; the poller tells when it does.
    blocked: bool,
    opened: Instant,
    claimed: bool,
}

impl Tcp {
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(256)?;
        Ok(Tcp {
            listener: socket.into(),
            connections: HashMap::new(),
            next: FIRST_KEY,
            resting: None,
        })
    }

    pub fn listener(&self) -> &TcpListener {
        &self.listener
    }

    /// Number of open connections.
    pub fn len(&self) -> usize {
        self.connections.len()
    }

    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// Take what waits at the listener. `own_key` is its poll key.
    pub fn accept(&mut self, own_key: usize, poller: &Poller, now: Instant, counters: &Counters) {
        // Bounded, so that a flood of connects cannot keep media waiting.
        for _ in 0..64 {
            let (stream, remote) = match self.listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => {
                    counters.errors_receive.add(1);
                    if is_exhausted(&error) {
                        self.resting = Some(now);
                        self.listen(Event::none(own_key), poller);
                    }
                    return;
                }
            };
            if self.connections.len() >= MAX_CONNECTIONS {
                counters.drops_connections.add(1);
                continue;
            }
            self.make_room(poller, counters);
            let key = self.next;
            let ready = stream
                .set_nonblocking(true)
                .and_then(|()| stream.set_nodelay(true))
                .and_then(|()| SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT))
                // SAFETY: the connection is deleted from the poller before it is dropped.
                .and_then(|()| unsafe {
                    poller.add_with_mode(&stream, Event::readable(key as usize), PollMode::Level)
                });
            if ready.is_err() {
                counters.errors_receive.add(1);
                continue;
            }
            self.next += 1;
            self.connections.insert(
                key,
                Connection {
                    stream,
                    remote,
                    deframer: Deframer::default(),
                    out: Vec::new(),
                    written: 0,
                    came: VecDeque::new(),
                    blocked: false,
                    opened: now,
                    claimed: false,
                },
            );
        }
    }

    /// End the oldest unclaimed connection when there are too many: an honest client claims its
    /// own at once, so it is not the one that waited longest.
    fn make_room(&mut self, poller: &Poller, counters: &Counters) {
        let unclaimed = self.connections.iter().filter(|(_, c)| !c.claimed);
        let keys = unclaimed.map(|(key, _)| *key);
        let (count, oldest) = keys.fold((0, u64::MAX), |(n, key), k| (n + 1, key.min(k)));
        if count >= MAX_UNCLAIMED {
            counters.drops_connections.add(1);
            self.close(oldest, poller);
        }
    }

    /// Listen again after a rest.
    pub fn resume(&mut self, own_key: usize, poller: &Poller, now: Instant) {
        let rested = |since| now.saturating_duration_since(since) >= REST;
        if self.resting.is_some_and(rested) {
            self.resting = None;
            self.listen(Event::readable(own_key), poller);
        }
    }

    fn listen(&self, interest: Event, poller: &Poller) {
        let _ = poller.modify_with_mode(self.listener.as_fd(), interest, PollMode::Level);
    }

    /// Read a connection; calls `each` with every datagram. False when it ended.
    pub fn read(
        &mut self,
        key: u64,
        counters: &Counters,
        mut each: impl FnMut(Path, &[u8]),
    ) -> bool {
        let Some(connection) = self.connections.get_mut(&key) else {
            return true;
        };
        let path = Path::Tcp(key, connection.remote);
        let mut buffer = [0; 16 * 1024];
        match connection.stream.read(&mut buffer) {
            Ok(0) => return false,
            Ok(length) => connection.deframer.push(&buffer[..length]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
            Err(_) => return false,
        }
        loop {
            match connection.deframer.next_frame() {
                Ok(Some(datagram)) => each(path, datagram),
                Ok(None) => return true,
                Err(_) => {
                    counters.errors_tcp_framing.add(1);
                    return false;
                }
            }
        }
    }

    /// A peer proved that it is at the other end.
    pub fn claim(&mut self, key: u64) {
        if let Some(connection) = self.connections.get_mut(&key) {
            connection.claimed = true;
        }
    }

    /// How long the oldest byte waits that the kernel did not take; a queue that is half full in
    /// bytes counts as one that is half as late as it may be.
    pub fn backlog(&self, key: u64, now: Instant) -> Duration {
        let Some(connection) = self.connections.get(&key) else {
            return Duration::ZERO;
        };
        let Some((_, came)) = connection.came.front() else {
            return Duration::ZERO;
        };
        let filled = PATIENCE.mul_f64(connection.waiting() as f64 / MAX_BUFFER as f64);
        now.saturating_duration_since(*came).max(filled)
    }

    /// Send a datagram, now or when the socket takes it. It is dropped where others wait too long.
    pub fn send(
        &mut self,
        key: u64,
        datagram: &[u8],
        poller: &Poller,
        counters: &Counters,
        now: Instant,
    ) {
        let late = self.backlog(key, now) >= PATIENCE;
        let Some(connection) = self.connections.get_mut(&key) else {
            return;
        };
        if late || connection.waiting() + datagram.len() > MAX_BUFFER {
            counters.drops_tcp_buffer.add(1);
            return;
        }
        let was_empty = connection.waiting() == 0;
        if !frame(datagram, &mut connection.out) {
            counters.drops_tcp_buffer.add(1);
            return;
        }
        connection.came.push_back((connection.out.len(), now));
        counters.sent_datagrams.add(1);
        if was_empty {
            self.write(key, poller);
        }
    }

    /// Write what waits.
    pub fn write(&mut self, key: u64, poller: &Poller) {
        let Some(connection) = self.connections.get_mut(&key) else {
            return;
        };
        while connection.waiting() > 0 {
            match connection
                .stream
                .write(&connection.out[connection.written..])
            {
                Ok(0) => break,
                Ok(length) => connection.written += length,
                // An error shows up at the next read, which ends the connection.
                Err(_) => break,
            }
        }
        connection.forget_written();
        let blocked = connection.waiting() > 0;
        if std::mem::replace(&mut connection.blocked, blocked) == blocked {
            return;
        }
        let interest = match blocked {
            true => Event::all(key as usize),
            false => Event::readable(key as usize),
        };
        let _ = poller.modify_with_mode(connection.stream.as_fd(), interest, PollMode::Level);
    }

    /// End a connection; returns its path.
    pub fn close(&mut self, key: u64, poller: &Poller) -> Option<Path> {
        let connection = self.connections.remove(&key)?;
        let _ = poller.delete(&connection.stream);
        Some(Path::Tcp(key, connection.remote))
    }

    /// Connections that nobody claimed in time.
    pub fn expired(&self, now: Instant) -> Vec<u64> {
        self.connections
            .iter()
            .filter(|(_, c)| !c.claimed && now.saturating_duration_since(c.opened) > CLAIM_TIMEOUT)
            .map(|(key, _)| *key)
            .collect()
    }
}

impl Connection {
    fn waiting(&self) -> usize {
        self.out.len() - self.written
    }

    fn forget_written(&mut self) {
        while self.came.front().is_some_and(|(to, _)| *to <= self.written) {
            self.came.pop_front();
        }
        // Moving the rest to the front costs less than a byte moved for each byte written.
        if 2 * self.written >= self.out.len() {
            self.out.drain(..self.written);
            for (to, _) in &mut self.came {
                *to -= self.written;
            }
            self.written = 0;
        }
    }
}

/// There is no room for another connection now, which the next call would find out again.
fn is_exhausted(error: &io::Error) -> bool {
    let exhausted = [libc::EMFILE, libc::ENFILE, libc::ENOBUFS, libc::ENOMEM];
    error.raw_os_error().is_some_and(|n| exhausted.contains(&n))
}
