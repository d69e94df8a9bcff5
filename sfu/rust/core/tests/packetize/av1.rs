//! Sends OBUs in elements, with W = 0 or with a count, across packets.

use super::Random;

/// One OBU without a size field, as the low-overhead format has it: with one.
pub fn with_size(obu: &[u8]) -> Vec<u8> {
    let header = if obu[0] & 4 != 0 { 2 } else { 1 };
    let mut out = obu[..header].to_vec();
    out[0] |= 2;
    out.extend(leb128(obu.len() - header));
    out.extend(&obu[header..]);
    out
}

pub fn leb128(mut value: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

/// The payloads of one temporal unit, of about `mtu` bytes.
pub fn packetize(obus: &[Vec<u8>], first: bool, mtu: usize, random: &mut Random) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    let mut rest: Vec<&[u8]> = obus.iter().map(Vec::as_slice).collect();
    let mut continues = false;
    while !rest.is_empty() {
        let mut room = mtu;
        let mut elements: Vec<&[u8]> = Vec::new();
        let mut goes_on = false;
        while !rest.is_empty() && room > 0 {
            let (now, later) = rest[0].split_at(room.min(rest[0].len()));
            elements.push(now);
            room -= now.len();
            if later.is_empty() {
                rest.remove(0);
            } else {
                rest[0] = later;
                goes_on = true;
            }
        }
        let counted = elements.len() <= 3 && random.chance(60);
        let new_sequence = first && payloads.is_empty();
        payloads.push(payload(
            &elements,
            counted,
            continues,
            goes_on,
            new_sequence,
        ));
        continues = goes_on;
    }
    payloads
}

/// One payload with the bits Z, Y and N; `counted` puts the number of elements into W.
pub fn payload(elements: &[&[u8]], counted: bool, z: bool, y: bool, n: bool) -> Vec<u8> {
    let count = if counted { elements.len() as u8 } else { 0 };
    let mut out = vec![u8::from(z) << 7 | u8::from(y) << 6 | count << 4 | u8::from(n) << 3];
    for (i, element) in elements.iter().enumerate() {
        if !counted || i + 1 < elements.len() {
            out.extend(leb128(element.len()));
        }
        out.extend(*element);
    }
    out
}
