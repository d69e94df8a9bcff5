//! The media plane's shell: sockets, threads and str0m around `sluice-media-core`.
//!
//! [`engine::Engine`] is what the outside holds. It answers offers on the caller's thread
//! ([`offer`]) and hands the new peer to a [`worker`], one thread with one UDP port (and the
//! same TCP port). A channel's publisher lives on one worker, its viewers on all of them; a
//! packet is decrypted once, shared between workers ([`feed`]), and numbered, sealed and sent
//! for each viewer by [`egress`]. Workers tell what happened through [`outbox`].

pub mod channel;
pub mod command;
pub mod counters;
pub mod egress;
pub mod engine;
pub mod feed;
pub mod formats;
pub mod histogram;
pub mod keying;
pub mod net;
pub mod numbers;
pub mod offer;
pub mod outbox;
pub mod peer;
pub mod prefetch;
mod priority;
pub mod publisher;
pub mod question;
pub mod settings;
pub mod shared;
pub mod srtp;
pub mod tcp;
pub mod trim;
pub mod udp;
pub mod viewer;
pub mod worker;
