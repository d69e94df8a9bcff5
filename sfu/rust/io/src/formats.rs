//! Which codecs an offer names, and what we make of them.

use std::collections::HashMap;

use sluice_media_core::codec::Codec;
use str0m::format::{Codec as RtcCodec, CodecConfig, FormatParams};
use str0m::media::Frequency;

use crate::offer::OfferError;

/// The names and the parameters of an offer's payload types.
pub struct Offered<'a> {
    names: Vec<(u8, &'a str)>,
    params: HashMap<u8, &'a str>,
}

impl<'a> Offered<'a> {
    pub fn read(offer: &'a str) -> Result<Self, OfferError> {
        let mut names = Vec::new();
        let mut params = HashMap::new();
        for line in offer.lines() {
            if let Some(value) = line.strip_prefix("a=rtpmap:") {
                names.push(payload_type(line, value)?);
            } else if let Some(value) = line.strip_prefix("a=fmtp:") {
                let (pt, rest) = payload_type(line, value)?;
                params.insert(pt, rest);
            }
        }
        Ok(Offered { names, params })
    }

    /// Our side's codecs are the offer's own, profile by profile: what a publisher sends we
    /// forward untouched whatever its profile, and a viewer is answered nothing that it did not
    /// offer. That includes the `useinbandfec` of Opus: its packets carry what repairs a loss
    /// inside, so nothing else needs to be done for it.
    pub fn config(&self) -> CodecConfig {
        let mut formats = CodecConfig::empty();
        let resend_of = |pt: u8| {
            self.names.iter().find_map(|(rtx, name)| {
                let apt = self.params.get(rtx)?.strip_prefix("apt=")?;
                let is_rtx = name.len() > 4 && name[..4].eq_ignore_ascii_case("rtx/");
                (is_rtx && apt.trim().parse() == Ok(pt)).then_some(*rtx)
            })
        };
        let redundant = self.redundant();
        let mut seen = Vec::new();
        for (pt, name) in &self.names {
            let Some((codec, channels)) = known_codec(name) else {
                continue;
            };
            if seen.contains(pt) {
                continue;
            }
            seen.push(*pt);
            if redundant == Some(*pt) {
                // Its payload types give way to the offer's. So must its parameters in the answer.
                formats.enable_opus(true, true);
                continue;
            }
            let rate = if codec == RtcCodec::Opus {
                48_000
            } else {
                90_000
            };
            let Some(rate) = Frequency::new(rate) else {
                continue;
            };
            formats.add_config(
                (*pt).into(),
                resend_of(*pt).map(Into::into),
                codec,
                rate,
                channels,
                FormatParams::parse_line(self.params.get(pt).unwrap_or(&"")),
            );
        }
        formats
    }

    /// The payload type and the parameters of Opus, where it is offered with redundancy.
    pub fn redundant_opus(&self) -> Option<(u8, &'a str)> {
        let pt = self.redundant()?;
        Some((pt, *self.params.get(&pt)?))
    }

    /// The payload type of Opus, where it is offered with redundancy (RFC 2198), too.
    ///
    /// There must be one sound only, and one meaning of each payload type: str0m takes that for
    /// granted.
    fn redundant(&self) -> Option<u8> {
        let only = |wanted: &str| {
            let mut found = self
                .names
                .iter()
                .filter(|(_, name)| name.eq_ignore_ascii_case(wanted));
            let (pt, _) = found.next()?;
            let meanings = self.names.iter().filter(|(other, _)| other == pt).count();
            (found.next().is_none() && meanings == 1).then_some(*pt)
        };
        let (sound, redundant) = (only("opus/48000/2")?, only("red/48000/2")?);
        let mut blocks = self.params.get(&redundant)?.split('/');
        blocks
            .all(|pt| pt.trim().parse() == Ok(sound))
            .then_some(sound)
    }
}

/// The codec in our words.
pub fn codec_of(codec: RtcCodec) -> Option<Codec> {
    match codec {
        RtcCodec::H264 => Some(Codec::H264),
        RtcCodec::H265 => Some(Codec::H265),
        RtcCodec::Vp8 => Some(Codec::Vp8),
        RtcCodec::Vp9 => Some(Codec::Vp9),
        RtcCodec::Av1 => Some(Codec::Av1),
        RtcCodec::Opus => Some(Codec::Opus),
        _ => None,
    }
}

fn payload_type<'a>(line: &str, value: &'a str) -> Result<(u8, &'a str), OfferError> {
    let (number, rest) = value.split_once(' ').unwrap_or((value, ""));
    match number.parse::<u8>() {
        Ok(pt) if pt <= 127 => Ok((pt, rest.trim())),
        _ => Err(OfferError::Malformed(format!(
            "payload type must be 0 to 127: {}",
            line.chars().take(80).collect::<String>()
        ))),
    }
}

fn known_codec(rtpmap: &str) -> Option<(RtcCodec, Option<u8>)> {
    match rtpmap.to_ascii_lowercase().as_str() {
        "h264/90000" => Some((RtcCodec::H264, None)),
        "h265/90000" => Some((RtcCodec::H265, None)),
        "vp8/90000" => Some((RtcCodec::Vp8, None)),
        "vp9/90000" => Some((RtcCodec::Vp9, None)),
        "av1/90000" => Some((RtcCodec::Av1, None)),
        // Always of two channels (RFC 7587 section 7); str0m may take others for the same.
        "opus/48000/2" => Some((RtcCodec::Opus, Some(2))),
        _ => None,
    }
}
