//! Which layer of a scalable stream a packet belongs to.

use super::{vp8, vp9};
use crate::codec::Codec;

/// A packet's place among the layers. Zero is the lowest, on which all others build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    pub spatial: u8,
    pub temporal: u8,
    /// Its frame builds on earlier pictures, as far as this packet tells.
    pub predicted: bool,
    /// The last packet of its spatial layer's frame.
    pub ends: bool,
    pub switch_up: SwitchUp,
}

/// How a picture lets a receiver switch to higher temporal layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchUp {
    No,
    /// This picture builds on the lowest layer only (RFC 7741, Y bit).
    Here,
    /// Later pictures of higher layers build on nothing of these layers that came before
    /// (RFC 9628, U bit).
    After,
}

/// The layer of a VP8 or VP9 payload. None where the payload does not tell: everything of such a
/// stream is one layer.
pub fn layer_of(codec: Codec, payload: &[u8]) -> Option<Layer> {
    match codec {
        Codec::Vp8 => in_vp8(payload),
        Codec::Vp9 => in_vp9(payload),
        Codec::H264 | Codec::H265 | Codec::Av1 | Codec::Opus => None,
    }
}

fn in_vp8(payload: &[u8]) -> Option<Layer> {
    let packet = vp8::parse(payload).ok()?;
    let (temporal, sync) = packet.temporal?;
    Some(Layer {
        spatial: 0,
        temporal,
        predicted: !packet.begins_keyframe(),
        ends: false,
        switch_up: if sync { SwitchUp::Here } else { SwitchUp::No },
    })
}

fn in_vp9(payload: &[u8]) -> Option<Layer> {
    let packet = vp9::parse(payload).ok()?;
    Some(Layer {
        spatial: packet.spatial_id,
        temporal: packet.temporal_id,
        predicted: packet.predicted,
        ends: packet.ends,
        switch_up: if packet.switching_up {
            SwitchUp::After
        } else {
            SwitchUp::No
        },
    })
}
