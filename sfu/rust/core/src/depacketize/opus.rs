//! Opus payloads (RFC 7587): one packet is one unit.

/// Whether the frame count byte and the sizes fit the packet's kind (RFC 6716 3.2, rules R1,
/// R3, R4 and R5). What is inside the frames is the decoder's business.
pub(super) fn is_valid(packet: &[u8]) -> bool {
    let Some((&toc, rest)) = packet.split_first() else {
        return false;
    };
    match toc & 3 {
        0 => true,
        1 => rest.len().is_multiple_of(2),
        2 => !rest.is_empty(),
        _ => rest.first().is_some_and(|count| count & 0x3f != 0),
    }
}
