//! Sends the NAL units of H.264 and H.265 alone, aggregated or in fragments.

use super::Random;

pub const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// The NAL units of a unit in Annex B with 4-byte start codes.
pub fn split(unit: &[u8]) -> Vec<Vec<u8>> {
    let mut nals: Vec<Vec<u8>> = Vec::new();
    let mut rest = unit;
    while let Some((&first, tail)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(&START_CODE) {
            nals.push(Vec::new());
            rest = after;
        } else {
            nals.last_mut().unwrap().push(first);
            rest = tail;
        }
    }
    nals
}

pub fn join(nals: &[Vec<u8>]) -> Vec<u8> {
    nals.iter()
        .flat_map(|nal| START_CODE.iter().chain(nal).copied())
        .collect()
}

/// `header` is the size of a NAL header (1: H.264, 2: H.265).
pub fn packetize(nals: &[Vec<u8>], header: usize, mtu: usize, random: &mut Random) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    let mut rest = nals;
    while let Some((nal, tail)) = rest.split_first() {
        let mut together = 0;
        let mut size = header;
        while together < rest.len() && size + 2 + rest[together].len() <= mtu {
            size += 2 + rest[together].len();
            together += 1;
        }
        if together > 1 && random.chance(70) {
            payloads.push(aggregate(&rest[..together], header));
            rest = &rest[together..];
        } else if nal.len() <= mtu {
            payloads.push(nal.clone());
            rest = tail;
        } else {
            payloads.extend(fragments(nal, header, mtu));
            rest = tail;
        }
    }
    payloads
}

/// STAP-A or AP.
pub fn aggregate(nals: &[Vec<u8>], header: usize) -> Vec<u8> {
    let mut payload = match header {
        1 => vec![0x60 | 24],
        _ => vec![48 << 1, 1],
    };
    for nal in nals {
        payload.extend((nal.len() as u16).to_be_bytes());
        payload.extend(nal);
    }
    payload
}

/// FU-A or FU.
pub fn fragments(nal: &[u8], header: usize, mtu: usize) -> Vec<Vec<u8>> {
    let chunks: Vec<_> = nal[header..].chunks(mtu - header - 1).collect();
    let last = chunks.len() - 1;
    let fragment = |(i, chunk): (usize, &&[u8])| {
        let edge = if i == 0 { 0x80 } else { 0 } | if i == last { 0x40 } else { 0 };
        let mut payload = match header {
            1 => vec![nal[0] & 0xe0 | 28, edge | nal[0] & 0x1f],
            _ => vec![nal[0] & 0x81 | 49 << 1, nal[1], edge | nal[0] >> 1 & 0x3f],
        };
        payload.extend(*chunk);
        payload
    };
    chunks.iter().enumerate().map(fragment).collect()
}
