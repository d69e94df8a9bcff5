//! What a forwarder reads and rewrites at the front of a packet: the payload descriptors.
//!
//! The rewriting of RTP headers belongs here too.

use sluice_media_core::codec::Codec;
use sluice_media_core::depacketize::{picture_size, starts_keyframe, vp8_ids};

pub fn run(payload: &[u8]) {
    if let Some(ids) = vp8_ids(payload) {
        let width = ids.picture_id.map_or(0, |(id, bits)| {
            assert!(bits == 7 && id < 1 << 7 || bits == 15 && id < 1 << 15);
            usize::from(bits.div_ceil(8))
        });
        // Where a forwarder writes them.
        assert!(payload.len() >= width + usize::from(ids.tl0_pic_idx.is_some()));
    }
    for codec in [Codec::Vp8, Codec::Vp9] {
        let _ = starts_keyframe(codec, payload);
        let _ = picture_size(codec, payload);
    }
}
