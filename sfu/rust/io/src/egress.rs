//! How a viewer is sent a packet.

use std::time::Instant;

use sluice_media_core::forward::{Outgoing, Pace};
use sluice_media_core::packet::Packet;
use str0m::media::{MediaTime, Mid, Pt};
use str0m::rtp::{ExtensionValues, RtpWrite, VideoOrientation, Vp8Descriptor};
use str0m::{Input, Rtc};

/// The largest playout delay that the extension can name, in hundredths of a second: no limit.
const ANY_DELAY: u64 = 4095;

/// Sends packets to one viewer. The router above it decides what, this decides how; a faster
/// way to encrypt and send is another implementation of it.
pub trait ViewerEgress {
    /// Queue a packet on a track.
    fn write(&mut self, track: Mid, pt: Pt, packet: &Packet, outgoing: &Outgoing);

    /// Make datagrams of what was queued. They leave with the next drain.
    fn flush(&mut self, now: Instant) -> Result<(), str0m::RtcError>;
}

/// The whole peer is a str0m `Rtc`: it encrypts, keeps packets for retransmission and writes
/// sender reports.
pub struct RtcEgress<'a>(pub &'a mut Rtc);

impl ViewerEgress for RtcEgress<'_> {
    fn write(&mut self, track: Mid, pt: Pt, packet: &Packet, outgoing: &Outgoing) {
        let mut direct = self.0.direct_api();
        let Some(stream) = direct.stream_tx_by_mid(track, None) else {
            return;
        };
        let mut rtp = RtpWrite::new(
            pt,
            outgoing.seq.into(),
            outgoing.time,
            outgoing.captured,
            packet.payload.clone(),
        )
        .marker(packet.marker)
        .nackable(!packet.codec.is_audio())
        .ext_vals(extensions(packet, outgoing));
        if let Some(patch) = vp8_patch(packet, outgoing) {
            rtp = rtp.vp8_patch(patch);
        }
        stream.write_rtp(rtp);
    }

    fn flush(&mut self, now: Instant) -> Result<(), str0m::RtcError> {
        self.0.handle_input(Input::Timeout(now))
    }
}

fn extensions(packet: &Packet, outgoing: &Outgoing) -> ExtensionValues {
    let mut values = ExtensionValues {
        video_orientation: packet.extras.quarter_turns.map(|turns| match turns {
            1 => VideoOrientation::Deg90,
            2 => VideoOrientation::Deg180,
            3 => VideoOrientation::Deg270,
            _ => VideoOrientation::Deg0,
        }),
        ..ExtensionValues::default()
    };
    if let Some((level, voice)) = packet.extras.audio_level {
        values.audio_level = Some(level);
        values.voice_activity = Some(voice);
    }
    // A player that paces the replay stays behind by its length; one that is told to hurry and
    // not told otherwise shows every later picture as unevenly as it came.
    let delays = match outgoing.pace {
        Pace::Hurry => Some((0, 0)),
        Pace::Settle => Some((0, ANY_DELAY)),
        Pace::Own => None,
    };
    if let Some((min, max)) = delays.filter(|_| !packet.codec.is_audio()) {
        values.play_delay_min = Some(MediaTime::from_hundredths(min));
        values.play_delay_max = Some(MediaTime::from_hundredths(max));
    }
    values
}

fn vp8_patch(packet: &Packet, outgoing: &Outgoing) -> Option<str0m::rtp::Vp8Patch> {
    let (picture_id, tl0) = outgoing.vp8?;
    let descriptor = Vp8Descriptor::parse(&packet.payload).ok()?;
    let mut patch = descriptor.patch().picture_id(picture_id);
    if descriptor.tl0_pic_idx().is_some() {
        patch = patch.tl0_pic_idx(tl0);
    }
    patch.build().ok()
}
