//! What an answer agreed on for a viewer's track: payload types, extensions, stream numbers.

use sluice_media_core::header::ExtensionIds;
use str0m::Rtc;
use str0m::format::CodecSpec;
use str0m::media::Mid;

/// A codec that the viewer takes.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    pub spec: CodecSpec,
    pub payload_type: u8,
    /// Payload type of retransmissions (RFC 4588).
    pub resend: Option<u8>,
    /// Payload type of the same sound with earlier ones in front (RFC 2198).
    pub redundant: Option<u8>,
}

/// A track as negotiated.
#[derive(Clone, Debug)]
pub struct Terms {
    pub mid: Mid,
    pub ssrc: u32,
    pub resend_ssrc: Option<u32>,
    pub formats: Vec<Format>,
    pub ids: ExtensionIds,
    /// The viewer tells what it can receive by REMB.
    pub remb: bool,
}

impl Terms {
    /// Read what `answer` says about an m-line, and take its stream from str0m, which must not
    /// send any media or reports of its own.
    pub fn take(rtc: &mut Rtc, mid: Mid, answer: &str) -> Option<Terms> {
        let params: Vec<_> = {
            let allowed = rtc.media(mid)?.remote_pts();
            let all = rtc.codec_config().params().iter();
            all.filter(|p| allowed.contains(&p.pt())).copied().collect()
        };
        let mut direct = rtc.direct_api();
        let stream = direct.stream_tx_by_mid(mid, None)?;
        let (ssrc, resend_ssrc) = (stream.ssrc(), stream.rtx());
        direct.remove_stream_tx(ssrc);
        Some(Terms {
            mid,
            ssrc: *ssrc,
            resend_ssrc: resend_ssrc.map(|ssrc| *ssrc),
            remb: params.iter().any(|p| p.fb_remb()),
            formats: params
                .iter()
                .map(|p| Format {
                    spec: p.spec(),
                    payload_type: *p.pt(),
                    resend: p.resend().map(|pt| *pt),
                    redundant: p.red().map(|pt| *pt),
                })
                .collect(),
            ids: extension_ids(answer, mid),
        })
    }

    /// The format that fits a source best: the same profile, else the same codec. Senders (OBS)
    /// announce profiles that they do not send, and decoders take more than they announce.
    pub fn format(&self, spec: &CodecSpec) -> Option<Format> {
        let candidates = || self.formats.iter().filter(|f| f.spec.codec == spec.codec);
        let mode = |s: &CodecSpec| s.format.packetization_mode.unwrap_or(0);
        candidates()
            .find(|f| f.spec.format == spec.format)
            .or_else(|| {
                candidates().find(|f| {
                    f.spec.format.profile_level_id == spec.format.profile_level_id
                        && mode(&f.spec) == mode(spec)
                })
            })
            .or_else(|| candidates().find(|f| mode(&f.spec) == mode(spec)))
            .or_else(|| candidates().next())
            .copied()
    }
}

/// The `a=extmap` lines of an m-line's section.
fn extension_ids(answer: &str, mid: Mid) -> ExtensionIds {
    let mut ids = ExtensionIds::default();
    let ours = format!("a=mid:{mid}");
    let sections = answer.split("\r\nm=").skip(1);
    let Some(section) = sections
        .into_iter()
        .find(|section| section.lines().any(|line| line == ours))
    else {
        return ids;
    };
    for line in section.lines() {
        let Some((id, rest)) = line
            .strip_prefix("a=extmap:")
            .and_then(|l| l.split_once(' '))
        else {
            continue;
        };
        let number = id.split('/').next().unwrap_or(id).parse::<u8>();
        let (Ok(id), Some(uri)) = (number, rest.split(' ').next()) else {
            continue;
        };
        let place = match uri {
            "urn:ietf:params:rtp-hdrext:sdes:mid" => &mut ids.mid,
            "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01" => {
                &mut ids.transport_number
            }
            "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time" => &mut ids.send_time,
            "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay" => &mut ids.playout_delay,
            "urn:3gpp:video-orientation" => &mut ids.orientation,
            "urn:ietf:params:rtp-hdrext:ssrc-audio-level" => &mut ids.audio_level,
            _ => continue,
        };
        *place = id;
    }
    ids
}
