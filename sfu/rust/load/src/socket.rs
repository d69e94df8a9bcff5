//! UDP sockets that hand over many datagrams a call, with the kernel's time of arrival.

use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};

use libc::{c_int, c_void, iovec, mmsghdr, sockaddr_storage};

/// Datagrams (or GRO trains of datagrams) taken by one call.
const BATCH: usize = 32;
/// One datagram; longer ones are cut and then dropped as malformed.
const PLAIN_BYTES: usize = 2048;
/// One GRO train.
const TRAIN_BYTES: usize = 65_536;
/// Room for a timestamp and a segment size, each with its header.
const CONTROL_WORDS: usize = 16;

/// Bind a non-blocking socket to a free port of `bind`.
///
/// The receive buffer may stay smaller than asked for where the process lacks CAP_NET_ADMIN;
/// [`kernel_drops`] tells whether that did harm.
pub(crate) fn open(bind: IpAddr, receive_buffer: usize) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind((bind, 0))?;
    socket.set_nonblocking(true)?;
    let size = receive_buffer.min(c_int::MAX as usize) as c_int;
    let fd = socket.as_raw_fd();
    if set_option(fd, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, size).is_err() {
        set_option(fd, libc::SOL_SOCKET, libc::SO_RCVBUF, size)?;
    }
    Ok(socket)
}

/// Ask for arrival times and, if `gro`, for trains of datagrams.
pub(crate) fn prepare_batches(socket: &UdpSocket, gro: bool) -> io::Result<()> {
    let fd = socket.as_raw_fd();
    set_option(fd, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)?;
    if gro {
        set_option(fd, libc::SOL_UDP, libc::UDP_GRO, 1)?;
    }
    Ok(())
}

/// Datagrams that the kernel threw away because the socket's buffer was full.
pub(crate) fn kernel_drops(socket: &UdpSocket) -> u64 {
    const SO_MEMINFO: c_int = 55;
    const DROPS: usize = 8;
    let mut info = [0_u32; 9];
    let mut length = mem::size_of_val(&info) as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes into `info`.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            SO_MEMINFO,
            info.as_mut_ptr().cast::<c_void>(),
            &mut length,
        )
    };
    if result == 0 {
        u64::from(info[DROPS])
    } else {
        0
    }
}

/// One received datagram.
pub(crate) struct Datagram<'a> {
    pub(crate) source: SocketAddr,
    pub(crate) bytes: &'a [u8],
    /// `CLOCK_REALTIME` in nanoseconds when it reached this host's UDP; 0 when not known.
    pub(crate) arrived_ns: u64,
}

/// Buffers for [`BATCH`] receives, used for every socket in turn.
pub(crate) struct Batch {
    size: usize,
    bytes: Vec<u8>,
    names: Vec<sockaddr_storage>,
    controls: Vec<[u64; CONTROL_WORDS]>,
    vectors: Vec<iovec>,
    headers: Vec<mmsghdr>,
    filled: usize,
}

impl Batch {
    pub(crate) fn new(gro: bool) -> Self {
        let size = if gro { TRAIN_BYTES } else { PLAIN_BYTES };
        // SAFETY: all three are plain C structs for which zero bytes are a valid value.
        let (name, vector, header) = unsafe { (mem::zeroed(), mem::zeroed(), mem::zeroed()) };
        Self {
            size,
            bytes: vec![0; size * BATCH],
            names: vec![name; BATCH],
            controls: vec![[0; CONTROL_WORDS]; BATCH],
            vectors: vec![vector; BATCH],
            headers: vec![header; BATCH],
            filled: 0,
        }
    }

    /// A stand-in without buffers: it receives nothing.
    pub(crate) fn empty() -> Self {
        Self {
            size: 0,
            bytes: Vec::new(),
            names: Vec::new(),
            controls: Vec::new(),
            vectors: Vec::new(),
            headers: Vec::new(),
            filled: 0,
        }
    }

    /// Take what waits at the socket. False when nothing did; true when there may be more.
    pub(crate) fn receive(&mut self, socket: &UdpSocket) -> io::Result<bool> {
        for slot in 0..self.headers.len() {
            self.vectors[slot].iov_base = self.bytes[slot * self.size..].as_mut_ptr().cast();
            self.vectors[slot].iov_len = self.size;
            let header = &mut self.headers[slot].msg_hdr;
            header.msg_name = (&raw mut self.names[slot]).cast();
            header.msg_namelen = mem::size_of::<sockaddr_storage>() as libc::socklen_t;
            header.msg_iov = &raw mut self.vectors[slot];
            header.msg_iovlen = 1;
            header.msg_control = self.controls[slot].as_mut_ptr().cast();
            header.msg_controllen = mem::size_of::<[u64; CONTROL_WORDS]>();
            header.msg_flags = 0;
        }
        self.filled = 0;
        // SAFETY: every header points to live buffers of the lengths it names, set just above;
        // they are not touched before the call returns.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                self.headers.len() as u32,
                libc::MSG_DONTWAIT as _,
                std::ptr::null_mut(),
            )
        };
        if count < 0 {
            let error = io::Error::last_os_error();
            return match error.kind() {
                // Refused: an ICMP answer to an earlier send; the socket is still good.
                io::ErrorKind::WouldBlock
                | io::ErrorKind::Interrupted
                | io::ErrorKind::ConnectionRefused => Ok(false),
                _ => Err(error),
            };
        }
        self.filled = count as usize;
        Ok(self.filled == self.headers.len() && self.filled > 0)
    }

    /// The datagrams of the last [`Batch::receive`], trains already cut.
    pub(crate) fn datagrams(&self) -> impl Iterator<Item = Datagram<'_>> {
        (0..self.filled).flat_map(move |slot| self.train(slot))
    }

    fn train(&self, slot: usize) -> impl Iterator<Item = Datagram<'_>> {
        let length = (self.headers[slot].msg_len as usize).min(self.size);
        let (arrived_ns, segment) = control(&self.headers[slot].msg_hdr);
        let segment = if segment == 0 { length.max(1) } else { segment };
        let source = address(&self.names[slot]);
        self.bytes[slot * self.size..][..length]
            .chunks(segment)
            .filter_map(move |bytes| {
                source.map(|source| Datagram {
                    source,
                    bytes,
                    arrived_ns,
                })
            })
    }
}

