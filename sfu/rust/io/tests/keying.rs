//! The keys of a viewer's media are ours, and str0m has none to send with.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sluice_media_core::demux::{Kind, kind};
use sluice_media_io::keying::{Keying, take, withholding};
use sluice_media_io::srtp::contexts;
use str0m::config::{CryptoProvider, DtlsVersion};
use str0m::crypto::dtls::{DtlsInstance, DtlsOutput};
use str0m::crypto::from_feature_flags;
use str0m::format::Codec;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::RtpWrite;
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

/// One side of a handshake.
struct Side {
    dtls: Box<dyn DtlsInstance>,
    /// What its own provider gave out.
    keys: Option<Vec<u8>>,
    /// What was withheld.
    withheld: Option<Keying>,
    connected: bool,
    due: Option<Instant>,
}

impl Side {
    fn new(provider: &CryptoProvider, active: bool, now: Instant) -> Self {
        let certificate = provider.dtls_provider.generate_certificate();
        let certificate = certificate.expect("a certificate");
        let made = provider
            .dtls_provider
            .new_dtls(&certificate, now, DtlsVersion::Dtls12, None);
        let mut dtls = made.expect("an instance");
        dtls.set_active(active);
        Side {
            dtls,
            keys: None,
            withheld: None,
            connected: false,
            due: None,
        }
    }

    /// Everything that waits; returns the datagrams.
    fn drain(&mut self) -> Vec<Vec<u8>> {
        let mut buffer = vec![0; 4096];
        let mut datagrams = Vec::new();
        loop {
            match self.dtls.poll_output(&mut buffer) {
                DtlsOutput::Packet(packet) => datagrams.push(packet.to_vec()),
                DtlsOutput::Timeout(at) => {
                    self.due = Some(at);
                    break;
                }
                DtlsOutput::Connected => self.connected = true,
                DtlsOutput::KeyingMaterial(keys, _) => self.keys = Some(keys.to_vec()),
                _ => {}
            }
        }
        // As a worker does it: right after a drain.
        self.withheld = take().or(self.withheld.take());
        datagrams
    }
}

/// A whole handshake between these two.
fn shake_hands(one: &mut Side, other: &mut Side, mut now: Instant) {
    for _ in 0..200 {
        for side in [&mut *one, &mut *other] {
            side.dtls.handle_timeout(now).expect("time to pass");
        }
        let (to_other, to_one) = (one.drain(), other.drain());
        for datagram in &to_other {
            other.dtls.handle_packet(datagram).expect("a good datagram");
        }
        for datagram in &to_one {
            one.dtls.handle_packet(datagram).expect("a good datagram");
        }
        if one.connected && other.connected && to_other.is_empty() && to_one.is_empty() {
            return;
        }
        now += Duration::from_millis(10);
    }
    panic!("no end of the handshake");
}

#[test]
fn the_keys_of_both_sides_are_the_same_and_only_the_withheld_come_to_us() {
    let plain = from_feature_flags();
    let withheld = withholding(&plain);
    for active in [true, false] {
        let now = Instant::now();
        let mut ours = Side::new(&withheld, active, now);
        let mut theirs = Side::new(&plain, !active, now);
        shake_hands(&mut ours, &mut theirs, now);
        let keying = ours.withheld.expect("keys");
        assert_eq!(Some(&keying.material), theirs.keys.as_ref());
        assert_eq!(keying.active, active);
        assert!(ours.keys.is_none() && theirs.withheld.is_none());
    }
}

#[test]
fn what_one_side_seals_the_other_opens() {
    let provider = withholding(&from_feature_flags());
    let now = Instant::now();
    let (mut one, mut other) = (
        Side::new(&provider, true, now),
        Side::new(&provider, false, now),
    );
    shake_hands(&mut one, &mut other, now);
    let [one, other] = [one, other].map(|side| {
        let keying = side.withheld.expect("keys");
        contexts(&keying, &provider).expect("keys that fit")
    });
    let report = [0x80, 201, 0, 1, 0, 0, 0, 9];
    for (mut sealer, mut opener) in [(one.0, other.1), (other.0, one.1)] {
        let mut room = [0; 64];
        room[..8].copy_from_slice(&report);
        let length = sealer.rtcp(&mut room, 8).expect("a sealed report");
        let mut plain = [0; 64];
        assert_eq!(opener.rtcp(&room[..length], &mut plain), Ok(8));
        assert_eq!(plain[..8], report);
    }
}

#[test]
fn keys_are_taken_once_and_never_shown() {
    let provider = withholding(&from_feature_flags());
    let now = Instant::now();
    let (mut one, mut other) = (
        Side::new(&provider, true, now),
        Side::new(&provider, false, now),
    );
    shake_hands(&mut one, &mut other, now);
    assert!(take().is_none());
    let shown = format!("{:?}", one.withheld.expect("keys"));
    assert!(shown.starts_with("Keying(") && shown.len() < 40, "{shown}");
}

