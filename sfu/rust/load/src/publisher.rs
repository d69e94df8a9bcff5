//! The synthetic publisher, on a thread of its own so that viewers do not delay its send times.

use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::media::{Direction, MediaKind, Mid, Pt, Rid};
use str0m::rtp::RtpWrite;
use str0m::{Event, IceConnectionState, RtcError};

use crate::config::LoadConfig;
use crate::layers::Layers;
use crate::peer::{Identity, Peer};
use crate::poller::{Poller, Waker};
use crate::report::PublisherReport;
use crate::socket::{self, Batch};
use crate::stamp;
use crate::synth::{Kind, Packet};
use crate::system;

/// The handle: dropping it ends the thread.
pub(crate) struct Publisher {
    commands: SyncSender<Command>,
    waker: Waker,
    report: Arc<Mutex<PublisherReport>>,
    thread: Option<JoinHandle<()>>,
}

enum Command {
    Answer(String, SyncSender<Result<(), String>>),
    Stop,
}

impl Publisher {
    /// A publisher thread and its SDP offer.
    pub(crate) fn offer(identity: &Identity, config: &LoadConfig) -> io::Result<(Self, String)> {
        let now = Instant::now();
        let mut peer = Peer::open(identity.publisher_config(), config.bind, 1 << 20, now)?;
        socket::prepare_batches(&peer.socket, false)?;
        let mut changes = peer.rtc.sdp_api();
        let layers = Layers::new(&config.publisher);
        let simulcast = layers.simulcast();
        let video = changes.add_media(MediaKind::Video, Direction::SendOnly, None, None, simulcast);
        let audio = changes.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
        let (offer, pending) = changes
            .apply()
            .ok_or_else(|| io::Error::other("str0m made no offer"))?;
        let poller = Poller::new()?;
        poller.add(&peer.socket, 0)?;
        let (commands, inbox) = sync_channel(16);
        let report = Arc::new(Mutex::new(PublisherReport::default()));
        let waker = poller.waker();
        let worker = Worker {
            peer,
            poller,
            inbox,
            pending: Some(pending),
            layers,
            video: Track::new(video),
            audio: Track::new(audio),
            nacks: HashMap::new(),
            report: report.clone(),
            counts: PublisherReport::default(),
        };
        let thread = std::thread::Builder::new()
            .name("load-publisher".into())
            .spawn(move || worker.run_contained())?;
        Ok((
            Self {
                commands,
                waker,
                report,
                thread: Some(thread),
            },
            offer.to_sdp_string(),
        ))
    }

    pub(crate) fn answer(&self, sdp: String, patience: Duration) -> Result<(), String> {
        let (reply, outcome) = sync_channel(1);
        let sent = self.commands.try_send(Command::Answer(sdp, reply));
        sent.map_err(|_| "the publisher has stopped".to_owned())?;
        self.waker.wake();
        outcome
            .recv_timeout(patience)
            .map_err(|error| error.to_string())?
    }

    pub(crate) fn report(&self) -> PublisherReport {
        lock(&self.report).clone()
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        // A full inbox is no obstacle: the worker also ends when the channel closes.
        let _ = self.commands.try_send(Command::Stop);
        self.waker.wake();
        if let Some(thread) = self.thread.take() {
            // It contains its own panics, so there is nothing to learn from the result.
            let _ = thread.join();
        }
    }
}

struct Track {
    mid: Mid,
    /// The payload type that the server took; None when it refused the track.
    pt: Option<Pt>,
    /// The next sequence number of each encoding that was sent.
    sequences: HashMap<Option<Rid>, u64>,
}

impl Track {
    fn new(mid: Mid) -> Self {
        Self {
            mid,
            pt: None,
            sequences: HashMap::new(),
        }
    }

    fn next_sequence(&mut self, rid: Option<Rid>) -> u64 {
        let next = self.sequences.entry(rid).or_insert(1000);
        *next += 1;
        *next
    }
}

struct Worker {
    peer: Peer,
    poller: Poller,
    inbox: Receiver<Command>,
    pending: Option<SdpPendingOffer>,
    layers: Layers,
    video: Track,
    audio: Track,
    /// NACKs received, by encoding.
    nacks: HashMap<Option<Rid>, u64>,
    report: Arc<Mutex<PublisherReport>>,
    counts: PublisherReport,
}

