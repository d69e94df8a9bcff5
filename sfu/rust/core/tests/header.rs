//! RTP headers as a viewer gets them.

mod world;

use sluice_media_core::header::{ExtensionIds, Extensions, Header, MAX_HEADER, Parts, parts};
use world::Dice;

const HEADER: Header = Header {
    payload_type: 96,
    marker: true,
    padding: false,
    seq: 0x1234,
    time: 0x89ab_cdef,
    ssrc: 0x0102_0304,
};

const IDS: ExtensionIds = ExtensionIds {
    mid: 4,
    transport_number: 3,
    send_time: 2,
    playout_delay: 6,
    orientation: 13,
    audio_level: 14,
};

fn written(header: &Header, ids: &ExtensionIds, values: &Extensions<'_>) -> Vec<u8> {
    // What lay in the send buffer before must not shine through.
    let mut out = [0xee; MAX_HEADER];
    let length = header.write(ids, values, &mut out);
    out[..length].to_vec()
}

/// The elements of a one-byte extension block (RFC 8285 section 4.2), found by its own rules.
fn elements(packet: &[u8]) -> Vec<(u8, Vec<u8>)> {
    assert_eq!(packet[0] & 0x10, 0x10);
    assert_eq!(packet[12..14], [0xbe, 0xde]);
    let words = usize::from(u16::from_be_bytes([packet[14], packet[15]]));
    let mut block = &packet[16..16 + 4 * words];
    let mut found = Vec::new();
    while let Some((first, rest)) = block.split_first() {
        if *first == 0 {
            block = rest;
            continue;
        }
        let (value, after) = rest.split_at(usize::from(first & 0x0f) + 1);
        found.push((first >> 4, value.to_vec()));
        block = after;
    }
    found
}

// ---- writing ----------------------------------------------------------------------------------

#[test]
fn the_fixed_part_lies_as_rfc_3550_says() {
    let bytes = written(&HEADER, &IDS, &Extensions::default());
    assert_eq!(
        bytes,
        [
            0x80, 0xe0, 0x12, 0x34, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x02, 0x03, 0x04
        ]
    );
    let plain = Header {
        marker: false,
        padding: true,
        ..HEADER
    };
    assert_eq!(
        written(&plain, &IDS, &Extensions::default())[..2],
        [0xa0, 96]
    );
}

#[test]
fn an_extension_block_lies_as_rfc_8285_says() {
    let values = Extensions {
        mid: b"0",
        transport_number: Some(0xbeef),
        ..Extensions::default()
    };
    let bytes = written(&HEADER, &IDS, &values);
    // Id 3 with two bytes, id 4 with one, and three bytes up to the next word.
    assert_eq!(
        bytes[12..],
        [0xbe, 0xde, 0, 2, 0x31, 0xbe, 0xef, 0x40, b'0', 0, 0, 0]
    );
    assert_eq!(bytes[0], 0x90);
}

#[test]
fn each_value_is_written_as_its_draft_says() {
    let values = Extensions {
        mid: b"video",
        transport_number: Some(0xff00),
        send_time: Some(0x00ab_cdef),
        playout_delay: Some((0x123, 0xfff)),
        orientation: Some(3),
        audio_level: Some((-30, true)),
    };
    assert_eq!(
        elements(&written(&HEADER, &IDS, &values)),
        [
            (3, vec![0xff, 0]),
            (2, vec![0xab, 0xcd, 0xef]),
            (6, vec![0x12, 0x3f, 0xff]),
            (13, vec![3]),
            (14, vec![0x80 | 30]),
            (4, b"video".to_vec()),
        ]
    );
}

#[test]
fn values_out_of_their_range_are_kept_within_it() {
    let values = Extensions {
        playout_delay: Some((0xf001, 0x1002)),
        orientation: Some(6),
        audio_level: Some((i8::MIN, false)),
        mid: b"a mid that is far too long",
        ..Extensions::default()
    };
    assert_eq!(
        elements(&written(&HEADER, &IDS, &values)),
        [
            (6, vec![0, 0x10, 0x02]),
            (13, vec![2]),
            (14, vec![127]),
            (4, b"a mid that is fa".to_vec()),
        ]
    );
}

#[test]
fn what_was_not_negotiated_or_has_no_one_byte_id_is_left_out() {
    let values = Extensions {
        mid: b"0",
        transport_number: Some(1),
        send_time: Some(2),
        orientation: Some(1),
        ..Extensions::default()
    };
    for nowhere in [0, 15, 16, 255] {
        let ids = ExtensionIds {
            mid: nowhere,
            transport_number: nowhere,
            send_time: nowhere,
            orientation: nowhere,
            ..IDS
        };
        let bytes = written(&HEADER, &ids, &values);
        assert_eq!((bytes.len(), bytes[0]), (12, 0x80), "id {nowhere}");
    }
}

