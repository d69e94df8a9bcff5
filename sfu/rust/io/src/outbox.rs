//! From the media threads to Python: events and access units, behind one eventfd.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use sluice_media_core::codec::Codec;

use crate::counters::Counters;

/// Events that may be dropped are, beyond this many unread ones.
const MAX_EVENTS: usize = 2_048;

/// Why a peer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    Removed,
    Replaced,
    Left,
    Timeout,
    Failed,
    Stopped,
}

impl CloseReason {
    pub fn name(self) -> &'static str {
        match self {
            CloseReason::Removed => "removed",
            CloseReason::Replaced => "replaced",
            CloseReason::Left => "left",
            CloseReason::Timeout => "timeout",
            CloseReason::Failed => "failed",
            CloseReason::Stopped => "stopped",
        }
    }
}

/// One encoding of a publisher, as Python sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    pub rid: String,
    pub codec: Codec,
    pub bitrate: u64,
    pub width: u16,
    pub height: u16,
    pub active: bool,
}

/// What happened. The same nouns as in `sfu/engine.py`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    PeerConnected {
        peer: u64,
    },
    PeerClosed {
        peer: u64,
        reason: CloseReason,
        detail: String,
    },
    LayersChanged {
        channel: String,
        layers: Vec<Layer>,
    },
    MediaStarted {
        channel: String,
        peer: u64,
    },
    MediaStalled {
        channel: String,
    },
    MediaResumed {
        channel: String,
    },
    /// A viewer is sent another encoding from now on; None: sound only.
    LayerSwitched {
        peer: u64,
        rid: Option<String>,
    },
    DataMessage {
        peer: u64,
        label: String,
        payload: Vec<u8>,
        binary: bool,
    },
}

impl Event {
    /// Losing one of these would leave Python with a wrong picture of who is there for ever.
    /// Their number is bounded by the number of peers and channels.
    fn must_arrive(&self) -> bool {
        !matches!(
            self,
            Event::DataMessage { .. } | Event::LayerSwitched { .. }
        )
    }
}

/// An access unit on its way to Python.
#[derive(Clone, Debug)]
pub struct Unit {
    /// The peer that sent it.
    pub publisher: u64,
    pub codec: Codec,
    pub layer: String,
    pub keyframe: bool,
    /// Milliseconds since the Unix epoch.
    pub captured_ms: i64,
    pub rtp_time: u64,
    pub payload: Arc<[u8]>,
}

#[derive(Debug)]
struct TapQueue {
    units: VecDeque<Unit>,
    limit: usize,
    dropped: u64,
}

/// The queues and their wake-up.
#[derive(Debug)]
pub struct Outbox {
    events: Mutex<VecDeque<Event>>,
    taps: Mutex<HashMap<u64, TapQueue>>,
    counters: Arc<Counters>,
    wake: OwnedFd,
    /// The eventfd is signalled and not yet read: one wake-up is enough for any number of events.
    signalled: AtomicBool,
}

/// A batch of one tap.
#[derive(Debug)]
pub struct TapBatch {
    pub tap: u64,
    pub dropped: u64,
    pub units: Vec<Unit>,
}

impl Outbox {
    pub fn new(counters: Arc<Counters>) -> io::Result<Self> {
        // SAFETY: eventfd takes no pointers; a valid descriptor is owned from here on.
        let wake = unsafe {
            let fd = libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK);
            if fd < 0 {
                return Err(io::Error::last_os_error());
            }
            OwnedFd::from_raw_fd(fd)
        };
        Ok(Outbox {
            events: Mutex::default(),
            taps: Mutex::default(),
            counters,
            wake,
            signalled: AtomicBool::new(false),
        })
    }

    /// The eventfd to watch for reading.
    pub fn fd(&self) -> RawFd {
        self.wake.as_raw_fd()
    }

    pub fn event(&self, event: Event) {
        {
            let mut events = lock(&self.events);
            if events.len() >= MAX_EVENTS && !event.must_arrive() {
                self.counters.drops_events.add(1);
                return;
            }
            events.push_back(event);
        }
        self.signal();
    }

    /// Put a unit into each of these taps' queues; a full queue loses its oldest.
    pub fn unit(&self, taps: &[u64], unit: &Unit) {
        {
            let mut queues = lock(&self.taps);
            for tap in taps {
                let Some(queue) = queues.get_mut(tap) else {
                    continue;
                };
                if queue.units.len() >= queue.limit {
                    queue.units.pop_front();
                    queue.dropped += 1;
                    self.counters.drops_tapped_units.add(1);
                }
                queue.units.push_back(unit.clone());
            }
        }
        self.signal();
    }

    pub fn open_tap(&self, tap: u64, limit: usize) {
        let queue = TapQueue {
            units: VecDeque::new(),
            limit: limit.max(1),
            dropped: 0,
        };
        lock(&self.taps).insert(tap, queue);
    }

    pub fn close_tap(&self, tap: u64) {
        lock(&self.taps).remove(&tap);
    }

    /// Take everything that waits. Clears the eventfd first, so nothing is missed.
    pub fn drain(&self) -> (Vec<Event>, Vec<TapBatch>) {
        let mut count = 0u64;
        // SAFETY: reads eight bytes into `count`, which is eight bytes long.
        unsafe {
            libc::read(self.fd(), std::ptr::from_mut(&mut count).cast(), 8);
        }
        self.signalled.store(false, Ordering::SeqCst);
        let events = lock(&self.events).drain(..).collect();
        let batches = lock(&self.taps)
            .iter_mut()
            .filter(|(_, queue)| !queue.units.is_empty())
            .map(|(tap, queue)| TapBatch {
                tap: *tap,
                dropped: queue.dropped,
                units: queue.units.drain(..).collect(),
            })
            .collect();
        (events, batches)
    }

    /// Events that wait.
    pub fn depth(&self) -> usize {
        lock(&self.events).len()
    }

    fn signal(&self) {
        if self.signalled.swap(true, Ordering::SeqCst) {
            return;
        }
        let one = 1u64;
        // SAFETY: writes eight bytes from `one`. A full counter cannot happen: it is one at most.
        unsafe {
            libc::write(self.fd(), std::ptr::from_ref(&one).cast(), 8);
        }
    }
}

/// A panic while the lock was held leaves a queue that is still a queue.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}