impl Worker {
    fn run_contained(mut self) {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.run()));
        self.counts.connected = false;
        self.counts.closed = true;
        self.counts.error = match outcome {
            Ok(Ok(())) => self.counts.error.take(),
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("the publisher panicked".to_owned()),
        };
        self.publish_counts();
    }

    fn run(&mut self) -> Result<(), RtcError> {
        let mut batch = Batch::new(false);
        let mut ready = Vec::new();
        while self.obey()? {
            let now = Instant::now();
            let patience = self.due(now).saturating_duration_since(now);
            self.poller
                .wait(patience.min(Duration::from_secs(1)), &mut ready)?;
            let mut more = true;
            while more {
                more = batch.receive(&self.peer.socket)?;
                for datagram in batch.datagrams() {
                    self.peer
                        .receive(Instant::now(), datagram.source, datagram.bytes)?;
                    self.drain()?;
                }
            }
            let now = Instant::now();
            if self.peer.due <= now {
                self.peer.tick(now)?;
                self.drain()?;
            }
            while let Some((rid, packet)) = self.layers.take(now) {
                self.send(rid, packet)?;
            }
            self.publish_counts();
        }
        self.peer.close()
    }

    fn due(&self, now: Instant) -> Instant {
        let idle = now + Duration::from_secs(1);
        let timer = if self.pending.is_some() {
            idle
        } else {
            self.peer.due
        };
        self.layers.due().map_or(timer, |due| timer.min(due))
    }

    /// False when it is time to stop.
    fn obey(&mut self) -> Result<bool, RtcError> {
        loop {
            match self.inbox.try_recv() {
                Ok(Command::Answer(sdp, reply)) => {
                    // Nobody may wait for it any more.
                    drop(reply.send(self.answer(&sdp)));
                    self.drain()?;
                }
                Err(TryRecvError::Empty) => return Ok(!self.counts.closed),
                Ok(Command::Stop) | Err(TryRecvError::Disconnected) => return Ok(false),
            }
        }
    }

    fn answer(&mut self, sdp: &str) -> Result<(), String> {
        let pending = self
            .pending
            .take()
            .ok_or("this publisher has its answer already")?;
        let answer = SdpAnswer::from_sdp_string(sdp).map_err(|error| error.to_string())?;
        let accepted = self.peer.rtc.sdp_api().accept_answer(pending, answer);
        accepted.map_err(|error| error.to_string())?;
        for track in [&mut self.video, &mut self.audio] {
            let media = self.peer.rtc.media(track.mid);
            track.pt = media
                .filter(|media| media.direction().is_sending())
                .and_then(|media| media.remote_pts().first().copied());
        }
        self.peer
            .tick(Instant::now())
            .map_err(|error| error.to_string())
    }

    fn drain(&mut self) -> Result<(), RtcError> {
        while let Some(event) = self.peer.poll()? {
            match event {
                Event::Connected => {
                    self.layers.start(Instant::now());
                    self.counts.connected = true;
                }
                Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                    self.end("ICE consent was lost");
                }
                Event::Closed => self.end("the server closed the session"),
                Event::KeyframeRequest(request) => {
                    self.counts.keyframe_requests += 1;
                    self.layers.request_keyframe(request.rid);
                }
                Event::MediaEgressStats(stats) if stats.mid == self.video.mid => {
                    self.nacks.insert(stats.rid, stats.nacks);
                    self.counts.nacks = self.nacks.values().sum();
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn end(&mut self, reason: &str) {
        self.layers.stop();
        self.counts.closed = true;
        self.counts.error = Some(reason.to_owned());
    }

    fn send(&mut self, rid: Option<Rid>, mut packet: Packet) -> Result<(), RtcError> {
        let video = packet.kind == Kind::Video;
        let track = if video {
            &mut self.video
        } else {
            &mut self.audio
        };
        let Some(pt) = track.pt else {
            return Ok(());
        };
        let now = Instant::now();
        let late = now.saturating_duration_since(packet.due).as_secs_f64() * 1000.0;
        self.counts.worst_lateness_ms = self.counts.worst_lateness_ms.max(late);
        self.counts.video_packets += u64::from(video);
        self.counts.audio_packets += u64::from(!video);
        self.counts.keyframes += u64::from(packet.keyframe);
        self.counts.bytes += packet.payload.len() as u64;
        let rid = rid.filter(|_| video);
        let sequence = track.next_sequence(rid);
        // Last of all, so that the time is that of the send.
        stamp::write(&mut packet.payload, system::monotonic_ns());
        let write = RtpWrite::new(pt, sequence.into(), packet.rtp_time, now, packet.payload)
            .marker(packet.marker)
            .nackable(video);
        match self.peer.rtc.direct_api().stream_tx_by_mid(track.mid, rid) {
            Some(stream) => stream.write_rtp(write),
            None => self.counts.send_errors += 1,
        }
        self.peer.tick(now)?;
        self.drain()
    }

    fn publish_counts(&mut self) {
        self.counts.send_errors += self.peer.take_send_errors();
        self.counts.cpu_s = system::thread_cpu_s();
        lock(&self.report).clone_from(&self.counts);
    }
}

/// The report is plain numbers: one written by a thread that panicked is still good.
fn lock(report: &Mutex<PublisherReport>) -> MutexGuard<'_, PublisherReport> {
    report.lock().unwrap_or_else(PoisonError::into_inner)
}
