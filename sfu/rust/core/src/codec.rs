//! The codecs that Sluice forwards.

/// A codec, whatever its profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    H264,
    H265,
    Vp8,
    Vp9,
    Av1,
    Opus,
}

impl Codec {
    /// The name in SDP, in lower case; the same word that Python uses.
    pub fn name(self) -> &'static str {
        match self {
            Codec::H264 => "h264",
            Codec::H265 => "h265",
            Codec::Vp8 => "vp8",
            Codec::Vp9 => "vp9",
            Codec::Av1 => "av1",
            Codec::Opus => "opus",
        }
    }

    pub fn is_audio(self) -> bool {
        self == Codec::Opus
    }

    /// RTP clock rate in Hz (RFC 6184, 7798, 7741, 9628, 7587).
    pub fn clock_rate(self) -> u32 {
        if self.is_audio() { 48_000 } else { 90_000 }
    }
}
