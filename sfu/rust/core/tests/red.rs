//! Redundant audio (RFC 2198).

mod world;

use sluice_media_core::red::{Blocks, read, rewrite};
use world::Dice;

const OPUS: u8 = 111;

/// Blocks before the newest: payload type, ticks back, bytes.
fn payload(earlier: &[(u8, u32, &[u8])], payload_type: u8, newest: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (of, back, block) in earlier {
        let word = 1 << 31 | u32::from(*of) << 24 | back << 10 | block.len() as u32;
        bytes.extend_from_slice(&word.to_be_bytes());
    }
    bytes.push(payload_type);
    earlier
        .iter()
        .for_each(|(.., block)| bytes.extend_from_slice(block));
    bytes.extend_from_slice(newest);
    bytes
}

#[test]
fn the_newest_block_comes_last() {
    let plain = payload(&[], OPUS, b"new");
    let two = payload(
        &[(OPUS, 1920, b"oldest"), (OPUS, 960, b"old")],
        OPUS,
        b"new",
    );
    for bytes in [plain, two] {
        let blocks = read(&bytes, OPUS).expect("a good payload");
        assert!(blocks.alike);
        assert_eq!(&bytes[blocks.newest..], b"new");
    }
}

#[test]
fn long_blocks_are_counted_in_ten_bits() {
    let old = [7; 1023];
    let bytes = payload(&[(OPUS, 0x3fff, &old)], OPUS, b"new");
    let newest = 5 + 1023;
    assert_eq!(
        read(&bytes, OPUS),
        Some(Blocks {
            newest,
            alike: true
        })
    );
}

#[test]
fn what_is_of_another_codec_is_told() {
    let other = payload(&[(0, 960, b"old")], OPUS, b"new");
    let newest = other.len() - 3;
    assert_eq!(
        read(&other, OPUS),
        Some(Blocks {
            newest,
            alike: false
        })
    );
    assert_eq!(
        read(&payload(&[(OPUS, 960, b"old")], 0, b"new"), OPUS),
        None
    );
}

#[test]
fn a_payload_that_is_cut_or_has_nothing_new_is_malformed() {
    let whole = payload(&[(OPUS, 960, b"old")], OPUS, b"new");
    for length in 0..whole.len() - 2 {
        assert_eq!(read(&whole[..length], OPUS), None, "{length}");
    }
    assert_eq!(read(&[0xff; 1400], OPUS), None);
    let many: Vec<(u8, u32, &[u8])> = vec![(OPUS, 960, b""); 33];
    assert_eq!(read(&payload(&many, OPUS, b"new"), OPUS), None);
    assert!(read(&payload(&many[..32], OPUS, b"new"), OPUS).is_some());
}

#[test]
fn all_blocks_get_another_type_and_stay_as_they_are() {
    let earlier = |of| -> [(u8, u32, &[u8]); 2] { [(of, 1920, b"oldest"), (of, 960, b"old")] };
    let mut bytes = payload(&earlier(OPUS), OPUS, b"new");
    rewrite(&mut bytes, 96);
    assert_eq!(bytes, payload(&earlier(96), 96, b"new"));
}

#[test]
fn rubbish_is_refused_or_read_within_its_bounds() {
    let mut good = 0;
    for seed in 0..20_000 {
        let mut dice = Dice(seed);
        let length = dice.below(60) as usize;
        let mut bytes = dice.bytes(length);
        // Half of them begin well.
        if seed % 2 == 0 && !bytes.is_empty() {
            bytes[0] = OPUS | (bytes[0] & 0x80);
        }
        if let Some(blocks) = read(&bytes, OPUS) {
            assert!((1..bytes.len()).contains(&blocks.newest), "seed {seed}");
            good += 1;
        }
        let length = bytes.len();
        rewrite(&mut bytes, 96);
        assert_eq!(bytes.len(), length);
    }
    assert!(good > 1000, "{good}");
}
