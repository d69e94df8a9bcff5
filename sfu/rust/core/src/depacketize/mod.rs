//! RTP payloads to access units, for readers that need whole pictures (bridge, recorder).
//!
//! Push every packet of one stream into an [`Assembler`] in the order of arrival; complete units
//! come out in decode order:
//!
//! ```
//! use sluice_media_core::codec::Codec;
//! use sluice_media_core::depacketize::{Assembler, Limits, Payload};
//!
//! let mut assembler = Assembler::new(Codec::Opus, Limits::default());
//! let mut units = Vec::new();
//! assembler.push(Payload { seq: 7, time: 960, marker: false, bytes: &[0xfc, 1, 2] }, &mut units);
//! assert_eq!(units[0].payload, [0xfc, 1, 2]);
//! ```

mod assembler;
mod av1;
mod bits;
mod h264;
mod h265;
mod keyframe;
mod layer;
mod nal;
mod opus;
mod reorder;
mod size;
mod sps;
mod unpack;
mod vp8;
mod vp9;

pub use assembler::{Assembler, Counters};
pub use keyframe::starts_keyframe;
pub use layer::{Layer, SwitchUp, layer_of};
pub use size::picture_size;
pub use vp8::{Vp8Ids, rewrite_vp8_ids, vp8_ids};

/// One RTP packet without its header.
#[derive(Clone, Copy, Debug)]
pub struct Payload<'a> {
    /// Extended sequence number: never wraps.
    pub seq: u64,
    /// Unwrapped RTP time in ticks of the codec's clock.
    pub time: u64,
    pub marker: bool,
    /// The payload without padding. Empty for a packet of padding only: push it all the same,
    /// because it fills its place in the sequence.
    pub bytes: &'a [u8],
}

/// One coded picture, or one audio packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Unwrapped RTP time in ticks of the codec's clock.
    pub time: u64,
    /// A decoder can start here. Always true for audio.
    pub keyframe: bool,
    /// H264 and H265: Annex B with 4-byte start codes. VP8: the frame. VP9: the frame, or a
    /// superframe when the picture has spatial layers. AV1: OBUs with size fields, without
    /// temporal delimiter. Opus: the packet.
    pub payload: Vec<u8>,
}

/// What an [`Assembler`] holds at most. A hole in the sequence is given up when either side of
/// the window is full.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Reorder window in packets, from the hole to the newest packet.
    pub window_packets: u64,
    /// Reorder window in milliseconds of RTP time, from the first packet after the hole.
    pub window_ms: u64,
    /// The largest unit in bytes; also the most bytes that the reorder window holds.
    pub unit_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            window_packets: 512,
            window_ms: 400,
            unit_bytes: 4 << 20,
        }
    }
}
