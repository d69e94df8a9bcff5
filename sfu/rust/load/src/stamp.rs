//! The send time that the synthetic publisher hides in its payload.
//!
//! It stands at the end of the payload: a server may rewrite the payload descriptor at the front
//! (VP8 picture ids) but never the media behind it.

/// Bytes at the end of a payload: a mark, then `CLOCK_MONOTONIC` in nanoseconds.
pub(crate) const STAMP_BYTES: usize = 16;

const MARK: [u8; 8] = *b"sluice\x00\x01";

/// Write the stamp over the last [`STAMP_BYTES`] of `payload`; a shorter payload is left alone.
pub(crate) fn write(payload: &mut [u8], monotonic_ns: u64) {
    if let Some(tail) = payload.last_chunk_mut::<STAMP_BYTES>() {
        tail[..8].copy_from_slice(&MARK);
        tail[8..].copy_from_slice(&monotonic_ns.to_be_bytes());
    }
}

/// The send time in nanoseconds, or None in a payload without stamp.
pub(crate) fn read(payload: &[u8]) -> Option<u64> {
    let tail: &[u8; STAMP_BYTES] = payload.last_chunk()?;
    let (mark, time) = tail.split_first_chunk::<8>()?;
    (*mark == MARK).then(|| u64::from_be_bytes(time.try_into().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_foreign_payload_is_not_a_stamp() {
        let mut payload = [0xaa; 40];
        assert_eq!(read(&payload), None);
        write(&mut payload, 123_456_789_012);
        assert_eq!(read(&payload), Some(123_456_789_012));
        assert_eq!(payload[..24], [0xaa; 24]);
        assert_eq!(read(&payload[..39]), None);
    }

    #[test]
    fn a_payload_too_short_is_left_alone() {
        let mut payload = [1; 15];
        write(&mut payload, 5);
        assert_eq!(payload, [1; 15]);
        assert_eq!(read(&payload), None);
    }
}
