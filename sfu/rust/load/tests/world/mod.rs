//! A very small SFU for the tests: one publisher, every packet to every viewer, a thread, and a
//! socket for each peer. It answers offers and it can swallow packets.

// Each test file uses its part of this world.
#![allow(dead_code)]

use std::net::UdpSocket;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sluice_media_load::{LoadReport, LoadViewers};
use str0m::change::SdpOffer;
use str0m::media::{KeyframeRequestKind, MediaKind, Mid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

pub struct SmallSfu {
    orders: Sender<Order>,
    thread: Option<JoinHandle<Sent>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Publisher,
    Viewer,
}

enum Order {
    Answer(Role, String, Sender<String>),
    /// End; with goodbyes to all peers or without.
    Stop(bool),
}

/// What the SFU wrote to viewers, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    pub video: u64,
    pub audio: u64,
}

struct Peer {
    role: Role,
    rtc: Rtc,
    socket: UdpSocket,
    connected: bool,
    video: Option<Mid>,
    audio: Option<Mid>,
    /// Next sequence number, video and audio.
    next: [u64; 2],
}

impl SmallSfu {
    /// `swallow` says which of a viewer's video sequence numbers are never sent at first.
    pub fn start(swallow: fn(u64) -> bool) -> Self {
        let (orders, inbox) = channel();
        let thread = std::thread::spawn(move || run(&inbox, swallow));
        Self {
            orders,
            thread: Some(thread),
        }
    }

    pub fn answer(&self, role: Role, offer: &str) -> String {
        let (reply, answer) = channel();
        let order = Order::Answer(role, offer.to_owned(), reply);
        self.orders.send(order).expect("a running SFU");
        answer
            .recv_timeout(Duration::from_secs(10))
            .expect("an answer")
    }

    /// End it without a word to the peers, and tell what it sent.
    pub fn stop(self) -> Sent {
        self.end(false)
    }

    /// Say goodbye to all peers and end it.
    pub fn hang_up(self) -> Sent {
        self.end(true)
    }

    fn end(mut self, goodbye: bool) -> Sent {
        self.orders
            .send(Order::Stop(goodbye))
            .expect("a running SFU");
        self.thread
            .take()
            .expect("a thread")
            .join()
            .expect("no panic")
    }
}

/// A publisher and `viewers` viewers, all answered.
pub fn join(sfu: &SmallSfu, load: &LoadViewers, viewers: usize) {
    let (publisher, offer) = load.publisher_offer().expect("an offer");
    load.publisher_answer(publisher, &sfu.answer(Role::Publisher, &offer))
        .expect("an answer");
    for _ in 0..viewers {
        let (viewer, offer) = load.offer().expect("an offer");
        load.answer(viewer, &sfu.answer(Role::Viewer, &offer))
            .expect("an answer");
    }
}

/// Ask for reports until one fits; panics with the last one after 30 s.
pub fn wait_for(load: &LoadViewers, fits: impl Fn(&LoadReport) -> bool) -> LoadReport {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let report = load.report().expect("a report");
        if fits(&report) {
            return report;
        }
        assert!(Instant::now() < deadline, "never came true: {report:#?}");
        std::thread::yield_now();
    }
}

