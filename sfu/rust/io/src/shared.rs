//! What all workers and the engine share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::{Instant, SystemTime};

use str0m::config::CryptoProvider;

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
    /// Peers of each worker.
    pub loads: Vec<AtomicUsize>,
    pub sources: AtomicU64,
    pub crypto: Arc<CryptoProvider>,
    /// One moment on both clocks. Taken once, so that a jump of the wall clock moves nothing.
    pub epoch: (Instant, SystemTime),
}

impl Shared {
    /// The wall clock at a moment of ours.
    pub fn wall(&self, at: Instant) -> SystemTime {
        let (instant, wall) = self.epoch;
        wall + at.saturating_duration_since(instant)
    }
}