// ---- str0m ------------------------------------------------------------------------------------

/// An `Rtc` at an address of its own.
struct Client {
    rtc: Rtc,
    address: SocketAddr,
    connected: bool,
    pictures: usize,
    /// What it sent, by kind.
    sent: Vec<Kind>,
}

impl Client {
    fn new(crypto: CryptoProvider, port: u16, now: Instant) -> Self {
        let mut rtc = RtcConfig::new()
            .set_rtp_mode(true)
            .set_crypto_provider(Arc::new(crypto))
            .build(now);
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        rtc.add_local_candidate(Candidate::host(address, "udp").expect("a candidate"));
        Client {
            rtc,
            address,
            connected: false,
            pictures: 0,
            sent: Vec::new(),
        }
    }

    fn drain(&mut self) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        loop {
            match self.rtc.poll_output().expect("output") {
                Output::Timeout(_) => return datagrams,
                Output::Transmit(transmit) => {
                    self.sent.push(kind(&transmit.contents));
                    datagrams.push(transmit.contents.to_vec());
                }
                Output::Event(Event::Connected) => self.connected = true,
                Output::Event(Event::RtpPacket(_)) => self.pictures += 1,
                Output::Event(_) => {}
            }
        }
    }

    fn receive(&mut self, from: SocketAddr, datagram: &[u8], now: Instant) {
        let received = Receive::new(Protocol::Udp, from, self.address, datagram);
        let input = Input::Receive(now, received.expect("a datagram"));
        self.rtc.handle_input(input).expect("a good datagram");
    }
}

/// A sender with this provider, connected to a plain receiver, sends fifty pictures and reports
/// for some seconds of virtual time.
fn send_pictures(crypto: CryptoProvider) -> (Client, Client) {
    let mut now = Instant::now();
    let mut sender = Client::new(crypto, 4001, now);
    let mut receiver = Client::new(from_feature_flags(), 4002, now);
    let mut changes = sender.rtc.sdp_api();
    let mid = changes.add_media(MediaKind::Video, Direction::SendOnly, None, None, None);
    let (offer, pending) = changes.apply().expect("changes");
    let answer = receiver
        .rtc
        .sdp_api()
        .accept_offer(offer)
        .expect("an answer");
    let accepted = sender.rtc.sdp_api().accept_answer(pending, answer);
    accepted.expect("an answer that fits");
    let mut pictures = 0;
    for _ in 0..2000 {
        now += Duration::from_millis(10);
        for client in [&mut sender, &mut receiver] {
            client
                .rtc
                .handle_input(Input::Timeout(now))
                .expect("time to pass");
        }
        if sender.connected && receiver.connected && pictures < 50 {
            write(&mut sender, mid, pictures, now);
            pictures += 1;
        }
        let (ours, theirs) = (sender.drain(), receiver.drain());
        take();
        for datagram in ours {
            receiver.receive(sender.address, &datagram, now);
        }
        for datagram in theirs {
            sender.receive(receiver.address, &datagram, now);
        }
    }
    assert_eq!(pictures, 50, "they never connected");
    (sender, receiver)
}

fn write(sender: &mut Client, mid: Mid, number: u64, now: Instant) {
    let formats = sender.rtc.codec_config().params();
    let vp8 = formats
        .iter()
        .find(|format| format.spec().codec == Codec::Vp8);
    let pt = vp8.expect("a format").pt();
    let packet = RtpWrite::new(
        pt,
        (100 + number).into(),
        900 * number as u32,
        now,
        vec![0x10; 50],
    );
    let mut direct = sender.rtc.direct_api();
    let stream = direct.stream_tx_by_mid(mid, None).expect("a stream");
    stream.write_rtp(packet);
}

fn count(client: &Client, of: Kind) -> usize {
    client.sent.iter().filter(|kind| **kind == of).count()
}

#[test]
fn str0m_without_the_keys_sends_no_media_and_no_reports() {
    let (sender, receiver) = send_pictures(withholding(&from_feature_flags()));
    assert_eq!(
        (count(&sender, Kind::Rtp), count(&sender, Kind::Rtcp)),
        (0, 0)
    );
    assert_eq!(receiver.pictures, 0);
}

#[test]
fn str0m_with_the_keys_would() {
    let (sender, receiver) = send_pictures(from_feature_flags());
    assert!(count(&sender, Kind::Rtp) >= 50 && count(&sender, Kind::Rtcp) > 0);
    assert_eq!(receiver.pictures, 50);
}
