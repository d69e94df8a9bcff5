//! One str0m peer on its own UDP socket, and how such peers are configured.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::config::{CryptoProvider, DtlsCert};
use str0m::format::{Codec, CodecConfig, PayloadParams};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{Extension, ExtensionMap};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig, RtcError};

use crate::socket;

/// Times and sends what str0m wants timed and sent.
pub(crate) struct Peer {
    pub(crate) rtc: Rtc,
    pub(crate) socket: UdpSocket,
    /// When [`Peer::tick`] is wanted; valid once [`Peer::poll`] has returned None.
    pub(crate) due: Instant,
    local: SocketAddr,
    send_errors: u64,
}

impl Peer {
    /// A peer with one host candidate. Errors: no free port or no free file descriptor.
    pub(crate) fn open(
        config: RtcConfig,
        bind: IpAddr,
        receive_buffer: usize,
        now: Instant,
    ) -> io::Result<Self> {
        let socket = socket::open(bind, receive_buffer)?;
        let local = socket.local_addr()?;
        let mut rtc = config.build(now);
        let candidate = Candidate::host(local, Protocol::Udp)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error.to_string()))?;
        rtc.add_local_candidate(candidate);
        Ok(Self {
            rtc,
            socket,
            due: now,
            local,
            send_errors: 0,
        })
    }

    /// Hand in a datagram; then [`Peer::poll`] until None. A malformed datagram is false.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        source: SocketAddr,
        datagram: &[u8],
    ) -> Result<bool, RtcError> {
        let Ok(receive) = Receive::new(Protocol::Udp, source, self.local, datagram) else {
            return Ok(false);
        };
        let input = Input::Receive(now, receive);
        if !self.rtc.accepts(&input) {
            return Ok(false);
        }
        self.rtc.handle_input(input)?;
        Ok(true)
    }

    /// Let time pass; then [`Peer::poll`] until None.
    pub(crate) fn tick(&mut self, now: Instant) -> Result<(), RtcError> {
        self.rtc.handle_input(Input::Timeout(now))
    }

    /// The next event; datagrams are sent on the way. None when all is drained.
    pub(crate) fn poll(&mut self) -> Result<Option<Event>, RtcError> {
        loop {
            match self.rtc.poll_output()? {
                Output::Timeout(due) => {
                    self.due = due;
                    return Ok(None);
                }
                Output::Transmit(transmit) => {
                    // UDP may lose it anyway; the count says when that is our own doing.
                    if self
                        .socket
                        .send_to(&transmit.contents, transmit.destination)
                        .is_err()
                    {
                        self.send_errors += 1;
                    }
                }
                Output::Event(event) => return Ok(Some(event)),
            }
        }
    }

    /// Send the goodbyes (RTCP BYE, DTLS close_notify); nobody waits for their answers.
    pub(crate) fn close(&mut self) -> Result<(), RtcError> {
        self.rtc.close()?;
        while self.poll()?.is_some() {}
        Ok(())
    }

    /// Datagrams that could not be sent since the last call.
    pub(crate) fn take_send_errors(&mut self) -> u64 {
        std::mem::take(&mut self.send_errors)
    }
}

/// What all peers of a run share: crypto and one certificate.
#[derive(Clone)]
pub(crate) struct Identity {
    crypto: Arc<CryptoProvider>,
    certificate: DtlsCert,
}

impl Identity {
    pub(crate) fn new() -> io::Result<Self> {
        let crypto = Arc::new(str0m::crypto::from_feature_flags());
        let certificate = crypto
            .dtls_provider
            .generate_certificate()
            .ok_or_else(|| io::Error::other("cannot make a DTLS certificate"))?;
        Ok(Self {
            crypto,
            certificate,
        })
    }

    /// A viewer that takes H.264, VP8, VP9, AV1 and Opus.
    ///
    /// Only a `verified` one is given statistics (they count its NACKs) and may offer TWCC: one
    /// that never sends the reports must not make a server wait for them.
    pub(crate) fn viewer_config(&self, verified: bool, twcc: bool) -> RtcConfig {
        let twcc = verified && twcc;
        let mut config = self.base();
        config = config.set_stats_interval(verified.then_some(Duration::from_secs(1)));
        *config.codec_config() = viewer_codecs(twcc);
        if twcc {
            config
        } else {
            config.set_extension_map(extensions_without_twcc())
        }
    }

