//! One worker's UDP socket: many datagrams a system call, in both directions.

use std::io;
use std::mem::{size_of, zeroed};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, Socket, Type};

use crate::counters::Counters;

/// Datagrams a `recvmmsg`.
const RECEIVE_BATCH: usize = 32;
/// Longer datagrams are cut by the kernel and then refused by their own checks.
const RECEIVE_BYTES: usize = 2048;
/// Messages a `sendmmsg`.
const SEND_BATCH: usize = 64;
/// Segments a message: a picture of a few Mbit/s, and the sound behind it.
const MAX_SEGMENTS: usize = 16;
/// A datagram that we send is no longer. What does not fit an Ethernet frame goes in fragments:
/// some publishers fill theirs to the brim, and ours are a little longer.
pub const MAX_DATAGRAM: usize = 2048;
/// Longer ones are not cut apart by the kernel: a segment may not be fragmented.
const MAX_SEGMENT_BYTES: usize = 1452;
/// All that one `sendmmsg` can carry, when bursts are as long as they may be. It is written,
/// encrypted and read by the kernel while it lies in the second cache.
const SEND_BYTES: usize = SEND_BATCH * MAX_SEGMENTS * 750;
/// The kernel is not asked to cut bursts apart any more after so many refusals in a row.
const MAX_REFUSALS: usize = 8;
const BUFFER_BYTES: usize = 4 << 20;

pub struct Udp {
    socket: UdpSocket,
    /// Datagrams that wait, one behind the other as the kernel will read them.
    buffer: Box<[u8]>,
    filled: usize,
    messages: Vec<Message>,
    segmentation: bool,
    /// Of bursts, one after the other.
    refusals: usize,
}

/// Neighbours of one length to one address, which the kernel (or the network card) cuts apart:
/// one walk through the network stack in place of eight.
#[derive(Clone, Copy, Debug)]
struct Message {
    to: SocketAddr,
    from: usize,
    length: usize,
    /// Bytes of each datagram; only the last may be shorter.
    segment: usize,
    datagrams: usize,
}

