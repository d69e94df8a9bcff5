//! The media plane without I/O: bytes and `now` in, decisions out.
//!
//! Nothing here opens a socket, reads a clock or knows of Python, so all of it can be tested
//! with a virtual clock. The loop that drives it lives in the crate `io`:
//!
//! 1. a datagram is sorted by [`demux`] and finds its peer in [`routes`];
//! 2. a publisher's packet enters its [`broadcast`], which keeps the last group of pictures
//!    ([`gop`]) and knows when a keyframe must be asked for ([`keyframes`]);
//! 3. each viewer's [`forward::Forwarder`] says under which number and time it goes out,
//!    and its [`downlink`] which layer fits;
//! 4. where somebody reads the stream, [`depacketize`] makes access units of it.
#![forbid(unsafe_code)]

pub mod allowance;
pub mod broadcast;
pub mod capture;
pub mod codec;
pub mod deadlines;
pub mod demux;
pub mod depacketize;
pub mod downlink;
pub mod forward;
pub mod framing;
pub mod gop;
pub mod keyframes;
pub mod packet;
pub mod routes;
