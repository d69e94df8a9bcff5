//! A viewer's link and the layer that is sent over it.

use std::time::{Duration, Instant};

use sluice_media_core::downlink::{Choice, Downlink, Feedback, IP_UDP, LayerRate, sound_need};
use sluice_media_core::packet::SourceId;
use sluice_media_core::ring::Ring;
use sluice_media_core::rtcp::{ReferenceClock, TransportFeedback};
use sluice_media_core::rung::Rung;
use str0m::format::CodecSpec;

use super::Viewer;
use super::format::Terms;
use crate::command::LayerWish;
use crate::counters::Counters;
use crate::egress::Left;
use crate::net::Way;
use crate::prefetch;

/// What a link is believed to carry before anything is known of it.
const START: u64 = 300_000;
/// Two seconds of 2.5 Mbit/s in 170 ms.
pub const REPLAY_PACE: u64 = 30_000_000;
/// Of what a line carries beside the sound. The rest is for headers, and so that no queue grows.
const REPLAY_SHARE: f64 = 0.8;
/// So long takes a keyframe: to be asked for, made and sent.
const KEYFRAME: Duration = Duration::from_millis(700);
/// A keyframe that does not come is asked for again.
const ASK_AGAIN: Duration = Duration::from_millis(500);
/// Packets that padding repeats.
const PADDED: u64 = 64;

/// What is known of the way to a viewer.
pub struct Link {
    kind: Feedback,
    /// None until there are layers to choose from.
    downlink: Option<Box<Downlink>>,
    clock: ReferenceClock,
    choice: Choice,
    /// Bit/s on the link.
    sound: f64,
    /// Nothing of the chosen encoding is left out.
    whole: bool,
    asked: Option<Instant>,
    /// As the outside knows it.
    told: Option<Showing>,
    pub wish: LayerWish,
    pub switches: u64,
    forged: u64,
    probes: u64,
    /// Bytes without transport-wide numbers.
    unnumbered: usize,
}

/// What a viewer sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Showing {
    Layer(SourceId),
    AudioOnly,
}

