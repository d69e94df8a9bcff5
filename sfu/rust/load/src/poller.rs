//! epoll, and an eventfd to wake it from another thread.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

/// The token that [`Poller::wait`] reports for a wake-up.
pub(crate) const WAKE: u64 = u64::MAX;

/// Waits for readable sockets, level-triggered.
pub(crate) struct Poller {
    epoll: OwnedFd,
    events: Vec<libc::epoll_event>,
    waker: Waker,
}

/// Ends a [`Poller::wait`] early; cheap to clone.
#[derive(Clone)]
pub(crate) struct Waker(Arc<OwnedFd>);

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: both calls take no pointers; `owned` takes the new descriptors over.
        let epoll = owned(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        let flags = libc::EFD_CLOEXEC | libc::EFD_NONBLOCK;
        // SAFETY: as above.
        let eventfd = owned(unsafe { libc::eventfd(0, flags) })?;
        let waker = Waker(Arc::new(eventfd));
        let poller = Self {
            epoll,
            events: vec![libc::epoll_event { events: 0, u64: 0 }; 256],
            waker,
        };
        poller.add(&*poller.waker.0, WAKE)?;
        Ok(poller)
    }

    /// Report `token` while `source` is readable. Closing the source ends it.
    pub(crate) fn add(&self, source: &impl AsRawFd, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: libc::EPOLLIN as u32,
            u64: token,
        };
        let (epoll, fd) = (self.epoll.as_raw_fd(), source.as_raw_fd());
        // SAFETY: both descriptors are open and `event` lives until the call returns.
        match unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &mut event) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Wait at most `patience` (rounded up to a millisecond) and put the tokens into `ready`.
    pub(crate) fn wait(&mut self, patience: Duration, ready: &mut Vec<u64>) -> io::Result<()> {
        ready.clear();
        let ms = patience.as_nanos().div_ceil(1_000_000).min(60_000) as i32;
        let capacity = self.events.len() as i32;
        // SAFETY: the kernel writes at most `capacity` events into the vector.
        let count = unsafe {
            libc::epoll_wait(
                self.epoll.as_raw_fd(),
                self.events.as_mut_ptr(),
                capacity,
                ms,
            )
        };
        if count < 0 {
            let error = io::Error::last_os_error();
            return if error.kind() == io::ErrorKind::Interrupted {
                Ok(())
            } else {
                Err(error)
            };
        }
        for event in &self.events[..count as usize] {
            ready.push(event.u64);
            if event.u64 == WAKE {
                self.waker.clear();
            }
        }
        Ok(())
    }

    pub(crate) fn waker(&self) -> Waker {
        self.waker.clone()
    }
}

impl Waker {
    pub(crate) fn wake(&self) {
        let one = 1_u64.to_ne_bytes();
        // SAFETY: eight readable bytes. It fails only when the counter is full: then it is awake.
        unsafe { libc::write(self.0.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    fn clear(&self) {
        let mut count = [0_u8; 8];
        // SAFETY: eight writable bytes. It fails only when nobody woke us: then it is clear.
        unsafe { libc::read(self.0.as_raw_fd(), count.as_mut_ptr().cast(), count.len()) };
    }
}

fn owned(fd: i32) -> io::Result<OwnedFd> {
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a new descriptor that nobody else owns.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;

    #[test]
    fn a_wake_is_reported_once() {
        let mut poller = Poller::new().expect("epoll");
        let mut ready = Vec::new();
        poller.waker().wake();
        poller.waker().wake();
        poller
            .wait(Duration::from_secs(10), &mut ready)
            .expect("wait");
        assert_eq!(ready, [WAKE]);
        poller.wait(Duration::ZERO, &mut ready).expect("wait");
        assert!(ready.is_empty());
    }

    #[test]
    fn a_readable_socket_is_reported_until_it_closes() {
        let mut poller = Poller::new().expect("epoll");
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        poller.add(&socket, 7).expect("add");
        let address = socket.local_addr().expect("an address");
        socket.send_to(b"x", address).expect("send");
        let mut ready = Vec::new();
        poller
            .wait(Duration::from_secs(10), &mut ready)
            .expect("wait");
        assert_eq!(ready, [7]);
        drop(socket);
        poller.wait(Duration::ZERO, &mut ready).expect("wait");
        assert!(ready.is_empty());
    }
}