/// The arrival time in nanoseconds and the GRO segment size; 0 where there is none.
fn control(header: &libc::msghdr) -> (u64, usize) {
    let (mut arrived_ns, mut segment) = (0, 0);
    // SAFETY: the kernel filled `msg_control` and `msg_controllen`; the CMSG functions walk just
    // that space, and each value is read with the size its type has in the kernel's interface.
    unsafe {
        let mut entry = libc::CMSG_FIRSTHDR(header);
        while !entry.is_null() {
            let data = libc::CMSG_DATA(entry);
            match ((*entry).cmsg_level, (*entry).cmsg_type) {
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                    let time = data.cast::<libc::timespec>().read_unaligned();
                    arrived_ns = time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64;
                }
                (libc::SOL_UDP, libc::UDP_GRO) => {
                    segment = data.cast::<c_int>().read_unaligned().max(0) as usize;
                }
                _ => {}
            }
            entry = libc::CMSG_NXTHDR(header, entry);
        }
    }
    (arrived_ns, segment)
}

fn address(name: &sockaddr_storage) -> Option<SocketAddr> {
    match c_int::from(name.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says that this is a sockaddr_in, and storage is large enough.
            let v4 = unsafe { (&raw const *name).cast::<libc::sockaddr_in>().read() };
            let ip = Ipv4Addr::from(u32::from_be(v4.sin_addr.s_addr));
            Some(SocketAddr::from((ip, u16::from_be(v4.sin_port))))
        }
        libc::AF_INET6 => {
            // SAFETY: as above, for sockaddr_in6.
            let v6 = unsafe { (&raw const *name).cast::<libc::sockaddr_in6>().read() };
            let ip = Ipv6Addr::from(v6.sin6_addr.s6_addr);
            Some(SocketAddr::from((ip, u16::from_be(v6.sin6_port))))
        }
        _ => None,
    }
}

fn set_option(fd: RawFd, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
    // SAFETY: `value` is a live c_int and its true size is given.
    let result = unsafe {
        libc::setsockopt(
            fd,
            level,
            name,
            (&raw const value).cast::<c_void>(),
            mem::size_of::<c_int>() as libc::socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system;

    fn pair(gro: bool) -> (UdpSocket, UdpSocket, Batch) {
        let receiver = open(IpAddr::V4(Ipv4Addr::LOCALHOST), 1 << 20).expect("a socket");
        prepare_batches(&receiver, gro).expect("options");
        let sender = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        sender
            .connect(receiver.local_addr().expect("an address"))
            .expect("connect");
        (receiver, sender, Batch::new(gro))
    }

    #[test]
    fn a_batch_holds_all_waiting_datagrams_with_source_and_time() {
        let (receiver, sender, mut batch) = pair(false);
        let before = system::monotonic_ns() + system::realtime_offset_ns();
        for number in 0..3_u8 {
            sender.send(&[number; 100]).expect("send");
        }
        assert!(!batch.receive(&receiver).expect("receive"));
        let taken: Vec<_> = batch.datagrams().collect();
        assert_eq!(taken.len(), 3);
        for (number, datagram) in taken.iter().enumerate() {
            assert_eq!(datagram.bytes, [number as u8; 100]);
            assert_eq!(Some(datagram.source), sender.local_addr().ok());
            assert!(datagram.arrived_ns + 1_000_000_000 > before);
        }
        assert!(!batch.receive(&receiver).expect("receive"));
        assert_eq!(batch.datagrams().count(), 0);
    }

    #[test]
    fn a_gso_burst_is_cut_into_its_datagrams() {
        let (receiver, sender, mut batch) = pair(true);
        set_option(sender.as_raw_fd(), libc::SOL_UDP, libc::UDP_SEGMENT, 100).expect("GSO");
        let burst: Vec<u8> = (0..250).map(|at| (at / 100) as u8).collect();
        sender.send(&burst).expect("send");
        batch.receive(&receiver).expect("receive");
        let lengths: Vec<_> = batch
            .datagrams()
            .map(|d| (d.bytes[0], d.bytes.len()))
            .collect();
        assert_eq!(lengths, [(0, 100), (1, 100), (2, 50)]);
    }

    #[test]
    fn what_the_kernel_drops_at_a_full_socket_is_known() {
        let receiver = open(IpAddr::V4(Ipv4Addr::LOCALHOST), 4096).expect("a socket");
        let sender = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        sender
            .connect(receiver.local_addr().expect("an address"))
            .expect("connect");
        assert_eq!(kernel_drops(&receiver), 0);
        for _ in 0..50 {
            sender.send(&[0; 1200]).expect("send");
        }
        assert!(kernel_drops(&receiver) > 0);
    }
}
