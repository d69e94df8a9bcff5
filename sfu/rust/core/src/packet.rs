//! One RTP packet of a publisher, as all viewers share it.

use std::sync::Arc;
use std::time::Instant;

use crate::codec::Codec;
use crate::depacketize::{Layer, Vp8Ids};

/// One encoding of one publisher. Never used again, so a packet that comes late cannot be
/// mistaken for one of the publisher who took over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u64);

/// What rides in RTP header extensions and belongs to the picture or sound itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extras {
    /// Video orientation, degrees clockwise / 90 (3GPP TS 26.114 CVO). Phones turn.
    pub quarter_turns: Option<u8>,
    /// Audio level in -dBov and the voice flag (RFC 6464).
    pub audio_level: Option<(i8, bool)>,
}

/// A packet whose payload is forwarded untouched.
#[derive(Clone, Debug)]
pub struct Packet {
    pub source: SourceId,
    pub codec: Codec,
    /// RTP sequence number without wrap-around.
    pub seq: u64,
    /// RTP time in the codec's clock, without wrap-around.
    pub time: u64,
    pub marker: bool,
    /// A decoder can start with the picture that begins in this packet.
    pub keyframe_start: bool,
    /// When it was captured, on our clock, as well as that is known.
    pub captured: Instant,
    pub arrived: Instant,
    pub extras: Extras,
    /// Present for VP8 with picture ids (RFC 7741), which must stay gapless for a viewer.
    pub vp8: Option<Vp8Ids>,
    /// Its place among the layers inside its encoding. None where the stream has none, or its
    /// payload does not tell (AV1 does so in a header extension).
    pub layer: Option<Layer>,
    /// Where the newest sound begins in the payload. 0 unless earlier ones lie before it (RFC 2198).
    pub newest: usize,
    pub payload: Arc<[u8]>,
}

impl Packet {
    /// The payload without the earlier sounds that it carries along.
    pub fn newest(&self) -> &[u8] {
        &self.payload[self.newest..]
    }
}
