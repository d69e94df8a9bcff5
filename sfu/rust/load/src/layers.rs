//! What a publisher sends: one encoding, or several of the same picture (simulcast), and audio.

use std::time::Instant;

use str0m::media::{Rid, Simulcast, SimulcastLayer};

use crate::config::PublisherConfig;
use crate::synth::{Packet, SyntheticStream};

/// From the smallest to the full picture, as browsers name them.
const RIDS: [&str; 3] = ["q", "h", "f"];

/// The encodings, smallest first; the last one also brings the audio.
pub(crate) struct Layers(Vec<Layer>);

struct Layer {
    /// None where there is one encoding only.
    rid: Option<Rid>,
    settings: PublisherConfig,
    /// Some while connected.
    stream: Option<SyntheticStream>,
}

impl Layers {
    pub(crate) fn new(config: &PublisherConfig) -> Self {
        let count = usize::from(config.layers).clamp(1, RIDS.len());
        let layers = RIDS[RIDS.len() - count..].iter().enumerate();
        Self(
            layers
                .map(|(number, rid)| Layer {
                    rid: (count > 1).then(|| Rid::from(*rid)),
                    settings: halved(config, count - 1 - number),
                    stream: None,
                })
                .collect(),
        )
    }

    /// What the offer says of them; None where there is one encoding only.
    pub(crate) fn simulcast(&self) -> Option<Simulcast> {
        let send: Vec<_> = self.0.iter().filter_map(|layer| layer.rid).collect();
        (!send.is_empty()).then(|| Simulcast {
            send: send.iter().map(|rid| SimulcastLayer::new(rid)).collect(),
            recv: Vec::new(),
        })
    }

    pub(crate) fn start(&mut self, now: Instant) {
        for layer in &mut self.0 {
            layer.stream = Some(SyntheticStream::new(layer.settings.clone(), now));
        }
    }

    pub(crate) fn stop(&mut self) {
        for layer in &mut self.0 {
            layer.stream = None;
        }
    }

    /// When [`Layers::take`] will have a packet; None while stopped.
    pub(crate) fn due(&self) -> Option<Instant> {
        let streams = self.0.iter().flat_map(|layer| &layer.stream);
        streams.map(SyntheticStream::due).min()
    }

    /// The next packet whose time has come, and whose it is. The encodings take turns by time.
    pub(crate) fn take(&mut self, now: Instant) -> Option<(Option<Rid>, Packet)> {
        let streams = self.0.iter_mut();
        let (rid, stream) = streams
            .filter_map(|layer| Some((layer.rid, layer.stream.as_mut()?)))
            .min_by_key(|(_, stream)| stream.due())?;
        Some((rid, stream.take(now)?))
    }

    /// Make the next picture of an encoding, or of all where none is named, a keyframe.
    pub(crate) fn request_keyframe(&mut self, rid: Option<Rid>) {
        for layer in &mut self.0 {
            if let Some(stream) = layer
                .stream
                .as_mut()
                .filter(|_| rid.is_none() || rid == layer.rid)
            {
                stream.request_keyframe();
            }
        }
    }
}

/// A picture halved in both directions so many times; it takes a quarter of the bit rate each time.
fn halved(config: &PublisherConfig, times: usize) -> PublisherConfig {
    PublisherConfig {
        bitrate: config.bitrate >> (2 * times),
        width: config.width >> times,
        height: config.height >> times,
        audio: config.audio && times == 0,
        ..config.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::synth::Kind;

    fn layers(layers: u8) -> Layers {
        Layers::new(&PublisherConfig {
            layers,
            ..PublisherConfig::default()
        })
    }

    /// Payload bytes of a rid's video, and whether audio came with it, in the first ten seconds.
    fn sent(layers: &mut Layers, rid: &str) -> (usize, bool) {
        let start = Instant::now();
        layers.start(start);
        let (mut bytes, mut audio) = (0, false);
        for ms in 0..10_000 {
            while let Some((of, packet)) = layers.take(start + Duration::from_millis(ms)) {
                if of == Some(Rid::from(rid)) {
                    audio |= packet.kind == Kind::Audio;
                    bytes += packet.payload.len() * usize::from(packet.kind == Kind::Video);
                }
            }
        }
        (bytes, audio)
    }

    #[test]
    fn three_encodings_have_a_sixteenth_a_quarter_and_the_whole_bit_rate() {
        let mut layers = layers(3);
        let figures = ["q", "h", "f"].map(|rid| sent(&mut layers, rid));
        for ((bytes, _), wanted) in figures.iter().zip([195_312, 781_250, 3_125_000]) {
            assert!(bytes.abs_diff(wanted) < wanted / 20, "{bytes} {wanted}");
        }
        assert_eq!(figures.map(|(_, audio)| audio), [false, false, true]);
    }

    #[test]
    fn one_encoding_has_no_rid_and_two_are_the_larger_ones() {
        assert!(layers(1).simulcast().is_none());
        let two = layers(2).simulcast().expect("simulcast");
        let rids: Vec<_> = two.send.iter().map(|layer| layer.rid.to_string()).collect();
        assert_eq!(rids, ["h", "f"]);
    }

    #[test]
    fn a_keyframe_comes_in_the_encoding_that_was_asked_for() {
        let (mut layers, start) = (layers(3), Instant::now());
        layers.start(start);
        let mut keyframes = Vec::new();
        for ms in 0..1_500 {
            if ms == 800 {
                layers.request_keyframe(Some("h".into()));
            }
            while let Some((rid, packet)) = layers.take(start + Duration::from_millis(ms)) {
                if packet.keyframe && ms > 100 {
                    keyframes.push(rid);
                }
            }
        }
        assert_eq!(keyframes, [Some(Rid::from("h"))]);
    }

    #[test]
    fn nothing_is_due_while_stopped() {
        let (mut layers, now) = (layers(3), Instant::now());
        assert!(layers.due().is_none() && layers.take(now).is_none());
        layers.start(now);
        assert_eq!(layers.due(), Some(now));
        layers.stop();
        assert!(layers.due().is_none());
    }
}
