//! How a client reaches the engine: a UDP socket or a framed TCP connection.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use sluice_media_core::framing::{Deframer, frame};
use socket2::{Domain, SockRef, Socket, Type};

pub enum Link {
    Udp(UdpSocket),
    Tcp(TcpStream, SocketAddr, Deframer),
}

impl Link {
    pub fn udp() -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.set_nonblocking(true).expect("a socket");
        // Best effort: room for what arrives while another client has its turn.
        let _ = SockRef::from(&socket).set_recv_buffer_size(4 << 20);
        Link::Udp(socket)
    }

    pub fn tcp(to: SocketAddr) -> Self {
        let stream = TcpStream::connect(to).expect("a listening engine");
        stream.set_nonblocking(true).expect("a socket");
        Link::Tcp(stream, to, Deframer::default())
    }

    /// With a receive buffer of a few packets.
    pub fn narrow_tcp(to: SocketAddr) -> Self {
        let socket = Socket::new(Domain::for_address(to), Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(8192).expect("a socket");
        socket.connect(&to.into()).expect("a listening engine");
        socket.set_nonblocking(true).expect("a socket");
        Link::Tcp(socket.into(), to, Deframer::default())
    }

    pub fn local(&self) -> SocketAddr {
        match self {
            Link::Udp(socket) => socket.local_addr().expect("an address"),
            Link::Tcp(stream, ..) => stream.local_addr().expect("an address"),
        }
    }

    pub fn fd(&self) -> RawFd {
        match self {
            Link::Udp(socket) => socket.as_raw_fd(),
            Link::Tcp(stream, ..) => stream.as_raw_fd(),
        }
    }

    pub fn send(&mut self, datagram: &[u8], to: SocketAddr) {
        match self {
            // A full buffer or an ICMP answer: the network may lose datagrams.
            Link::Udp(socket) => drop(socket.send_to(datagram, to)),
            Link::Tcp(stream, ..) => {
                let mut framed = Vec::new();
                assert!(frame(datagram, &mut framed));
                // The engine may have closed it, which shows at the next read.
                let _ = stream.write_all(&framed);
            }
        }
    }

    /// Datagrams that wait, with their sources. None when the connection has ended.
    pub fn receive(&mut self) -> Option<Vec<(SocketAddr, Vec<u8>)>> {
        let mut buffer = [0; 16 * 1024];
        let mut datagrams = Vec::new();
        loop {
            match self {
                Link::Udp(socket) => match socket.recv_from(&mut buffer) {
                    Ok((length, source)) => datagrams.push((source, buffer[..length].to_vec())),
                    Err(_) => return Some(datagrams),
                },
                Link::Tcp(stream, source, deframer) => {
                    match stream.read(&mut buffer) {
                        Ok(0) => return None,
                        Ok(length) => deframer.push(&buffer[..length]),
                        Err(error) if error.kind() == ErrorKind::WouldBlock => {
                            return Some(datagrams);
                        }
                        Err(_) => return None,
                    }
                    while let Some(datagram) = deframer.next_frame().expect("good framing") {
                        datagrams.push((*source, datagram.to_vec()));
                    }
                }
            }
        }
    }
}

pub fn pollfd(fd: RawFd) -> libc::pollfd {
    libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    }
}

/// Wait until one of these can be read; true when one can.
pub fn wait(fds: &mut [libc::pollfd], limit: Duration) -> bool {
    // SAFETY: a slice of valid entries with its own length.
    unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as _, limit.as_millis() as i32) > 0 }
}