#[test]
fn everything_at_once_fits_into_the_longest_header() {
    let values = Extensions {
        mid: &[b'm'; 16],
        transport_number: Some(1),
        send_time: Some(2),
        playout_delay: Some((1, 2)),
        orientation: Some(1),
        audio_level: Some((-1, true)),
    };
    assert_eq!(written(&HEADER, &IDS, &values).len(), MAX_HEADER);
}

// ---- reading ----------------------------------------------------------------------------------

#[test]
fn what_was_written_is_read_back() {
    let mut dice = Dice(7);
    for round in 0..2000 {
        let mid = dice.bytes(16);
        let length = dice.below(17) as usize;
        let some = |dice: &mut Dice| dice.below(2) == 1;
        let header = Header {
            payload_type: dice.below(128) as u8,
            marker: some(&mut dice),
            padding: false,
            seq: dice.roll() as u16,
            time: dice.roll() as u32,
            ssrc: dice.roll() as u32,
        };
        let values = Extensions {
            mid: &mid[..length],
            transport_number: some(&mut dice).then(|| dice.roll() as u16),
            send_time: some(&mut dice).then(|| dice.below(1 << 24) as u32),
            playout_delay: some(&mut dice).then_some((3, 4)),
            orientation: some(&mut dice).then_some(1),
            audio_level: some(&mut dice).then_some((-7, false)),
        };
        let mut packet = written(&header, &IDS, &values);
        let header_length = packet.len();
        assert_eq!(header_length % 4, 0);
        let payload_length = dice.below(100) as usize;
        packet.extend(dice.bytes(payload_length));
        let expected = Parts {
            header,
            header_length,
            payload_length,
        };
        assert_eq!(parts(&packet), Some(expected), "round {round}");
    }
}

#[test]
fn sources_extensions_and_padding_are_no_payload() {
    let mut packet = written(&HEADER, &IDS, &Extensions::default());
    // Two contributing sources, an extension of one word that is nobody's, five bytes of
    // payload and three of padding.
    packet[0] = 0x80 | 0x20 | 0x10 | 2;
    packet.extend([9; 8]);
    packet.extend([0xab, 0xcd, 0, 1, 1, 2, 3, 4]);
    packet.extend([7, 7, 7, 7, 7, 0, 0, 3]);
    let found = parts(&packet).expect("a packet");
    assert_eq!((found.header_length, found.payload_length), (28, 5));
    assert!(found.header.padding);
}

#[test]
fn padding_that_is_longer_than_the_packet_or_missing_is_refused() {
    let padded = |rest: &[u8]| {
        let mut packet = written(&HEADER, &IDS, &Extensions::default());
        packet[0] |= 0x20;
        packet.extend_from_slice(rest);
        parts(&packet).map(|parts| parts.payload_length)
    };
    assert_eq!(padded(&[1, 2, 3, 4]), Some(0));
    assert_eq!(padded(&[1, 2, 3, 5]), None);
    assert_eq!(padded(&[]), None);
    // A length of nothing still takes the byte that it stands in.
    assert_eq!(padded(&[1, 2, 0]), Some(2));
}

#[test]
fn another_version_is_refused() {
    for first in [0x00, 0x40, 0xc0] {
        let mut packet = written(&HEADER, &IDS, &Extensions::default());
        packet[0] = first;
        assert_eq!(parts(&packet), None);
    }
}

#[test]
fn a_packet_cut_short_or_of_any_bytes_is_refused_or_read_within_its_bounds() {
    let values = Extensions {
        mid: b"video",
        send_time: Some(77),
        ..Extensions::default()
    };
    let mut whole = written(&HEADER, &IDS, &values);
    let header_length = whole.len();
    whole.extend([1; 20]);
    for end in 0..whole.len() {
        let read = parts(&whole[..end]);
        assert_eq!(read.is_some(), end >= header_length, "{end} bytes");
    }
    let mut dice = Dice(11);
    for _ in 0..20_000 {
        let length = dice.below(64) as usize;
        let mut bytes = dice.bytes(length);
        if let Some(first) = bytes.first_mut() {
            *first = *first & 0x3f | 0x80;
        }
        if let Some(found) = parts(&bytes) {
            assert!(found.header_length + found.payload_length <= bytes.len());
        }
    }
}