    /// A publisher of VP8 and Opus.
    pub(crate) fn publisher_config(&self) -> RtcConfig {
        let config = self
            .base()
            .clear_codecs()
            .enable_vp8(true)
            .enable_opus(true, false);
        config.set_stats_interval(Some(Duration::from_secs(1)))
    }

    fn base(&self) -> RtcConfig {
        RtcConfig::new()
            .set_crypto_provider(self.crypto.clone())
            .set_dtls_cert(self.certificate.clone())
            .set_rtp_mode(true)
    }
}

/// The viewer's codecs: the payload types and profiles that Chromium offers.
fn viewer_codecs(twcc: bool) -> CodecConfig {
    let mut codecs = CodecConfig::empty();
    codecs.enable_opus(true, false);
    codecs.enable_vp8(true);
    codecs.enable_vp9(true);
    codecs.enable_av1(true);
    codecs.add_h264(108.into(), Some(109.into()), true, 0x42e01f);
    codecs.add_h264(127.into(), Some(121.into()), true, 0x42001f);
    let mut params: Vec<PayloadParams> = codecs.params().to_vec();
    for param in &mut params {
        let audio = param.spec().codec.is_audio();
        param.set_fb_transport_cc(twcc && !audio);
        // Nobody here estimates for the server, so it must not wait for REMB.
        param.set_fb_remb(false);
    }
    CodecConfig::new_from_payload_params(params)
}

fn extensions_without_twcc() -> ExtensionMap {
    let mut extensions = ExtensionMap::empty();
    for (id, extension) in ExtensionMap::standard().iter() {
        if !matches!(extension, Extension::TransportSequenceNumber) {
            extensions.set(id, extension.clone());
        }
    }
    extensions
}

/// What a payload type carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PayloadKind {
    Unknown,
    Media(Codec),
    /// Retransmissions (RFC 4588) of a video codec.
    Rtx,
}

/// The payload types of `codecs`, by number.
pub(crate) fn payload_kinds(codecs: &CodecConfig) -> [PayloadKind; 128] {
    let mut kinds = [PayloadKind::Unknown; 128];
    for param in codecs.params() {
        kinds[usize::from(*param.pt()) & 0x7f] = PayloadKind::Media(param.spec().codec);
        if let Some(resend) = param.resend() {
            kinds[usize::from(*resend) & 0x7f] = PayloadKind::Rtx;
        }
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;
    use str0m::media::{Direction, MediaKind};

    fn offer(verified: bool) -> String {
        let config = Identity::new()
            .expect("certificate")
            .viewer_config(verified, true);
        let mut rtc = config.build(Instant::now());
        let mut changes = rtc.sdp_api();
        changes.add_media(MediaKind::Video, Direction::RecvOnly, None, None, None);
        changes.apply().expect("an offer").0.to_sdp_string()
    }

    #[test]
    fn a_viewer_offers_the_codecs_of_a_browser() {
        let sdp = offer(true);
        for part in ["H264/90000", "VP8/90000", "VP9/90000", "AV1/90000"] {
            assert!(sdp.contains(part), "{part} is missing in {sdp}");
        }
        assert!(sdp.contains("42e01f") && sdp.contains("42001f"));
    }

    #[test]
    fn only_a_verified_viewer_offers_twcc() {
        assert!(offer(true).contains("transport-cc"));
        let sdp = offer(false);
        assert!(
            !sdp.contains("transport-cc") && !sdp.contains("transport-wide-cc"),
            "{sdp}"
        );
    }

    #[test]
    fn payload_types_are_told_apart() {
        let kinds = payload_kinds(&viewer_codecs(true));
        assert_eq!(kinds[108], PayloadKind::Media(Codec::H264));
        assert_eq!(kinds[109], PayloadKind::Rtx);
        assert_eq!(kinds[0], PayloadKind::Unknown);
    }
}
