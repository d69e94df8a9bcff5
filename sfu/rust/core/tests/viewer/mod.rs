//! The RTCP that viewers write, as the RFCs lay it out.

// Each test file uses its part.
#![allow(dead_code)]

use sluice_media_core::rtcp::ReportBlock;

/// Every viewer's own stream.
pub const VIEWER: u32 = 0x0a0b_0c0d;

/// A message: `count` is the five bits of the header, `body` is padded with zeros to a word.
pub fn message(kind: u8, count: u8, body: &[u8]) -> Vec<u8> {
    let words = body.len().div_ceil(4);
    let mut bytes = vec![0x80 | count, kind];
    bytes.extend_from_slice(&(words as u16).to_be_bytes());
    bytes.extend_from_slice(body);
    bytes.resize(4 + 4 * words, 0);
    bytes
}

/// The same message with this much padding, which its last byte counts.
pub fn padded(mut bytes: Vec<u8>, padding: u8) -> Vec<u8> {
    bytes[0] |= 0x20;
    bytes.resize(bytes.len() + usize::from(padding), 0);
    *bytes.last_mut().expect("a header") = padding;
    let words = (bytes.len() / 4 - 1) as u16;
    bytes[2..4].copy_from_slice(&words.to_be_bytes());
    bytes
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

pub fn block(block: &ReportBlock) -> Vec<u8> {
    words(&[
        block.ssrc,
        u32::from(block.fraction_lost) << 24 | (block.cumulative_lost as u32 & 0xff_ffff),
        block.highest_seq,
        block.jitter,
        block.last_sr,
        block.delay_since_last_sr,
    ])
}

pub fn receiver_report(blocks: &[ReportBlock]) -> Vec<u8> {
    let mut body = words(&[VIEWER]);
    body.extend(blocks.iter().flat_map(block));
    message(201, blocks.len() as u8, &body)
}

pub fn nack(media: u32, entries: &[(u16, u16)]) -> Vec<u8> {
    let mut body = words(&[VIEWER, media]);
    for (first, following) in entries {
        body.extend_from_slice(&first.to_be_bytes());
        body.extend_from_slice(&following.to_be_bytes());
    }
    message(205, 1, &body)
}

pub fn pli(media: u32) -> Vec<u8> {
    message(206, 1, &words(&[VIEWER, media]))
}

pub fn fir(entries: &[(u32, u8)]) -> Vec<u8> {
    let mut body = words(&[VIEWER, 0]);
    for &(media, number) in entries {
        body.extend(words(&[media, u32::from(number) << 24]));
    }
    message(206, 4, &body)
}

/// `mantissa` * 2**`exponent` bits a second.
pub fn remb(mantissa: u32, exponent: u8, media: &[u32]) -> Vec<u8> {
    let mut body = words(&[VIEWER, 0]);
    body.extend_from_slice(b"REMB");
    let count = (media.len() as u32) << 24;
    body.extend(words(&[count | u32::from(exponent) << 18 | mantissa]));
    body.extend(words(media));
    message(206, 15, &body)
}

/// Transport feedback from its parts: chunks and deltas as on the wire.
pub fn feedback(
    base: u16,
    statuses: u16,
    reference: u32,
    count: u8,
    chunks: &[u16],
    deltas: &[u8],
) -> Vec<u8> {
    let mut body = words(&[VIEWER, 9]);
    body.extend_from_slice(&base.to_be_bytes());
    body.extend_from_slice(&statuses.to_be_bytes());
    body.extend(words(&[reference << 8 | u32::from(count)]));
    body.extend(chunks.iter().flat_map(|chunk| chunk.to_be_bytes()));
    body.extend_from_slice(deltas);
    message(205, 15, &body)
}

/// A run of one status.
pub fn run(status: u16, length: u16) -> u16 {
    status << 13 | length
}

/// Fourteen statuses of one bit.
pub fn bits(statuses: [u16; 14]) -> u16 {
    statuses.iter().fold(2, |chunk, status| chunk << 1 | status)
}

/// Seven statuses of two bits.
pub fn pairs(statuses: [u16; 7]) -> u16 {
    statuses.iter().fold(3, |chunk, status| chunk << 2 | status)
}

/// Feedback on these arrivals (in ticks of 250 us after the reference), in the plainest way.
pub fn feedback_on(base: u16, reference: u32, arrivals: &[Option<i64>]) -> Vec<u8> {
    let mut chunks = Vec::new();
    let mut deltas = Vec::new();
    let mut clock = 0;
    for seven in arrivals.chunks(7) {
        let mut statuses = [0; 7];
        for (status, arrival) in statuses.iter_mut().zip(seven) {
            let Some(arrival) = arrival else { continue };
            let delta = arrival - clock;
            clock = *arrival;
            if let Ok(small) = u8::try_from(delta) {
                *status = 1;
                deltas.push(small);
            } else {
                *status = 2;
                let large = i16::try_from(delta).expect("a delta of 16 bits");
                deltas.extend_from_slice(&large.to_be_bytes());
            }
        }
        chunks.push(pairs(statuses));
    }
    let count = arrivals.len() as u16;
    feedback(base, count, reference, 0, &chunks, &deltas)
}
