//! One worker's UDP socket: many datagrams a system call, in both directions.

use std::io;
use std::mem::{MaybeUninit, size_of, zeroed};
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
/// Segments a message: bursts of at most eight keep one viewer from filling a queue on the way.
const MAX_SEGMENTS: usize = 8;
const BUFFER_BYTES: usize = 4 << 20;

pub struct Udp {
    socket: UdpSocket,
    queue: Vec<(SocketAddr, Vec<u8>)>,
    segmentation: bool,
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
            queue: Vec::new(),
            segmentation: true,
        })
    }

    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    pub fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// Queue a datagram until [`Udp::flush`].
    pub fn send(&mut self, to: SocketAddr, datagram: Vec<u8>) {
        self.queue.push((to, datagram));
    }

    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Hand all queued datagrams to the kernel.
    ///
    /// Neighbours of one length to one address become one message that the kernel (or the
    /// network card) cuts apart: one walk through the network stack in place of eight.
    pub fn flush(&mut self, counters: &Counters) {
        let queue = std::mem::take(&mut self.queue);
        let mut from = 0;
        while from < queue.len() {
            from += self.send_some(&queue[from..], counters);
        }
        self.queue = queue;
        self.queue.clear();
    }

    /// Send one `sendmmsg` worth from the front; returns how many datagrams are done with.
    fn send_some(&mut self, queue: &[(SocketAddr, Vec<u8>)], counters: &Counters) -> usize {
        let mut runs: Vec<usize> = Vec::with_capacity(SEND_BATCH);
        let mut covered = 0;
        while covered < queue.len() && runs.len() < SEND_BATCH {
            let run = self.run(&queue[covered..]);
            runs.push(run);
            covered += run;
        }
        let names: Vec<SockAddr> = {
            let mut at = 0;
            runs.iter()
                .map(|run| {
                    let name = SockAddr::from(queue[at].0);
                    at += run;
                    name
                })
                .collect()
        };
        let mut vectors: Vec<libc::iovec> = queue[..covered]
            .iter()
            .map(|(_, datagram)| libc::iovec {
                iov_base: datagram.as_ptr().cast_mut().cast(),
                iov_len: datagram.len(),
            })
            .collect();
        let mut controls: Vec<Control> = vec![Control::default(); runs.len()];
        let mut headers: Vec<libc::mmsghdr> = Vec::with_capacity(runs.len());
        let mut at = 0;
        for (i, run) in runs.iter().enumerate() {
            // SAFETY: zeroed is a valid mmsghdr.
            let mut message: libc::mmsghdr = unsafe { MaybeUninit::zeroed().assume_init() };
            let header = &mut message.msg_hdr;
            header.msg_name = names[i].as_ptr().cast_mut().cast();
            header.msg_namelen = names[i].len();
            header.msg_iov = &mut vectors[at];
            header.msg_iovlen = *run as _;
            if *run > 1 {
                controls[i].set_segment(header, queue[at].1.len() as u16);
            }
            headers.push(message);
            at += run;
        }
        // SAFETY: all pointers in `headers` lead into `names`, `vectors`, `controls` and `queue`,
        // which outlive the call; the kernel only reads what they point at.
        let sent = unsafe {
            libc::sendmmsg(
                self.socket.as_raw_fd(),
                headers.as_mut_ptr(),
                headers.len() as u32,
                libc::MSG_DONTWAIT,
            )
        };
        counters.send_calls.add(1);
        if sent > 0 {
            let done: usize = runs[..sent as usize].iter().sum();
            counters.sent_datagrams.add(done as u64);
            return done;
        }
        self.refused(io::Error::last_os_error(), runs[0], counters)
    }

    /// The first message was refused; returns how many datagrams to give up.
    fn refused(&mut self, error: io::Error, run: usize, counters: &Counters) -> usize {
        match error.raw_os_error() {
            Some(libc::EINTR) => 0,
            // No segmentation on this path or card: from now on one by one.
            Some(libc::EIO | libc::EINVAL | libc::EOPNOTSUPP) if run > 1 => {
                self.segmentation = false;
                0
            }
            Some(libc::EAGAIN | libc::ENOBUFS) => {
                // Wait a moment for the queue to drain rather than lose a burst; never longer,
                // because every other viewer waits with us.
                if self.wait_writable(Duration::from_millis(2)) {
                    return 0;
                }
                counters.drops_send_buffer.add(run as u64);
                run
            }
            // An address that cannot be reached concerns its own viewer only.
            _ => {
                counters.errors_send.add(1);
                run
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

    /// How many datagrams from the front go out as one message.
    fn run(&self, queue: &[(SocketAddr, Vec<u8>)]) -> usize {
        let (to, first) = &queue[0];
        if !self.segmentation {
            return 1;
        }
        let mut run = 1;
        while run < queue.len().min(MAX_SEGMENTS) {
            let (next_to, next) = &queue[run];
            if next_to != to || next.len() > first.len() {
                break;
            }
            run += 1;
            // Only the last segment may be shorter.
            if next.len() < first.len() {
                break;
            }
        }
        run
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
