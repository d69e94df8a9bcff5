//! Looks at one packet for a place where a decoder can start. Runs for every packet on the
//! media thread: no allocation, and no more reads than the packet has bytes.

use super::{av1, h264, h265, vp8, vp9};
use crate::codec::Codec;

/// Whether `payload` is the first packet of a picture where a decoder can start.
///
/// For H264 and H265 that is a packet with a sequence parameter set (or VPS) or with the first
/// slice of an IDR (IRAP) picture. Where these travel in packets of their own, each of them
/// says yes: they have the same RTP time. Other packets may come before them (access unit
/// delimiter). For Opus always true.
pub fn starts_keyframe(codec: Codec, payload: &[u8]) -> bool {
    match codec {
        Codec::H264 => any_h264(payload, is_h264_start),
        Codec::H265 => any_h265(payload, is_h265_start),
        Codec::Vp8 => vp8::parse(payload).is_ok_and(|packet| packet.begins_keyframe()),
        Codec::Vp9 => vp9::parse(payload).is_ok_and(|packet| packet.begins_keyframe()),
        Codec::Av1 => starts_av1(payload),
        Codec::Opus => true,
    }
}

/// Whether no packet of the same unit can come before `payload`, or none that matters: used
/// behind a hole in the sequence, so a doubtful packet is a no.
pub(super) fn starts_unit(codec: Codec, payload: &[u8]) -> bool {
    let delimiter = match codec {
        Codec::H264 => any_h264(payload, |nal| h264::kind(nal[0]) == h264::DELIMITER),
        Codec::H265 => any_h265(payload, |nal| h265::kind(nal[0]) == h265::DELIMITER),
        _ => false,
    };
    delimiter || starts_keyframe(codec, payload)
}

/// `test` gets the first two bytes of each NAL unit that starts in the payload.
fn any_h264(payload: &[u8], test: impl Fn([u8; 2]) -> bool) -> bool {
    let test_nal = |nal: &[u8]| nal.first_chunk().is_some_and(|&head| test(head));
    match h264::parse(payload) {
        Ok(h264::Packet::Single(nal)) => test_nal(nal),
        Ok(h264::Packet::Aggregate(nals)) => nals.flatten().any(test_nal),
        Ok(h264::Packet::Fragment(fragment)) => {
            let [header] = fragment.header;
            fragment.start && fragment.body.first().is_some_and(|&b| test([header, b]))
        }
        Err(_) => false,
    }
}

/// Byte 1 of a slice starts with `first_mb_in_slice`; a lone 1 bit is zero: the first slice.
fn is_h264_start([header, body]: [u8; 2]) -> bool {
    match h264::kind(header) {
        h264::SPS => true,
        h264::IDR => body & 0x80 != 0,
        _ => false,
    }
}

/// `test` gets the first three bytes of each NAL unit that starts in the payload.
fn any_h265(payload: &[u8], test: impl Fn([u8; 3]) -> bool) -> bool {
    let test_nal = |nal: &[u8]| nal.first_chunk().is_some_and(|&head| test(head));
    match h265::parse(payload) {
        Ok(h265::Packet::Single(nal)) => test_nal(nal),
        Ok(h265::Packet::Aggregate(nals)) => nals.flatten().any(test_nal),
        Ok(h265::Packet::Fragment(fragment)) => {
            let [a, b] = fragment.header;
            fragment.start && fragment.body.first().is_some_and(|&c| test([a, b, c]))
        }
        Err(_) => false,
    }
}

/// Bit 0 of a slice is `first_slice_segment_in_pic_flag` (H.265 7.3.6.1). A picture parameter
/// set alone is no start: it may come before any picture.
fn is_h265_start([header, _, body]: [u8; 3]) -> bool {
    match h265::kind(header) {
        h265::VPS | h265::SPS => true,
        kind => h265::is_irap(kind) && body & 0x80 != 0,
    }
}

fn starts_av1(payload: &[u8]) -> bool {
    let Ok(packet) = av1::parse(payload) else {
        return false;
    };
    let is_header =
        |element: &[u8]| element.first().map(|&b| av1::kind(b)) == Some(av1::SEQUENCE_HEADER);
    !packet.continues && (packet.new_sequence || packet.elements.flatten().any(is_header))
}
