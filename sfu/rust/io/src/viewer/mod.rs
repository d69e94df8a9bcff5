//! The half of a peer that only viewers have: its tracks and what they are sent.

pub mod feedback;
pub mod format;
pub mod link;
pub mod resend;
pub mod track;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use sluice_media_core::gop::Gop;
use sluice_media_core::packet::{Packet, SourceId};
use sluice_media_core::ring::Ring;
use str0m::config::CryptoProvider;
use str0m::format::CodecSpec;

use crate::egress::{Egress, Left};
use crate::keying::Keying;
use crate::net::Way;
use crate::peer::Figures;
use crate::srtp::{self, BadKeying, Opener};
use crate::tcp::PATIENCE;
use format::Terms;
use link::{Link, REPLAY_PACE};
use resend::Resends;
use track::Track;

/// Bytes of a replay that leave at once: those that begin it, and at most in a turn.
const REPLAY_START: f64 = 6_000.0;
const REPLAY_BURST: f64 = 15_000.0;
/// Bit/s of a replay at least.
const LEAST_REPLAY_PACE: u64 = 250_000;
/// Between turns of a replay.
pub const REPLAY_TURN: Duration = Duration::from_millis(4);
/// Resends may take what the line carries in so long, at once.
const RESEND_BURST: Duration = Duration::from_millis(300);
/// Pictures give way when a slow reader's queue is this long; the rest of it is the sound's.
const PICTURE_PATIENCE: Duration = Duration::from_millis(300);
/// A replay goes on when its last turn has left.
const REPLAY_PATIENCE: Duration = Duration::from_millis(50);
/// Between sender reports.
const REPORT_GAP: Duration = Duration::from_secs(1);

/// A viewer's tracks, and its place between them and its link.
pub struct Viewer {
    pub audio: Option<Track>,
    pub video: Option<Track>,
    /// What the answer calls us (RFC 3550 section 6.5.1).
    cname: Box<str>,
    /// None until DTLS gave the keys.
    egress: Option<(Egress, Opener)>,
    link: Link,
    resends: Resends,
    /// The picture stopped because the queue was full; it goes on with this source's next keyframe.
    held: Option<SourceId>,
    round_trip: Option<Duration>,
    report_at: Option<Instant>,
    /// Bytes of a replay that may leave, as of this moment.
    replay_credit: f64,
    replay_at: Instant,
    /// The first turn of a replay is due.
    opens: bool,
    /// The replay is for one that was watching and moved: what it lost on the way says nothing of
    /// its new line.
    catches_up: bool,
    joined: Instant,
    /// From the offer to the first picture packet sent.
    pub first_media: Option<Duration>,
    pub tally: Tally,
}

/// What a viewer was sent and what it asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub packets: u64,
    pub bytes: u64,
    pub resent: u64,
    pub nacks: u64,
    pub plis: u64,
    /// Not sent, because the queue held half a second already.
    pub drops: u64,
}

impl Viewer {
    pub fn new(audio: Option<Terms>, video: Option<Terms>, cname: &str, now: Instant) -> Self {
        let link = Link::new([&audio, &video].into_iter().flatten());
        Viewer {
            audio: audio.map(Track::new),
            video: video.map(Track::new),
            cname: cname.into(),
            egress: None,
            link,
            resends: Resends::new(now),
            held: None,
            round_trip: None,
            report_at: None,
            replay_credit: 0.0,
            replay_at: now,
            opens: false,
            catches_up: false,
            joined: now,
            first_media: None,
            tally: Tally::default(),
        }
    }

    /// DTLS is done. Its first keys hold: taken again, they would number from the start again.
    pub fn unlock(&mut self, keying: &Keying, provider: &CryptoProvider) -> Result<(), BadKeying> {
        if self.egress.is_some() {
            return Ok(());
        }
        let (sealer, opener) = srtp::contexts(keying, provider)?;
        self.egress = Some((Egress::new(sealer), opener));
        Ok(())
    }

    /// Follow this sound from now on.
    pub fn follow_audio(&mut self, source: Option<SourceId>) {
        if let (Some(track), Some(source)) = (&mut self.audio, source) {
            track.forwarder.follow(source);
        }
    }

    /// Begin with the kept group of pictures. False when the viewer must wait for a keyframe.
    pub fn start_replay(&mut self, gop: &Gop, now: Instant) -> bool {
        match &mut self.video {
            Some(track) => {
                (self.replay_credit, self.replay_at) = (REPLAY_START, now);
                self.opens = true;
                self.catches_up = self.first_media.is_some();
                track.forwarder.start_replay(gop, now)
            }
            None => true,
        }
    }

