//! The media plane without I/O: bytes and `now` in, decisions out.
//!
//! Nothing here opens a socket, reads a clock or knows of Python, so all of it can be tested
//! with a virtual clock.
#![forbid(unsafe_code)]

pub mod codec;
pub mod depacketize;
