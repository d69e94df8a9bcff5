//! ICE over TCP (RFC 6544): for networks that let no UDP through.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use polling::{Event, PollMode, Poller};
use sluice_media_core::framing::{Deframer, frame};
use sluice_media_core::routes::Path;
use socket2::{Domain, Protocol, Socket, Type};

use crate::counters::Counters;

/// Bytes that wait for a slow reader; at 2.5 Mbit/s this is half a second.
const MAX_BUFFER: usize = 160 * 1024;
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
}

struct Connection {
    stream: TcpStream,
    remote: SocketAddr,
    deframer: Deframer,
    out: Vec<u8>,
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
        })
    }

    pub fn listener(&self) -> &TcpListener {
        &self.listener
    }

    /// Take what waits at the listener.
    pub fn accept(&mut self, poller: &Poller, now: Instant, counters: &Counters) {
        // Bounded, so that a flood of connects cannot keep media waiting.
        for _ in 0..64 {
            let (stream, remote) = match self.listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => {
                    counters.errors_receive.add(1);
                    return;
                }
            };
            let unclaimed = self.connections.values().filter(|c| !c.claimed).count();
            if self.connections.len() >= MAX_CONNECTIONS || unclaimed >= MAX_UNCLAIMED {
                counters.drops_tcp_buffer.add(1);
                continue;
            }
            let key = self.next;
            let ready = stream
                .set_nonblocking(true)
                .and_then(|()| stream.set_nodelay(true))
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
                    opened: now,
                    claimed: false,
                },
            );
        }
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

    /// Send a datagram, now or when the socket takes it.
    pub fn send(&mut self, key: u64, datagram: &[u8], poller: &Poller, counters: &Counters) {
        let Some(connection) = self.connections.get_mut(&key) else {
            return;
        };
        if connection.out.len() + datagram.len() > MAX_BUFFER {
            counters.drops_tcp_buffer.add(1);
            return;
        }
        let was_empty = connection.out.is_empty();
        if !frame(datagram, &mut connection.out) {
            counters.drops_tcp_buffer.add(1);
            return;
        }
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
        let mut written = 0;
        while written < connection.out.len() {
            match connection.stream.write(&connection.out[written..]) {
                Ok(0) => break,
                Ok(length) => written += length,
                // An error shows up at the next read, which ends the connection.
                Err(_) => break,
            }
        }
        connection.out.drain(..written);
        let interest = if connection.out.is_empty() {
            Event::readable(key as usize)
        } else {
            Event::all(key as usize)
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