    /// There is nothing left to replay.
    pub fn end_replay(&mut self, now: Instant) {
        if let Some(track) = &mut self.video {
            track.forwarder.end_replay(now);
        }
    }

    /// Send one turn of the replay. True while there is more. `cheap`: a keyframe costs little, so
    /// that a line which is too narrow for the kept pictures gets one instead.
    pub fn replay(
        &mut self,
        gop: &Gop,
        cheap: bool,
        formats: &[(SourceId, CodecSpec)],
        way: &mut Way<'_>,
    ) -> bool {
        // A burst for the fastest lines only fills the queue of a slow one.
        if way.backlog() >= REPLAY_PATIENCE {
            return self.is_replaying();
        }
        let passed = way.now.saturating_duration_since(self.replay_at);
        // Slower than it grows the replay would never end; if need be it is broken off.
        let measured = !self.catches_up && self.link.is_measured();
        let least = match cheap && measured {
            true => 0,
            false => (2 * gop.bitrate().unwrap_or(0)).max(LEAST_REPLAY_PACE),
        };
        let pace = match self.catches_up {
            true => REPLAY_PACE,
            false => self.link.replay_pace(way.now).max(least),
        };
        let earned = pace as f64 / 8.0 * passed.as_secs_f64();
        self.replay_credit = (self.replay_credit + earned).min(REPLAY_BURST);
        self.replay_at = way.now;
        if std::mem::take(&mut self.opens) {
            self.link.open(way.now);
        }
        if let Some(track) = self.video.as_mut().filter(|_| cheap && measured)
            && self.link.outlasts(track.forwarder.left(gop), way.now)
        {
            track.forwarder.break_off(way.now);
            self.link.lacks_keyframe();
            way.net.counters.replays_broken_off.add(1);
            return false;
        }
        while self.replay_credit > 0.0 {
            let (Some(track), Some((egress, _))) = (&mut self.video, &mut self.egress) else {
                return false;
            };
            let Some((packet, outgoing)) = track.forwarder.replay_next(gop, way.now) else {
                return false;
            };
            self.replay_credit -= packet.payload.len() as f64;
            let Some(format) = track.format(packet.source, formats) else {
                continue;
            };
            let left = egress.media(track, format, &packet, &outgoing, way);
            if let Some(left) = left {
                track.count(&packet, &outgoing, left);
                way.net.counters.replayed_packets.add(1);
                self.sent(&packet, left, way);
            }
        }
        true
    }

    /// What lies behind our own bytes and is needed for the next packets.
    #[inline]
    pub fn prefetch(&self) {
        if let Some((egress, _)) = &self.egress {
            egress.prefetch();
        }
        self.link.prefetch();
    }

    /// Send the live packets of a burst.
    pub fn forward(
        &mut self,
        burst: &[Arc<Packet>],
        formats: &[(SourceId, CodecSpec)],
        way: &mut Way<'_>,
    ) {
        for packet in burst {
            let backlog = way.backlog();
            if !backlog.is_zero() || self.held.is_some() {
                self.hold(backlog);
            }
            let patience = match packet.codec.is_audio() {
                true => PATIENCE,
                false => PICTURE_PATIENCE,
            };
            if backlog >= patience {
                self.tally.drops += 1;
                way.net.counters.drops_queue.add(1);
                continue;
            }
            let track = match packet.codec.is_audio() {
                true => &mut self.audio,
                false => &mut self.video,
            };
            let (Some(track), Some((egress, _))) = (track, &mut self.egress) else {
                continue;
            };
            let Some(outgoing) = track.forwarder.live(packet, way.now) else {
                continue;
            };
            let Some(format) = track.format(packet.source, formats) else {
                continue;
            };
            let left = egress.media(track, format, packet, &outgoing, way);
            if let Some(left) = left {
                track.count(packet, &outgoing, left);
                self.sent(packet, left, way);
            }
        }
        self.link.left(way.now);
    }

    /// Stop the picture while the queue is too long: what is left of a picture without its start
    /// is of no use. It goes on with a keyframe, under the numbers that come next.
    fn hold(&mut self, backlog: Duration) {
        let Some(track) = &mut self.video else { return };
        if backlog >= PICTURE_PATIENCE {
            if !track.forwarder.is_replaying() && track.forwarder.sending().is_some() {
                self.held = track.forwarder.following();
                track.forwarder.pause();
            }
        } else if let Some(source) = self.held.take()
            && track.forwarder.following().is_none()
            && !self.link.is_audio_only()
        {
            track.forwarder.follow(source);
        }
    }

