//! A load client: many WebRTC viewers (WHEP) and a synthetic publisher (WHIP) in one process.
//!
//! It is built so that the server is the bottleneck and the figures are the server's own:
//!
//! - one thread drains every viewer's own UDP socket in batches; each viewer has a socket of its
//!   own because a 5-tuple carries one DTLS session only,
//! - loss is read from the RTP header, which SRTP leaves in the clear; only every
//!   `verify_every`-th viewer is also decrypted (and then checked, timed and answered with RTCP),
//! - arrival times come from the kernel, so a busy client does not look like a slow server,
//! - packets the kernel dropped at a full client socket are told apart from lost ones.
//!
//! Signalling is not here: [`LoadViewers`] makes offers and takes answers, the caller carries
//! them to any WHIP or WHEP server.

mod client;
mod config;
mod driver;
mod header;
mod histogram;
mod keyframe;
mod layers;
mod loss;
mod peer;
mod poller;
mod publisher;
mod report;
mod sequence;
mod socket;
mod stamp;
mod streams;
mod synth;
mod system;
mod tally;
mod viewer;
mod wish;

pub use client::{LoadViewers, PublisherIndex, ViewerIndex};
pub use config::{LoadConfig, PublisherConfig};
pub use report::{LatencySummary, LoadReport, PublisherReport, StreamTotals};
