//! What a forwarder reads and rewrites at the front of a packet: RTP headers, and the payload
//! descriptors behind them.

use sluice_media_core::codec::Codec;
use sluice_media_core::depacketize::{picture_size, rewrite_vp8_ids, starts_keyframe, vp8_ids};
use sluice_media_core::header::{ExtensionIds, Extensions, MAX_HEADER, parts};

pub fn run(bytes: &[u8]) {
    // The same bytes as a whole packet and as the payload of one.
    packet(bytes);
    payload(bytes);
}

fn packet(bytes: &[u8]) {
    let Some(found) = parts(bytes) else { return };
    let end = found.header_length + found.payload_length;
    assert!(found.header_length >= 12 && end <= bytes.len());
    assert!(found.header.padding || end == bytes.len());
    // What a viewer gets of it, with extensions of any id and value.
    let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
    let ids = ExtensionIds {
        mid: byte(12),
        transport_number: byte(13),
        send_time: byte(14),
        playout_delay: byte(15),
        orientation: byte(16),
        audio_level: byte(17),
    };
    let values = Extensions {
        mid: &bytes[found.header_length..],
        transport_number: Some(found.header.seq),
        send_time: Some(found.header.time),
        playout_delay: Some((found.header.seq, found.header.ssrc as u16)),
        orientation: Some(byte(18)),
        audio_level: Some((byte(19) as i8, found.header.marker)),
    };
    let mut out = [0; MAX_HEADER + 255];
    let length = found.header.write(&ids, &values, &mut out);
    assert!(length <= MAX_HEADER);
    // Padding, where there is any, counts itself.
    out[length] = 1;
    let again = parts(&out[..length + 1]).expect("a header of ours");
    assert_eq!(again.header, found.header);
    assert_eq!(again.header_length, length);
}

fn payload(payload: &[u8]) {
    if let Some(ids) = vp8_ids(payload) {
        let width = ids.picture_id.map_or(0, |(id, bits)| {
            assert!(bits == 7 && id < 1 << 7 || bits == 15 && id < 1 << 15);
            usize::from(bits.div_ceil(8))
        });
        // Where a forwarder writes them.
        assert!(payload.len() >= width + usize::from(ids.tl0_pic_idx.is_some()));
        let mut rewritten = payload.to_vec();
        rewrite_vp8_ids(&mut rewritten, 0x7a5a, 0xa5);
        let expected = ids.picture_id.map(|(_, bits)| match bits {
            7 => (0x5a, 7),
            _ => (0x7a5a, 15),
        });
        let found = vp8_ids(&rewritten).expect("ids where they were");
        assert_eq!(found.picture_id, expected);
        assert_eq!(found.tl0_pic_idx, ids.tl0_pic_idx.map(|_| 0xa5));
    } else {
        let mut same = payload.to_vec();
        rewrite_vp8_ids(&mut same, 0x7a5a, 0xa5);
        assert_eq!(same, payload);
    }
    for codec in [Codec::Vp8, Codec::Vp9] {
        let _ = starts_keyframe(codec, payload);
        let _ = picture_size(codec, payload);
    }
}
