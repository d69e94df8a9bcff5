//! What all workers and the engine share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::{Instant, SystemTime};

use crate::counters::Counters;
use crate::outbox::Outbox;
use crate::settings::Settings;

/// What all workers and the engine share.
pub struct Shared {
    pub settings: Settings,
    pub counters: Arc<Counters>,
    pub outbox: Outbox,
    pub peers: AtomicUsize,
    pub half_open: AtomicUsize,
    pub sources: AtomicU64,
    /// One moment on both clocks. Taken once, so that a jump of the wall clock moves nothing.
    pub epoch: (Instant, SystemTime),
}
