//! What workers tell each other about a channel whose peers they share.
//!
//! A channel's publisher and readers live on its home worker, its viewers on any. The home
//! worker receives and decrypts each packet once; the others get it behind an `Arc`, a burst at
//! a time, and keep their own copy of the broadcast's state from what they are told here.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_channel::{Receiver, Sender, unbounded};
use polling::Poller;
use sluice_media_core::codec::Codec;
use sluice_media_core::packet::{Packet, SourceId};
use sluice_media_core::rate::Steady;
use str0m::format::CodecSpec;

/// Bursts that may wait for one worker: a second of a busy channel. A worker that is further
/// behind has more to send than it can.
const MAX_BURSTS: usize = 256;

/// An encoding that the publisher began to send.
#[derive(Clone, Debug)]
pub struct Started {
    pub source: SourceId,
    pub rid: String,
    pub spec: CodecSpec,
    pub codec: Codec,
    /// The one that it takes the place of.
    pub replaces: Option<SourceId>,
    /// As home measured it; nothing of one that is new.
    pub steady: Steady,
}

/// Which encodings a worker's viewers may come to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Somebody's is chosen by bandwidth, and bandwidth may grow.
    Any,
    /// Everybody asked for one of these.
    Only(Vec<SourceId>),
}

/// One message, about one channel.
#[derive(Clone, Debug)]
pub enum Feed {
    /// To home: this worker has viewers of the channel now.
    Subscribe { channel: Arc<str>, worker: usize },
    /// To home: it has none any more.
    Unsubscribe { channel: Arc<str>, worker: usize },
    /// To home: a viewer cannot decode this source without a keyframe.
    Keyframe { channel: Arc<str>, source: SourceId },
    /// To home: what the viewers here may come to watch.
    Demand {
        channel: Arc<str>,
        worker: usize,
        demand: Demand,
    },
    /// From home: an encoding began.
    Started { channel: Arc<str>, started: Started },
    /// From home: packets that were sent before the worker subscribed.
    Kept {
        channel: Arc<str>,
        packets: Vec<Arc<Packet>>,
    },
    /// From home: packets to forward now.
    Burst {
        channel: Arc<str>,
        packets: Arc<[Arc<Packet>]>,
    },
    /// From home: the publisher is gone.
    Cleared { channel: Arc<str> },
}

/// The way to one worker.
#[derive(Clone)]
pub struct FeedSender {
    queue: Sender<Feed>,
    bursts: Arc<AtomicUsize>,
    poller: Arc<Poller>,
}

/// A worker's own end.
pub struct FeedReceiver {
    queue: Receiver<Feed>,
    bursts: Arc<AtomicUsize>,
}

/// A worker's queue.
pub fn queue(poller: Arc<Poller>) -> (FeedSender, FeedReceiver) {
    let (sender, receiver) = unbounded();
    let bursts = Arc::new(AtomicUsize::new(0));
    (
        FeedSender {
            queue: sender,
            bursts: Arc::clone(&bursts),
            poller,
        },
        FeedReceiver {
            queue: receiver,
            bursts,
        },
    )
}

impl FeedSender {
    /// Send and wake the worker. False when its queue is full (bursts only).
    pub fn send(&self, feed: Feed) -> bool {
        if matches!(feed, Feed::Burst { .. })
            && self.bursts.fetch_add(1, Ordering::Relaxed) >= MAX_BURSTS
        {
            self.bursts.fetch_sub(1, Ordering::Relaxed);
            return false;
        }
        // It fails only when the worker has ended, and then nobody misses it.
        let sent = self.queue.send(feed).is_ok();
        let _ = self.poller.notify();
        sent
    }
}

impl FeedReceiver {
    pub fn next(&self) -> Option<Feed> {
        let feed = self.queue.try_recv().ok()?;
        if matches!(feed, Feed::Burst { .. }) {
            self.bursts.fetch_sub(1, Ordering::Relaxed);
        }
        Some(feed)
    }
}

/// The worker of a channel's publisher and readers, of `count`.
pub fn home(channel: &str, count: usize) -> usize {
    // FNV-1a: spreads names well, and the same name always goes to the same place.
    let hash = channel
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    (hash % count as u64) as usize
}
