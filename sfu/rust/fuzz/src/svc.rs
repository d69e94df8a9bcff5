//! Layers left out of a stream and the numbers of what is left, packets coming late included.
//!
//! The first two bytes are the layers that are wanted; the lowest bit of a third chooses VP9 or
//! VP8. Then come packets: a byte of flags (1: marker, 2: a new picture, 4: late by one picture,
//! 8: one is missing before it, 16: other layers are wanted), a length, the payload.

use std::collections::HashMap;
use std::time::Instant;

use sluice_media_core::codec::Codec;
use sluice_media_core::depacketize::{layer_of, starts_keyframe, vp8_ids};
use sluice_media_core::packet::{Extras, Packet, SourceId};
use sluice_media_core::renumber::Renumber;
use sluice_media_core::svc::LayerFilter;

pub fn run(input: &[u8]) {
    let [spatial, temporal, codec, packets @ ..] = input else {
        return;
    };
    let codec = if codec & 1 == 0 {
        Codec::Vp9
    } else {
        Codec::Vp8
    };
    let mut filter = LayerFilter::new(*spatial, *temporal);
    let mut most = (*spatial, *temporal);
    let mut renumber = Renumber::new(7);
    let mut rest = packets;
    let mut numbers = HashMap::new();
    let now = Instant::now();
    let (mut seq, mut time) = (1000, 1 << 33);
    while let [flags, length, tail @ ..] = rest {
        let (payload, tail) = tail.split_at(tail.len().min(usize::from(*length)));
        rest = tail;
        let has = |bit: u8| flags & bit != 0;
        if has(16) {
            let (spatial, temporal) = (length >> 4, length & 15);
            filter.want(spatial, temporal);
            most = (most.0.max(spatial), most.1.max(temporal));
        }
        if has(2) {
            time += 3000;
        }
        seq += 1 + u64::from(has(8));
        let late = u64::from(has(4));
        let packet = Packet {
            source: SourceId(1),
            codec,
            seq: seq - 3 * late,
            time: time - 3000 * late,
            marker: has(1),
            keyframe_start: starts_keyframe(codec, payload),
            captured: now,
            arrived: now,
            extras: Extras::default(),
            vp8: vp8_ids(payload),
            layer: layer_of(codec, payload),
            newest: 0,
            payload: payload.into(),
        };
        let layer = layer_of(codec, payload);
        if let Some(kept) = filter.keep(&packet, layer) {
            assert!(kept.marker || !packet.marker);
            assert!(layer.is_none_or(|l| l.spatial <= most.0 && l.temporal <= most.1));
            if let Some(number) = renumber.keep(packet.seq) {
                assert_eq!(renumber.incoming(number), Some(packet.seq));
                let before = numbers.insert(number, packet.seq);
                assert!(before.is_none_or(|before| before == packet.seq));
            }
        } else if let Some(number) = renumber.leave_out(packet.seq) {
            assert_eq!(renumber.incoming(number), None);
        }
    }
}