impl Link {
    pub fn new<'a>(terms: impl Iterator<Item = &'a Terms>) -> Self {
        let mut kind = Feedback::None;
        for terms in terms {
            if terms.ids.transport_number != 0 {
                kind = Feedback::TransportWide;
            } else if terms.remb && terms.ids.send_time != 0 && kind == Feedback::None {
                kind = Feedback::Remb;
            }
        }
        Link {
            kind,
            downlink: None,
            clock: ReferenceClock::default(),
            choice: Choice::Nothing,
            sound: 0.0,
            whole: true,
            asked: None,
            told: None,
            wish: LayerWish::default(),
            switches: 0,
            forged: 0,
            probes: 0,
            unnumbered: 0,
        }
    }

    pub fn sent(&mut self, left: Left, now: Instant) {
        match (left.number, &mut self.downlink) {
            (Some(number), Some(downlink)) => downlink.sent(number, left.bytes, now),
            // Nobody will acknowledge them one by one: see `left`.
            (None, _) => self.unnumbered += left.bytes + IP_UDP,
            (Some(_), None) => {}
        }
    }

    /// All of a burst left.
    pub fn left(&mut self, now: Instant) {
        let bytes = std::mem::take(&mut self.unnumbered);
        if let Some(downlink) = self.downlink.as_mut().filter(|_| bytes > 0) {
            downlink.sent(0, bytes - IP_UDP, now);
        }
    }

    /// Packets will be sent soon.
    #[inline]
    pub fn prefetch(&self) {
        if let Some(downlink) = &self.downlink {
            prefetch::ahead(&raw const **downlink);
        }
    }

    pub fn feedback(&mut self, feedback: &TransportFeedback<'_>, now: Instant) {
        let reference = self.clock.micros(feedback.reference);
        if let Some(downlink) = &mut self.downlink {
            downlink.feedback(feedback.arrivals(reference), now);
        }
    }

    pub fn remb(&mut self, bits_per_second: u64, now: Instant) {
        if self.kind == Feedback::Remb
            && let Some(downlink) = &mut self.downlink
        {
            downlink.remb(bits_per_second, now);
        }
    }

    pub fn reported(&mut self, lost: f32, round_trip: Option<Duration>, now: Instant) {
        if let Some(downlink) = &mut self.downlink {
            downlink.report(lost, round_trip, now);
        }
    }

    pub fn estimate(&self) -> Option<u64> {
        self.downlink.as_ref().map(|downlink| downlink.estimate())
    }

    /// The kept pictures begin, with a burst.
    pub fn open(&mut self, now: Instant) {
        if let Some(downlink) = &mut self.downlink {
            downlink.open(now);
        }
    }

    /// Bit/s for kept pictures: gently until the link is heard of, then as fast as their first
    /// burst came through. All at once would drown a narrow line: what it loses is asked for
    /// again, and nothing that was sent meanwhile can be shown before that came.
    pub fn replay_pace(&self, now: Instant) -> u64 {
        match &self.downlink {
            Some(downlink) if self.kind == Feedback::TransportWide => {
                let believed = downlink.estimate();
                let pace = match downlink.opening() {
                    // A line that may be so narrow has room for little more than the burst.
                    None if believed <= START => believed,
                    None => 2 * believed,
                    Some(rate) if downlink.is_congested(now) => believed.min(rate),
                    Some(rate) => ((rate as f64 - self.sound).max(0.0) * REPLAY_SHARE) as u64,
                };
                pace.min(REPLAY_PACE)
            }
            _ => REPLAY_PACE,
        }
    }

    /// Kept pictures of so many bytes take longer than a keyframe. Says something of a measured
    /// link only.
    pub fn outlasts(&self, bytes: usize, now: Instant) -> bool {
        let seconds = bytes as f64 * 8.0 / self.replay_pace(now) as f64;
        seconds > KEYFRAME.as_secs_f64()
    }

    /// Bytes that the line carries in `span`, at the most; None before it was heard of.
    pub fn carries(&self, span: Duration, now: Instant) -> Option<f64> {
        let downlink = self.downlink.as_deref()?;
        let believed = match downlink.is_congested(now) {
            true => downlink.estimate(),
            false => downlink.estimate().max(downlink.opening()?),
        };
        Some(believed as f64 / 8.0 * span.as_secs_f64())
    }

    /// How long the viewer takes to tell of a packet; None before it told of any.
    pub fn reach(&self) -> Option<Duration> {
        self.downlink.as_deref()?.reach()
    }

    /// It is known how fast the beginning of the kept pictures came through.
    pub fn is_measured(&self) -> bool {
        let measured = |one: &Downlink| one.opening().is_some();
        self.downlink.as_deref().is_some_and(measured)
    }

    /// A keyframe is needed that was not asked for.
    pub fn lacks_keyframe(&mut self) {
        self.asked = None;
    }

    pub fn is_audio_only(&self) -> bool {
        self.choice == Choice::AudioOnly
    }

    fn choose(
        &mut self,
        layers: &[LayerRate],
        audio: u64,
        pin: Option<Rung>,
        counters: &Counters,
        now: Instant,
    ) -> Choice {
        if layers.is_empty() {
            return Choice::Nothing;
        }
        let kind = self.kind;
        self.sound = sound_need(audio);
        // One picture is sent whatever is believed, until the link says that it is too much.
        let smallest = layers[0].rung.source;
        let whole = layers
            .iter()
            .rfind(|layer| layer.rung.source == smallest && layer.rung.spatial == 0);
        let least = 3 * (whole.map_or(0, |layer| layer.bitrate) + audio) / 2;
        let start = START.max(least);
        let downlink = self
            .downlink
            .get_or_insert_with(|| Box::new(Downlink::new(kind, start, now)));
        downlink.pin(pin);
        let choice = downlink.choose(layers, audio, now);
        let told = downlink.counters;
        counters
            .feedback_forged
            .add(told.unknown + told.repeated - self.forged);
        counters.probes.add(told.probes - self.probes);
        (self.forged, self.probes) = (told.unknown + told.repeated, told.probes);
        choice
    }
}

