//! The media plane without I/O: bytes and `now` in, decisions out.
//!
//! Nothing here opens a socket, reads a clock or knows of Python, so all of it can be tested
//! with a virtual clock. The loop that drives it lives in the crate `io`:
//!
//! 1. a datagram is sorted by [`demux`] and finds its peer in [`routes`], which is sent to
//!    on the path that it has [`chosen`] by its [`checks`];
//! 2. a publisher's packet enters its [`broadcast`], which measures its [`rate`], keeps the last group
//!    of pictures ([`gop`]) and knows when a keyframe must be asked for ([`keyframes`]);
//! 3. each viewer's [`downlink`] says which [`rung`] fits, and its [`forward::Forwarder`] under
//!    which number and time it goes out; of a stream with layers inside, its [`cut`] says what
//!    goes out at all ([`svc`]) and closes the gaps ([`renumber`]);
//! 4. what is resent comes from the layer's [`ring`], and no number is used twice ([`once`]);
//! 5. [`header`], [`rtcp`] and for sound [`red`] are what goes over the wire;
//! 6. where somebody reads the stream, [`depacketize`] makes access units of it.
#![forbid(unsafe_code)]

pub mod allowance;
mod basis;
pub mod broadcast;
pub mod capture;
pub mod checks;
pub mod chosen;
pub mod codec;
pub mod cut;
pub mod deadlines;
pub mod demux;
pub mod depacketize;
pub mod downlink;
pub mod forward;
pub mod framing;
pub mod gop;
pub mod header;
pub mod keyframes;
pub mod once;
pub mod packet;
pub mod rate;
pub mod red;
pub mod renumber;
pub mod ring;
pub mod routes;
pub mod rtcp;
pub mod rung;
pub mod svc;
