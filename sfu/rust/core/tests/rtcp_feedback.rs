//! Feedback of receivers: NACK, PLI, FIR (RFC 4585, RFC 5104) and REMB.

mod viewer;

use sluice_media_core::rtcp::{Fault, FirEntry, Message, read};
use viewer::{VIEWER, fir, message, nack, pli, remb};

fn only(bytes: &[u8]) -> Result<Message<'_>, Fault> {
    let mut messages = read(bytes);
    let message = messages.next().expect("a message");
    assert!(messages.next().is_none());
    message.map_err(|malformed| malformed.fault)
}

fn lost(bytes: &[u8]) -> Vec<u16> {
    match only(bytes) {
        Ok(Message::Nack(nack)) => nack.lost().collect(),
        other => panic!("{other:?}"),
    }
}

fn bitrate(mantissa: u32, exponent: u8) -> u64 {
    match only(&remb(mantissa, exponent, &[1])) {
        Ok(Message::Remb(remb)) => remb.bitrate,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_nack_is_read_byte_for_byte() {
    let bytes = [
        0x81, 0xcd, 0x00, 0x04, // format 1, five words
        0x0a, 0x0b, 0x0c, 0x0d, // who asks
        0x11, 0x22, 0x33, 0x44, // of which stream
        0x00, 0x64, 0x80, 0x05, // 100, and bits 1, 3 and 16 after it
        0xff, 0xff, 0x00, 0x01, // 65535 and 0
    ];
    assert_eq!(lost(&bytes), [100, 101, 103, 116, 65535, 0]);
    let Ok(Message::Nack(nack)) = only(&bytes) else {
        panic!("no NACK");
    };
    assert_eq!((nack.sender, nack.media), (VIEWER, 0x1122_3344));
}

#[test]
fn every_bit_of_a_nack_is_one_packet() {
    let expected: Vec<u16> = (7..24).collect();
    assert_eq!(lost(&nack(1, &[(7, 0xffff)])), expected);
    assert_eq!(lost(&nack(1, &[(7, 0)])), [7]);
}

#[test]
fn a_nack_has_whole_entries_and_one_at_least() {
    assert_eq!(only(&nack(1, &[])).unwrap_err(), Fault::Empty);
    assert_eq!(only(&message(205, 1, &[0; 4])).unwrap_err(), Fault::Short);
    // Padding that ends inside an entry.
    let mut uneven = nack(1, &[(7, 0), (8, 0)]);
    uneven[0] |= 0x20;
    *uneven.last_mut().unwrap() = 2;
    assert_eq!(only(&uneven).unwrap_err(), Fault::Uneven);
}

#[test]
fn a_lost_picture_has_a_stream_and_nothing_else() {
    let Ok(Message::Pli(read)) = only(&pli(77)) else {
        panic!("no PLI");
    };
    assert_eq!((read.sender, read.media), (VIEWER, 77));
    assert_eq!(only(&message(206, 1, &[0; 12])).unwrap_err(), Fault::Excess);
}

#[test]
fn a_request_for_keyframes_names_streams_in_its_entries() {
    let bytes = fir(&[(5, 1), (6, 255)]);
    let Ok(Message::Fir(read)) = only(&bytes) else {
        panic!("no FIR");
    };
    assert_eq!(read.sender, VIEWER);
    let entries = [(5, 1), (6, 255)].map(|(media, number)| FirEntry { media, number });
    assert_eq!(read.entries().collect::<Vec<_>>(), entries);
    assert_eq!(only(&fir(&[])).unwrap_err(), Fault::Empty);
    assert_eq!(only(&message(206, 4, &[0; 12])).unwrap_err(), Fault::Uneven);
}

#[test]
fn an_estimate_is_read_byte_for_byte() {
    let bytes = [
        0x8f, 0xce, 0x00, 0x06, // format 15, seven words
        0x0a, 0x0b, 0x0c, 0x0d, // who estimates
        0x00, 0x00, 0x00, 0x00, // no single stream
        b'R', b'E', b'M', b'B', //
        0x02, 0x0a, 0x6c, 0x4b, // two streams, exponent 2, mantissa 158795
        0x00, 0x00, 0x00, 0x01, //
        0x00, 0x00, 0x00, 0x02,
    ];
    let Ok(Message::Remb(read)) = only(&bytes) else {
        panic!("no REMB");
    };
    assert_eq!((read.sender, read.bitrate), (VIEWER, 635_180));
    assert_eq!(read.media().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(remb(158_795, 2, &[1, 2]), bytes);
}

#[test]
fn an_estimate_beyond_all_numbers_is_the_largest_number() {
    assert_eq!(bitrate(0x3_ffff, 46), 0x3_ffff << 46);
    assert_eq!(bitrate(0x3_ffff, 47), u64::MAX);
    assert_eq!(bitrate(1, 63), 1 << 63);
    assert_eq!(bitrate(2, 63), u64::MAX);
    assert_eq!(bitrate(0, 63), 0);
}

#[test]
fn an_estimate_holds_the_streams_that_it_counts() {
    let mut bytes = remb(1, 0, &[1]);
    bytes[16] = 2;
    assert_eq!(only(&bytes).unwrap_err(), Fault::Short);
    bytes[16] = 0;
    assert!(matches!(only(&bytes), Ok(Message::Remb(remb)) if remb.media().len() == 0));
    let cut = message(206, 15, b"\0\0\0\x01\0\0\0\0REMB");
    assert_eq!(only(&cut).unwrap_err(), Fault::Short);
}