impl Viewer {
    /// Choose the layer to send. Returns the source whose keyframe is needed for that.
    pub fn steer(
        &mut self,
        layers: &[LayerRate],
        audio: u64,
        pin: Option<Rung>,
        counters: &Counters,
        now: Instant,
    ) -> Option<SourceId> {
        let track = self.video.as_mut()?;
        // A group of pictures is sent whole: a change in its middle would tear it.
        if track.forwarder.is_replaying() {
            return None;
        }
        let choice = self.link.choose(layers, audio, pin, counters, now);
        let is_whole = |layer: &&LayerRate| layer.whole && Choice::Layer(layer.rung) == choice;
        let whole = layers.iter().find(is_whole).is_some();
        if (choice, whole) != (self.link.choice, self.link.whole) {
            (self.link.choice, self.link.whole) = (choice, whole);
            self.link.asked = None;
            match choice {
                Choice::Layer(rung) if whole => track.forwarder.follow(rung.source),
                Choice::Layer(rung) => track.forwarder.follow_part(rung),
                Choice::AudioOnly => {
                    counters.audio_only_entered.add(1);
                    track.forwarder.pause();
                }
                // The publisher is gone; what it sent last stays on the screen.
                Choice::Nothing => {}
            }
        }
        let wanted = track.forwarder.following()?;
        let waits = track.forwarder.sending() != Some(wanted) || track.forwarder.wants_keyframe();
        let due = self
            .link
            .asked
            .is_none_or(|at| now.saturating_duration_since(at) >= ASK_AGAIN);
        if !waits || !due {
            return None;
        }
        self.link.asked = Some(now);
        Some(wanted)
    }

    /// What the viewer sees, when that is not what was told before.
    pub fn news(&mut self) -> Option<Showing> {
        let sending = || self.video.as_ref()?.forwarder.sending();
        let showing = match self.link.choice {
            Choice::AudioOnly => Some(Showing::AudioOnly),
            _ => sending().map(Showing::Layer),
        }?;
        if self.link.told == Some(showing) {
            return None;
        }
        self.link.switches += u64::from(self.link.told.is_some());
        self.link.told = Some(showing);
        Some(showing)
    }

    pub fn link(&self) -> &Link {
        &self.link
    }

    /// What the viewer asks for.
    pub fn wish(&mut self, wish: LayerWish) {
        self.link.wish = wish;
    }

    /// When [`Viewer::pad`] is due.
    pub fn pad_at(&self) -> Option<Instant> {
        self.link.downlink.as_ref()?.wake_at()
    }

    /// Send what a running probe is due to: packets that went before, as resends.
    pub fn pad<'a>(
        &mut self,
        ring: impl Fn(SourceId) -> Option<&'a Ring>,
        formats: &[(SourceId, CodecSpec)],
        way: &mut Way<'_>,
    ) {
        let Some(downlink) = &mut self.link.downlink else {
            return;
        };
        let mut due = downlink.padding(way.now);
        let (Some(track), Some((egress, _))) = (&mut self.video, &mut self.egress) else {
            return;
        };
        let mut back = 0;
        while due > 0 && back < PADDED {
            let found = track.forwarder.newest(back).and_then(|sent| {
                let packet = ring(sent.source)?.get(sent.source_seq)?;
                let outgoing = track.forwarder.again(&sent, packet)?;
                Some((packet, outgoing, track.format(sent.source, formats)?))
            });
            back += 1;
            let Some((packet, outgoing, format)) = found else {
                continue;
            };
            let Some(left) = egress.again(track, format, packet, &outgoing, way) else {
                continue;
            };
            downlink.sent(left.number.unwrap_or(0), left.bytes, way.now);
            way.net.counters.padding_packets.add(1);
            due = due.saturating_sub(left.bytes);
        }
    }
}
