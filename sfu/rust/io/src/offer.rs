//! From an SDP offer to a peer and its answer. Runs on the caller's thread.

use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpOffer};
use str0m::config::{CryptoProvider, DtlsCert};
use str0m::format::CodecConfig;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::rtp::Extension;
use str0m::{Candidate, IceCreds, Rtc, RtcConfig};

use crate::formats::Offered;
use crate::peer::Role;
use crate::question::Credentials;
use crate::settings::Addresses;

/// The longest data channel message in bytes, as told to peers.
pub const MAX_MESSAGE: u32 = 16 * 1024;

/// No offer needs more. The front door's own limits, which are settings, may be lower.
const MAX_BYTES: usize = 64 * 1024;
const MAX_SECTIONS: usize = 16;
const MAX_CANDIDATES: usize = 64;

/// What every peer's configuration is made from.
#[derive(Clone)]
pub struct Identity {
    pub certificate: DtlsCert,
    pub publishers: Arc<CryptoProvider>,
    /// Keeps the media keys from str0m: see [`crate::keying`].
    pub viewers: Arc<CryptoProvider>,
}

/// Why an offer is not answered.
#[derive(Debug, PartialEq, Eq)]
pub enum OfferError {
    /// It is no offer that RFC 8829 allows.
    Malformed(String),
    /// There is nothing in it that we forward.
    Unsupported(String),
}

/// A peer that is ready for its worker.
pub struct Accepted {
    pub rtc: Rtc,
    pub answer: String,
    pub credentials: Credentials,
    pub audio: Option<Mid>,
    pub video: Option<Mid>,
}

/// Answer an offer.
pub fn accept(
    offer: &str,
    role: Role,
    identity: &Identity,
    addresses: &Addresses,
    now: Instant,
) -> Result<Accepted, OfferError> {
    bounded(offer)?;
    let offered = Offered::read(offer)?;
    let formats = offered.config();
    if formats.params().is_empty() {
        return Err(OfferError::Unsupported(
            "no codec in the offer is one of H264, H265, VP8, VP9, AV1 or opus".into(),
        ));
    }
    let mut rtc = configure(formats, role, identity).build(now);
    for address in &addresses.udp {
        add_candidate(&mut rtc, Candidate::host(*address, "udp").ok());
    }
    for address in &addresses.tcp {
        let tcp = Candidate::builder().tcp().host(*address);
        add_candidate(
            &mut rtc,
            tcp.tcptype(str0m::net::TcpType::Passive).build().ok(),
        );
    }
    let parsed = SdpOffer::from_sdp_string(&narrowed(offer, role))
        .map_err(|error| OfferError::Malformed(error.to_string()))?;
    let answer = rtc
        .sdp_api()
        .accept_offer(parsed)
        .map_err(|error| OfferError::Malformed(error.to_string()))?;
    let (audio, video) = tracks(&rtc, role, offer);
    if audio.is_none() && video.is_none() {
        return Err(OfferError::Unsupported(match role {
            Role::Publisher => {
                "no m-line offers to send (sendonly or sendrecv) a known codec".into()
            }
            Role::Viewer => {
                "no m-line offers to receive (recvonly or sendrecv) a known codec".into()
            }
        }));
    }
    let credentials = Credentials {
        local: rtc.direct_api().local_ice_credentials(),
        remote: remote_credentials(offer),
    };
    Ok(Accepted {
        answer: finish(&answer, offer, offered.redundant_opus()),
        rtc,
        credentials,
        audio,
        video,
    })
}

/// Those of the offer's first section: all are one bundle. str0m has refused an offer without.
fn remote_credentials(offer: &str) -> IceCreds {
    let value = |name| offer.lines().find_map(|line| line.strip_prefix(name));
    IceCreds {
        ufrag: value("a=ice-ufrag:").unwrap_or_default().trim().to_owned(),
        pass: value("a=ice-pwd:").unwrap_or_default().trim().to_owned(),
    }
}

fn bounded(offer: &str) -> Result<(), OfferError> {
    let count = |begin: &str| offer.lines().filter(|line| line.starts_with(begin)).count();
    for (number, most, what) in [
        (offer.len(), MAX_BYTES, "bytes"),
        (count("m="), MAX_SECTIONS, "media sections"),
        (count("a=candidate:"), MAX_CANDIDATES, "candidates"),
    ] {
        if number > most {
            let text = format!("the offer has {number} {what}; {most} are allowed");
            return Err(OfferError::Malformed(text));
        }
    }
    Ok(())
}

fn configure(formats: CodecConfig, role: Role, identity: &Identity) -> RtcConfig {
    let (crypto, stats) = match role {
        Role::Publisher => (&identity.publishers, Some(Duration::from_secs(2))),
        // Viewers' figures are our own.
        Role::Viewer => (&identity.viewers, None),
    };
    let mut config = RtcConfig::new()
        .set_ice_lite(true)
        .set_rtp_mode(true)
        .set_crypto_provider(Arc::clone(crypto))
        .set_dtls_cert(identity.certificate.clone())
        .set_stats_interval(stats)
        .set_sctp_max_message_size(MAX_MESSAGE)
        // Players need a report of each track before they can put sound and picture together.
        .set_rtcp_report_interval_audio(Duration::from_secs(1))
        .set_extension(5, Extension::PlayoutDelay)
        .clear_codecs();
    *config.codec_config() = formats;
    config
}

