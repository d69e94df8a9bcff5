//! What a viewer tells about what it received (RTCP).

use std::time::{Instant, SystemTime};

use sluice_media_core::packet::SourceId;
use sluice_media_core::rtcp::{self, Message, NtpTime, ReportBlock};

use super::Viewer;
use crate::counters::Counters;
use crate::srtp::Refused;

/// Longer compounds are refused; an MTU is 1500.
const MAX_COMPOUND: usize = 2048;
/// Numbers of one datagram's NACKs that are looked at.
const MAX_NACKED: usize = 512;

/// What follows from a datagram for the rest of the worker.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The viewer cannot decode this source without a keyframe.
    pub keyframe: Option<SourceId>,
    /// Numbers of picture packets that it lost.
    pub lost: Vec<u16>,
}

impl Viewer {
    /// Whether this SRTCP looks like the viewer's next, by its number alone.
    pub fn expects(&self, datagram: &[u8]) -> bool {
        let opener = self.egress.as_ref().map(|(_, opener)| opener);
        opener.is_some_and(|opener| opener.expects(datagram))
    }

    /// Read a datagram of SRTCP. None when it is not the viewer's; that is counted.
    pub fn feedback(
        &mut self,
        datagram: &[u8],
        counters: &Counters,
        now: Instant,
        wall: SystemTime,
    ) -> Option<Wishes> {
        let mut plain = [0; MAX_COMPOUND];
        let opened = match &mut self.egress {
            Some((_, opener)) => opener.rtcp(datagram, &mut plain),
            None => Err(Refused::Malformed),
        };
        let length = match opened {
            Ok(length) => length,
            Err(Refused::Replayed) => {
                counters.drops_replayed.add(1);
                return None;
            }
            Err(Refused::Forged | Refused::Malformed) => {
                counters.drops_srtp.add(1);
                return None;
            }
        };
        counters.reports_received.add(1);
        let mut wishes = Wishes::default();
        let unix = wall
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let at = NtpTime::from_unix(unix);
        for message in rtcp::read(&plain[..length]) {
            match message {
                Ok(Message::ReceiverReport(report)) => {
                    report
                        .blocks()
                        .for_each(|block| self.reported(&block, at, now));
                }
                Ok(Message::SenderReport(report)) => {
                    report
                        .blocks()
                        .for_each(|block| self.reported(&block, at, now));
                }
                Ok(Message::Nack(nack)) if self.is_video(nack.media) => {
                    let room = MAX_NACKED - wishes.lost.len();
                    wishes.lost.extend(nack.lost().take(room));
                }
                Ok(Message::Pli(pli)) if self.is_video(pli.media) => {
                    self.lacks_keyframe(&mut wishes)
                }
                Ok(Message::Fir(fir)) => {
                    if fir.entries().any(|entry| self.is_video(entry.media)) {
                        self.lacks_keyframe(&mut wishes);
                    }
                }
                Ok(Message::TransportFeedback(feedback)) => self.link.feedback(&feedback, now),
                Ok(Message::Remb(remb)) => self.link.remb(remb.bitrate, now),
                Ok(_) => {}
                Err(_) => counters.reports_malformed.add(1),
            }
        }
        Some(wishes)
    }

    fn lacks_keyframe(&mut self, wishes: &mut Wishes) {
        self.tally.plis += 1;
        wishes.keyframe = self
            .video
            .as_ref()
            .and_then(|video| video.forwarder.following());
    }

    fn is_video(&self, ssrc: u32) -> bool {
        self.video
            .as_ref()
            .is_some_and(|video| video.terms.ssrc == ssrc)
    }

    fn reported(&mut self, block: &ReportBlock, at: NtpTime, now: Instant) {
        self.round_trip = block.round_trip(at).or(self.round_trip);
        let lost = f32::from(block.fraction_lost) / 256.0;
        if self.is_video(block.ssrc) {
            self.resends.reported(lost);
            self.link.reported(lost, self.round_trip, now);
        }
        for track in [&mut self.audio, &mut self.video].into_iter().flatten() {
            if track.is_about(block) {
                track.lost = block.cumulative_lost.max(0) as u64;
            }
        }
    }
}