fn run(inbox: &Receiver<Order>, swallow: fn(u64) -> bool) -> Sent {
    let mut peers: Vec<Peer> = Vec::new();
    let mut sent = Sent::default();
    let mut buffer = [0; 2048];
    loop {
        match inbox.try_recv() {
            Ok(Order::Answer(role, offer, reply)) => {
                let (peer, answer) = accept(role, &offer);
                peers.push(peer);
                reply.send(answer).expect("somebody waits");
            }
            Ok(Order::Stop(goodbye)) => {
                for peer in peers.iter_mut().filter(|_| goodbye) {
                    peer.rtc.close().expect("a goodbye");
                    drain(peer, &mut Vec::new());
                }
                return sent;
            }
            Err(_) => {}
        }
        let mut media = Vec::new();
        let mut wants_keyframe = false;
        let mut idle = true;
        for peer in &mut peers {
            while let Ok((length, source)) = peer.socket.recv_from(&mut buffer) {
                idle = false;
                let local = peer.socket.local_addr().expect("an address");
                let datagram = &buffer[..length];
                let receive =
                    Receive::new(Protocol::Udp, source, local, datagram).expect("a datagram");
                peer.rtc
                    .handle_input(Input::Receive(Instant::now(), receive))
                    .expect("input");
                wants_keyframe |= drain(peer, &mut media);
            }
            peer.rtc
                .handle_input(Input::Timeout(Instant::now()))
                .expect("input");
            wants_keyframe |= drain(peer, &mut media);
        }
        for (kind, packet) in &media {
            for viewer in peers.iter_mut().filter(|peer| peer.role == Role::Viewer) {
                forward(viewer, *kind, packet, swallow, &mut sent);
            }
        }
        if wants_keyframe {
            for peer in peers.iter_mut().filter(|peer| peer.role == Role::Publisher) {
                let mid = peer.video.expect("a publisher with video");
                if let Some(stream) = peer.rtc.direct_api().stream_rx_by_mid(mid, None) {
                    stream.request_keyframe(KeyframeRequestKind::Pli);
                }
                drain(peer, &mut Vec::new());
            }
        }
        if idle {
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }
}

fn accept(role: Role, offer: &str) -> (Peer, String) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_nonblocking(true).expect("non-blocking");
    let local = socket.local_addr().expect("an address");
    let config = RtcConfig::new().set_ice_lite(true).set_rtp_mode(true);
    let mut rtc = config.build(Instant::now());
    rtc.add_local_candidate(Candidate::host(local, "udp").expect("a candidate"));
    let offer = SdpOffer::from_sdp_string(offer).expect("an offer");
    let answer = rtc
        .sdp_api()
        .accept_offer(offer)
        .expect("an answer")
        .to_sdp_string();
    let mut peer = Peer {
        role,
        rtc,
        socket,
        connected: false,
        video: None,
        audio: None,
        next: [100, 100],
    };
    drain(&mut peer, &mut Vec::new());
    (peer, answer)
}

/// Put media into `media`; true when a keyframe was asked for.
fn drain(peer: &mut Peer, media: &mut Vec<(MediaKind, RtpPacket)>) -> bool {
    let mut wants_keyframe = false;
    loop {
        match peer.rtc.poll_output().expect("output") {
            Output::Timeout(_) => return wants_keyframe,
            Output::Transmit(transmit) => {
                peer.socket
                    .send_to(&transmit.contents, transmit.destination)
                    .expect("send");
            }
            Output::Event(Event::Connected) => peer.connected = true,
            Output::Event(Event::MediaAdded(added)) => match added.kind {
                MediaKind::Video => peer.video = Some(added.mid),
                MediaKind::Audio => peer.audio = Some(added.mid),
            },
            Output::Event(Event::RtpPacket(packet)) => {
                let pt = packet.header.payload_type;
                let audio = *pt == 111;
                media.push((
                    if audio {
                        MediaKind::Audio
                    } else {
                        MediaKind::Video
                    },
                    packet,
                ));
            }
            Output::Event(Event::ChannelData(data)) => {
                if let Some(mut channel) = peer.rtc.channel(data.id) {
                    channel
                        .write(data.binary, &data.data)
                        .expect("an open channel");
                }
            }
            Output::Event(Event::KeyframeRequest(_)) => wants_keyframe = true,
            Output::Event(_) => {}
        }
    }
}

fn forward(
    viewer: &mut Peer,
    kind: MediaKind,
    packet: &RtpPacket,
    swallow: fn(u64) -> bool,
    sent: &mut Sent,
) {
    let video = kind.is_video();
    let Some(mid) = (if video { viewer.video } else { viewer.audio }) else {
        return;
    };
    if !viewer.connected {
        return;
    }
    let next = &mut viewer.next[usize::from(!video)];
    let sequence = *next;
    *next += 1;
    if video && swallow(sequence) {
        return;
    }
    let write = RtpWrite::new(
        packet.header.payload_type,
        sequence.into(),
        packet.header.timestamp,
        Instant::now(),
        packet.payload.clone(),
    );
    let mut api = viewer.rtc.direct_api();
    let stream = api.stream_tx_by_mid(mid, None).expect("a stream");
    stream.write_rtp(write.marker(packet.header.marker).nackable(video));
    sent.video += u64::from(video);
    sent.audio += u64::from(!video);
    viewer
        .rtc
        .handle_input(Input::Timeout(Instant::now()))
        .expect("input");
    drain(viewer, &mut Vec::new());
}