fn add_candidate(rtc: &mut Rtc, candidate: Option<Candidate>) {
    if let Some(candidate) = candidate {
        rtc.add_local_candidate(candidate);
    }
}

/// Whether a trickled candidate names an address that a packet could come from. An ICE-lite
/// agent needs no remote candidates: it learns addresses from the checks that it answers.
pub fn usable_candidate(text: &str) -> bool {
    Candidate::from_sdp_string(text).is_ok()
}

/// The first audio and the first video m-line that media can flow on, in the offer's order.
fn tracks(rtc: &Rtc, role: Role, offer: &str) -> (Option<Mid>, Option<Mid>) {
    let mut audio = None;
    let mut video = None;
    for mid in offer.lines().filter_map(|line| line.strip_prefix("a=mid:")) {
        let mid = Mid::from(mid.trim());
        let Some(media) = rtc.media(mid) else {
            continue;
        };
        let flows = match (role, media.direction()) {
            (_, Direction::Inactive) => false,
            (Role::Publisher, direction) => direction.is_receiving(),
            (Role::Viewer, direction) => direction.is_sending(),
        };
        if !flows || media.stopped() || media.disabled() || media.remote_pts().is_empty() {
            continue;
        }
        let place = match media.kind() {
            MediaKind::Audio => &mut audio,
            MediaKind::Video => &mut video,
        };
        place.get_or_insert(mid);
    }
    (audio, video)
}

/// What the answer needs beyond str0m's.
fn finish(answer: &SdpAnswer, offer: &str, opus: Option<(u8, &str)>) -> String {
    // RFC 8858: offered mux-only is answered mux-only. OBS, FFmpeg and browsers do not offer it.
    let mux_only = offer.contains("a=rtcp-mux-only");
    let answer = answer.to_sdp_string();
    let candidates: Vec<&str> = answer
        .lines()
        .filter(|line| line.starts_with("a=candidate:"))
        .collect();
    let together = Together::of(&answer);
    let own = opus.map(|(pt, _)| format!("a=fmtp:{pt} "));
    let mut text = String::new();
    let mut push = |line: &str| {
        text.push_str(line);
        text.push_str("\r\n");
    };
    for line in answer.lines() {
        // Nothing will be trickled from here: all our candidates are in the answer.
        if line.starts_with("a=candidate:") || line == "a=ice-options:trickle" {
            continue;
        }
        match (opus, &own) {
            (Some((_, params)), Some(own)) if line.starts_with(own) => {
                push(&format!("{own}{params}"));
            }
            _ => push(&together.line(line)),
        }
        if line.starts_with("c=") {
            // In every section, though they belong to the bundle's first: aiortc with
            // max-bundle keeps those of the last section only.
            candidates.iter().for_each(|candidate| push(candidate));
            push("a=end-of-candidates");
        } else if line == "a=rtcp-mux" && mux_only {
            push("a=rtcp-mux-only");
        }
    }
    text
}

/// One media stream and one CNAME for sound and picture: only then do players keep them in step
/// (RFC 8830, RFC 3550 section 6.5.1). str0m names each m-line its own.
struct Together<'a> {
    stream: Option<&'a str>,
    cname: Option<&'a str>,
}

impl<'a> Together<'a> {
    fn of(answer: &'a str) -> Self {
        let value = |mark: &str| {
            let line = answer.lines().find(|line| line.contains(mark))?;
            line.split_once(mark)?.1.split(' ').next()
        };
        Together {
            stream: value("a=msid:"),
            cname: value(" cname:"),
        }
    }

    /// The line with the common names in place of its own.
    fn line(&self, line: &str) -> String {
        if let (Some((before, _)), Some(cname)) = (line.split_once(" cname:"), self.cname) {
            return format!("{before} cname:{cname}");
        }
        let named = line
            .strip_prefix("a=")
            .filter(|rest| rest.starts_with("msid:") || rest.starts_with("ssrc:"))
            .and_then(|_| line.split_once("msid:"));
        match (named, self.stream) {
            (Some((before, names)), Some(stream)) => {
                let track = names.split_once(' ').map_or("", |(_, track)| track);
                format!("{before}msid:{stream} {track}")
            }
            _ => line.to_owned(),
        }
    }
}

/// The direction that each role needs, where the offer leaves more open: a publisher that
/// offers `sendrecv` would else be promised media.
fn narrowed(offer: &str, role: Role) -> String {
    let only = match role {
        Role::Publisher => "a=sendonly",
        Role::Viewer => "a=recvonly",
    };
    let narrow = |line: &str| {
        if line.trim_end() == "a=sendrecv" {
            only.to_owned()
        } else {
            line.to_owned()
        }
    };
    offer.lines().map(|line| narrow(line) + "\r\n").collect()
}
