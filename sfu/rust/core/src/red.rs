//! Redundant audio (RFC 2198): a packet that carries earlier ones along, in case they were lost.
//!
//! A header of four bytes for each earlier block and one byte for the newest; then the blocks in
//! the same order.

/// Another block's header follows.
const MORE: u8 = 0x80;
const EARLIER: usize = 4;
/// Senders carry one or two along; more is somebody who wants us to work.
const MOST: usize = 32;

/// What is in a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// Where the newest begins.
    pub newest: usize,
    /// Those before it are of its payload type.
    pub alike: bool,
}

/// Reads a payload whose newest block must be of this type. None when it is not, or the payload is
/// malformed.
pub fn read(payload: &[u8], payload_type: u8) -> Option<Blocks> {
    let mut headers = 0;
    let mut earlier = 0;
    let mut alike = true;
    while payload.get(headers)? & MORE != 0 {
        let header = payload.get(headers..headers + EARLIER)?;
        alike &= header[0] & !MORE == payload_type;
        earlier += usize::from(header[2] & 3) << 8 | usize::from(header[3]);
        headers += EARLIER;
        if headers > MOST * EARLIER {
            return None;
        }
    }
    let newest = headers + 1 + earlier;
    (payload[headers] == payload_type && newest < payload.len()).then_some(Blocks { newest, alike })
}

/// Gives all blocks another payload type. The payload was read before.
pub fn rewrite(payload: &mut [u8], payload_type: u8) {
    let mut at = 0;
    while let Some(first) = payload.get_mut(at) {
        let more = *first & MORE;
        *first = more | payload_type;
        if more == 0 {
            return;
        }
        at += EARLIER;
    }
}