impl Udp {
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::DGRAM,
            Some(Protocol::UDP),
        )?;
        socket.set_nonblocking(true)?;
        // Best effort: the kernel caps these at net.core.{r,w}mem_max.
        let _ = socket.set_recv_buffer_size(BUFFER_BYTES);
        let _ = socket.set_send_buffer_size(BUFFER_BYTES);
        socket.bind(&address.into())?;
        Ok(Udp {
            socket: socket.into(),
            buffer: vec![0; SEND_BYTES].into(),
            filled: 0,
            messages: Vec::with_capacity(SEND_BATCH),
            segmentation: true,
            refusals: 0,
        })
    }

    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    pub fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// For kernels and cards without segmentation offload, and for tests of that case.
    pub fn set_segmentation(&mut self, on: bool) {
        self.segmentation = on;
    }

    /// Queue a datagram until [`Udp::flush`].
    pub fn send(&mut self, to: SocketAddr, datagram: &[u8], counters: &Counters) {
        if datagram.len() > MAX_DATAGRAM {
            return counters.errors_send.add(1);
        }
        self.room(counters)[..datagram.len()].copy_from_slice(datagram);
        self.commit(to, datagram.len());
    }

    /// Room for a datagram of [`MAX_DATAGRAM`] bytes, which [`Udp::commit`] then queues.
    pub fn room(&mut self, counters: &Counters) -> &mut [u8] {
        if self.buffer.len() - self.filled < MAX_DATAGRAM || self.messages.len() == SEND_BATCH {
            self.flush(counters);
        }
        &mut self.buffer[self.filled..self.filled + MAX_DATAGRAM]
    }

    /// Queue what was written into the first `length` bytes of [`Udp::room`].
    pub fn commit(&mut self, to: SocketAddr, length: usize) {
        let from = self.filled;
        self.filled += length;
        if self.segmentation
            && let Some(last) = self.messages.last_mut()
            && last.takes(to, length)
        {
            last.length += length;
            last.datagrams += 1;
            return;
        }
        self.messages.push(Message {
            to,
            from,
            length,
            segment: length,
            datagrams: 1,
        });
    }

    /// Datagrams that wait.
    pub fn queued(&self) -> usize {
        self.messages.iter().map(|message| message.datagrams).sum()
    }

    /// Hand all queued datagrams to the kernel.
    pub fn flush(&mut self, counters: &Counters) {
        let mut messages = std::mem::take(&mut self.messages);
        let mut next = 0;
        while next < messages.len() {
            match self.send_some(&messages[next..], counters) {
                Ok(sent) => next += sent,
                Err(error) => next += self.refused(&error, messages[next], counters),
            }
        }
        messages.clear();
        self.messages = messages;
        self.filled = 0;
    }

    /// One `sendmmsg` from the front; returns how many messages are done with.
    fn send_some(&mut self, messages: &[Message], counters: &Counters) -> io::Result<usize> {
        let messages = &messages[..messages.len().min(SEND_BATCH)];
        // SAFETY: zeroed is a valid state of these C structs.
        let mut headers: [libc::mmsghdr; SEND_BATCH] = unsafe { zeroed() };
        let mut vectors: [libc::iovec; SEND_BATCH] = unsafe { zeroed() };
        let mut names: [Name; SEND_BATCH] = unsafe { zeroed() };
        let mut controls = [Control::default(); SEND_BATCH];
        for (i, message) in messages.iter().enumerate() {
            let bytes = &self.buffer[message.from..message.from + message.length];
            vectors[i].iov_base = bytes.as_ptr().cast_mut().cast();
            vectors[i].iov_len = bytes.len();
            let header = &mut headers[i].msg_hdr;
            header.msg_namelen = names[i].set(message.to);
            header.msg_name = std::ptr::from_mut(&mut names[i]).cast();
            header.msg_iov = &mut vectors[i];
            header.msg_iovlen = 1;
            if message.datagrams > 1 {
                controls[i].set_segment(header, message.segment as u16);
            }
        }
        // SAFETY: all pointers in `headers` lead into `names`, `vectors`, `controls` and the
        // buffer, which outlive the call; the kernel only reads what they point at.
        let sent = unsafe {
            libc::sendmmsg(
                self.socket.as_raw_fd(),
                headers.as_mut_ptr(),
                messages.len() as u32,
                libc::MSG_DONTWAIT,
            )
        };
        counters.send_calls.add(1);
        if sent <= 0 {
            return Err(io::Error::last_os_error());
        }
        let sent = sent as usize;
        let datagrams: usize = messages[..sent].iter().map(|m| m.datagrams).sum();
        if datagrams > sent {
            self.refusals = 0;
        }
        counters.sent_datagrams.add(datagrams as u64);
        counters.send_batch.observe(datagrams as f64);
        Ok(sent)
    }

    /// The first message was refused; returns how many messages to give up.
    fn refused(&mut self, error: &io::Error, message: Message, counters: &Counters) -> usize {
        match error.raw_os_error() {
            Some(libc::EINTR) => 0,
            // No segmentation on this path or card: this one goes in pieces. All do when none was
            // ever cut apart between refusals; one viewer's narrow path must not take it from all.
            Some(libc::EIO | libc::EINVAL | libc::EOPNOTSUPP | libc::EMSGSIZE)
                if message.datagrams > 1 =>
            {
                self.refusals += 1;
                self.segmentation &= self.refusals < MAX_REFUSALS;
                counters.segmentation_refused.add(1);
                self.send_pieces(message, counters);
                1
            }
            Some(libc::EAGAIN | libc::ENOBUFS) => {
                // Wait a moment for the queue to drain rather than lose a burst; never longer,
                // because every other viewer waits with us.
                if self.wait_writable(Duration::from_millis(2)) {
                    return 0;
                }
                counters.drops_send_buffer.add(message.datagrams as u64);
                1
            }
            // An address that cannot be reached concerns its own viewer only.
            _ => {
                counters.errors_send.add(message.datagrams as u64);
                1
            }
        }
    }

    /// Send a message's datagrams one by one.
    fn send_pieces(&mut self, message: Message, counters: &Counters) {
        let mut from = message.from;
        let end = message.from + message.length;
        while from < end {
            let length = message.segment.min(end - from);
            let piece = Message {
                from,
                length,
                datagrams: 1,
                ..message
            };
            match self.send_some(&[piece], counters) {
                Ok(_) => from += length,
                Err(error) => from += length * self.refused(&error, piece, counters),
            }
        }
    }

    fn wait_writable(&self, limit: Duration) -> bool {
        let mut poll = libc::pollfd {
            fd: self.socket.as_raw_fd(),
            events: libc::POLLOUT,
            revents: 0,
        };
        // SAFETY: one valid pollfd.
        unsafe { libc::poll(&mut poll, 1, limit.as_millis() as i32) == 1 }
    }
}

impl Message {
    /// Whether a datagram that lies right behind this message can be part of it.
    fn takes(&self, to: SocketAddr, length: usize) -> bool {
        self.datagrams < MAX_SEGMENTS
            && self.segment <= MAX_SEGMENT_BYTES
            && length <= self.segment
            // Only the last segment may be shorter.
            && self.length == self.segment * self.datagrams
            && self.to == to
    }
}

/// An address as the kernel reads it.
#[repr(C)]
union Name {
    v4: libc::sockaddr_in,
    v6: libc::sockaddr_in6,
}