    /// The viewer lost a packet of the picture: send it again if that is due. `ring` finds a
    /// source's kept packets.
    pub fn resend<'a>(
        &mut self,
        number: u16,
        ring: impl FnOnce(SourceId) -> Option<&'a Ring>,
        formats: &[(SourceId, CodecSpec)],
        way: &mut Way<'_>,
    ) {
        self.tally.nacks += 1;
        way.net.counters.nacks_received.add(1);
        // Where only sound fits, old pictures must not take its place.
        let wanted = !self.link.is_audio_only();
        let (true, Some(track), Some((egress, _))) = (wanted, &mut self.video, &mut self.egress)
        else {
            return way.net.counters.nacks_ignored.add(1);
        };
        let found = track.forwarder.sent(number).and_then(|sent| {
            let packet = ring(sent.source)?.get(sent.source_seq)?;
            let outgoing = track.forwarder.again(&sent, packet)?;
            Some((packet, outgoing, track.format(sent.source, formats)?))
        });
        let found = found.filter(|_| way.backlog() < PICTURE_PATIENCE);
        let Some((packet, outgoing, format)) = found else {
            return way.net.counters.nacks_ignored.add(1);
        };
        if let Some(most) = self.link.carries(RESEND_BURST, way.now) {
            self.resends.limit(most);
        }
        // What is asked for again may be in a queue on the way.
        let round_trip = self.round_trip.or_else(|| self.link.reach());
        if !self
            .resends
            .grant(number, packet.payload.len(), round_trip, way.now)
        {
            return way.net.counters.nacks_ignored.add(1);
        }
        if let Some(left) = egress.again(track, format, packet, &outgoing, way) {
            self.tally.resent += 1;
            self.link.sent(left, way.now);
            way.net.counters.resent_packets.add(1);
            way.net
                .counters
                .resent_bytes
                .add(packet.payload.len() as u64);
        } else {
            way.net.counters.nacks_ignored.add(1);
        }
    }

    /// Report how the tracks' times belong together, when that is due.
    pub fn report(&mut self, way: &mut Way<'_>, wall: SystemTime) {
        if self.report_at.is_none_or(|at| way.now < at) {
            return;
        }
        let Some((egress, _)) = &mut self.egress else {
            return;
        };
        let tracks = [&self.audio, &self.video].into_iter().flatten();
        let mut infos: Vec<_> = tracks.filter_map(|t| t.sender_info(way.now)).collect();
        if infos.is_empty() {
            return;
        }
        self.report_at = Some(way.now + REPORT_GAP);
        egress.report(&mut infos, &self.cname, wall, way);
    }

    pub fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// The picture's source that is followed.
    pub fn source(&self) -> Option<SourceId> {
        self.video.as_ref()?.forwarder.following()
    }

    /// The picture's source whose packets go out now.
    pub fn sending(&self) -> Option<SourceId> {
        self.video.as_ref()?.forwarder.sending()
    }

    pub fn is_replaying(&self) -> bool {
        self.video
            .as_ref()
            .is_some_and(|track| track.forwarder.is_replaying())
    }

    pub fn figures(&self) -> Figures {
        let tracks = [&self.audio, &self.video].into_iter().flatten();
        Figures {
            packets: self.tally.packets,
            bytes: self.tally.bytes,
            lost: tracks.map(|track| track.lost).sum(),
            resent: self.tally.resent,
            nacks: self.tally.nacks,
            plis: self.tally.plis,
        }
    }

    fn sent(&mut self, packet: &Packet, left: Left, way: &mut Way<'_>) {
        let bytes = left.payload as u64;
        if self.report_at.is_none() || (!packet.codec.is_audio() && self.first_media.is_none()) {
            // Players can put sound and picture together only after a report of each.
            self.report_at = Some(way.now);
        }
        self.tally.packets += 1;
        self.tally.bytes += bytes;
        self.resends.sent(left.bytes);
        self.link.sent(left, way.now);
        way.net.forwarded_packets += 1;
        way.net.forwarded_bytes += bytes;
        if self.first_media.is_none() && !packet.codec.is_audio() {
            let join = way.now.saturating_duration_since(self.joined);
            self.first_media = Some(join);
            way.net.counters.join.observe(join.as_secs_f64());
        }
    }
}
