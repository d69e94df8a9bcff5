//! How a viewer is sent a packet.

use std::time::Instant;

use sluice_media_core::forward::Outgoing;
use sluice_media_core::packet::Packet;
use str0m::media::{MediaTime, Mid, Pt};
use str0m::rtp::{ExtensionValues, RtpWrite, VideoOrientation, Vp8Descriptor};
use str0m::{Input, Rtc};

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
    if outgoing.replayed && !packet.codec.is_audio() {
        // Render at once: a player that paces the replay stays behind by its length.
        values.play_delay_min = Some(MediaTime::from_hundredths(0));
        values.play_delay_max = Some(MediaTime::from_hundredths(0));
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