impl Name {
    /// Set it; returns its length.
    fn set(&mut self, address: SocketAddr) -> libc::socklen_t {
        match address {
            SocketAddr::V4(v4) => {
                self.v4 = libc::sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: v4.port().to_be(),
                    sin_addr: libc::in_addr {
                        s_addr: u32::from_ne_bytes(v4.ip().octets()),
                    },
                    sin_zero: [0; 8],
                };
                size_of::<libc::sockaddr_in>() as libc::socklen_t
            }
            SocketAddr::V6(v6) => {
                self.v6 = libc::sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as libc::sa_family_t,
                    sin6_port: v6.port().to_be(),
                    sin6_flowinfo: v6.flowinfo().to_be(),
                    sin6_addr: libc::in6_addr {
                        s6_addr: v6.ip().octets(),
                    },
                    sin6_scope_id: v6.scope_id(),
                };
                size_of::<libc::sockaddr_in6>() as libc::socklen_t
            }
        }
    }
}

/// Room for one batch of received datagrams.
pub struct Inbox {
    buffers: Vec<[u8; RECEIVE_BYTES]>,
    received: Vec<(SocketAddr, usize)>,
}

impl Inbox {
    pub fn new() -> Self {
        Inbox {
            buffers: vec![[0; RECEIVE_BYTES]; RECEIVE_BATCH],
            received: Vec::with_capacity(RECEIVE_BATCH),
        }
    }

    /// Sources and datagrams of the last batch.
    pub fn datagrams(&self) -> impl Iterator<Item = (SocketAddr, &[u8])> {
        let cut =
            |((source, length), buffer): (&(SocketAddr, usize), _)| (*source, *length, buffer);
        self.received.iter().zip(&self.buffers).map(cut).map(
            |(source, length, buffer): (_, _, &[u8; RECEIVE_BYTES])| (source, &buffer[..length]),
        )
    }

    /// Receive a batch. True when there may be more.
    pub fn receive(&mut self, udp: &Udp) -> io::Result<bool> {
        self.received.clear();
        // SAFETY: zeroed is a valid state of these C structs and address stores.
        let mut names: [SockAddrStorage; RECEIVE_BATCH] = unsafe { zeroed() };
        let mut vectors: [libc::iovec; RECEIVE_BATCH] = unsafe { zeroed() };
        let mut headers: [libc::mmsghdr; RECEIVE_BATCH] = unsafe { zeroed() };
        for i in 0..RECEIVE_BATCH {
            vectors[i].iov_base = self.buffers[i].as_mut_ptr().cast();
            vectors[i].iov_len = RECEIVE_BYTES;
            let header = &mut headers[i].msg_hdr;
            header.msg_name = std::ptr::from_mut(&mut names[i]).cast();
            header.msg_namelen = size_of::<SockAddrStorage>() as libc::socklen_t;
            header.msg_iov = &mut vectors[i];
            header.msg_iovlen = 1;
        }
        // SAFETY: every header points at a live buffer, address store and vector of its length.
        let count = unsafe {
            libc::recvmmsg(
                udp.socket.as_raw_fd(),
                headers.as_mut_ptr(),
                RECEIVE_BATCH as u32,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        if count < 0 {
            let error = io::Error::last_os_error();
            return match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(false),
                // An ICMP answer to something we sent; the next call reads on.
                io::ErrorKind::ConnectionRefused => Ok(true),
                _ => Err(error),
            };
        }
        let count = count as usize;
        for (i, storage) in names.into_iter().take(count).enumerate() {
            let length = headers[i].msg_len as usize;
            // SAFETY: the kernel wrote `msg_namelen` bytes of a socket address.
            let name = unsafe { SockAddr::new(storage, headers[i].msg_hdr.msg_namelen) };
            // Only IP sockets reach us; keep the places in step with the buffers all the same.
            let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
            self.received
                .push((name.as_socket().unwrap_or(nowhere), length));
        }
        Ok(count == RECEIVE_BATCH)
    }
}

impl Default for Inbox {
    fn default() -> Self {
        Self::new()
    }
}

/// Room for one `UDP_SEGMENT` control message, aligned as the kernel wants it.
#[derive(Clone, Copy, Default)]
#[repr(C, align(8))]
struct Control([u8; 24]);

impl Control {
    fn set_segment(&mut self, header: &mut libc::msghdr, bytes: u16) {
        header.msg_control = self.0.as_mut_ptr().cast();
        header.msg_controllen = self.0.len() as _;
        // SAFETY: the buffer holds CMSG_SPACE(2) = 24 bytes, so the first header and its two
        // bytes of data lie within it.
        unsafe {
            let control = libc::CMSG_FIRSTHDR(header);
            (*control).cmsg_level = libc::SOL_UDP;
            (*control).cmsg_type = libc::UDP_SEGMENT;
            (*control).cmsg_len = libc::CMSG_LEN(2) as _;
            libc::CMSG_DATA(control)
                .cast::<u16>()
                .write_unaligned(bytes);
            header.msg_controllen = libc::CMSG_SPACE(2) as _;
        }
    }
}
