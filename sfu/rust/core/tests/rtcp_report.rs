//! Sender and receiver reports, and goodbyes (RFC 3550 sections 6.4 and 6.6).

mod viewer;

use std::time::Duration;

use sluice_media_core::rtcp::{
    Bye, Fault, Message, NtpTime, ReceiverReport, ReportBlock, SenderInfo, SenderReport, read,
};
use viewer::{VIEWER, block, message, receiver_report};

const BLOCK: ReportBlock = ReportBlock {
    ssrc: 0x1122_3344,
    fraction_lost: 64,
    cumulative_lost: 1000,
    highest_seq: 0x0001_fffe,
    jitter: 90,
    last_sr: 0x8765_4321,
    delay_since_last_sr: 0x0001_8000,
};

fn sender_report(bytes: &[u8]) -> Result<SenderReport<'_>, Fault> {
    match read(bytes).next() {
        Some(Ok(Message::SenderReport(report))) => Ok(report),
        Some(Err(malformed)) => Err(malformed.fault),
        other => panic!("{other:?}"),
    }
}

fn report(bytes: &[u8]) -> Result<ReceiverReport<'_>, Fault> {
    match read(bytes).next() {
        Some(Ok(Message::ReceiverReport(report))) => Ok(report),
        Some(Err(malformed)) => Err(malformed.fault),
        other => panic!("{other:?}"),
    }
}

fn bye(bytes: &[u8]) -> Result<Bye<'_>, Fault> {
    match read(bytes).next() {
        Some(Ok(Message::Bye(bye))) => Ok(bye),
        Some(Err(malformed)) => Err(malformed.fault),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_receiver_report_is_read_byte_for_byte() {
    let bytes = [
        0x81, 0xc9, 0x00, 0x07, // one block, eight words
        0x0a, 0x0b, 0x0c, 0x0d, // the reporter
        0x11, 0x22, 0x33, 0x44, // the stream
        0x40, 0x00, 0x03, 0xe8, // a quarter lost, 1000 in all
        0x00, 0x01, 0xff, 0xfe, // one wrap-around
        0x00, 0x00, 0x00, 0x5a, // jitter
        0x87, 0x65, 0x43, 0x21, // the last sender report
        0x00, 0x01, 0x80, 0x00, // 1.5 seconds ago
    ];
    let report = report(&bytes).unwrap();
    assert_eq!(report.ssrc, VIEWER);
    assert_eq!(report.blocks().collect::<Vec<_>>(), [BLOCK]);
    assert_eq!(receiver_report(&[BLOCK]), bytes);
}

#[test]
fn copies_make_the_loss_negative() {
    for cumulative_lost in [-1, -0x80_0000, 0x7f_ffff] {
        let block = ReportBlock {
            cumulative_lost,
            ..BLOCK
        };
        let bytes = receiver_report(&[block]);
        assert_eq!(report(&bytes).unwrap().blocks().next(), Some(block));
    }
}

#[test]
fn a_sender_report_may_hold_blocks_too() {
    let mut body = vec![
        0, 0, 0, 5, // the stream
        0xe0, 0, 0, 1, 0x80, 0, 0, 0, // NTP: half a second past
        0, 0, 0x15, 0xf9, // RTP
        0, 0, 0, 7, // packets
        0, 0, 0x10, 0x00, // octets
    ];
    body.extend(block(&BLOCK));
    let bytes = message(200, 1, &body);
    let report = sender_report(&bytes).unwrap();
    let info = SenderInfo {
        ssrc: 5,
        ntp: NtpTime(0xe000_0001_8000_0000),
        rtp: 5625,
        packets: 7,
        octets: 4096,
    };
    assert_eq!(report.info, info);
    assert_eq!(report.blocks().collect::<Vec<_>>(), [BLOCK]);
    assert_eq!(
        sender_report(&message(200, 0, &body[..20])).unwrap_err(),
        Fault::Short
    );
}

#[test]
fn blocks_that_are_claimed_must_be_there_and_extensions_are_passed_over() {
    let mut bytes = receiver_report(&[BLOCK, BLOCK]);
    assert_eq!(report(&bytes).unwrap().blocks().len(), 2);
    bytes[0] = 0x83;
    assert_eq!(report(&bytes).unwrap_err(), Fault::Short);
    bytes[0] = 0x81;
    assert_eq!(report(&bytes).unwrap().blocks().len(), 1);
    assert_eq!(report(&message(201, 0, &[])).unwrap_err(), Fault::Short);
}

#[test]
fn the_round_trip_is_what_passed_less_what_the_receiver_waited() {
    let sent = NtpTime::from_unix(Duration::from_millis(1_700_000_000_250));
    let now = NtpTime::from_unix(Duration::from_millis(1_700_000_001_850));
    let block = ReportBlock {
        last_sr: sent.middle(),
        ..BLOCK
    };
    // 1.6 seconds passed, 1.5 of them there.
    let trip = block.round_trip(now).unwrap();
    assert!(
        (99_980..=100_020).contains(&trip.as_micros()),
        "{}",
        trip.as_micros()
    );
    assert_eq!(block.round_trip(sent), Some(Duration::ZERO));
    let none = ReportBlock {
        last_sr: 0,
        ..BLOCK
    };
    assert_eq!(none.round_trip(now), None);
}

#[test]
fn wall_clock_time_begins_in_1900() {
    let ntp = NtpTime::from_unix(Duration::from_millis(500));
    assert_eq!(ntp, NtpTime(2_208_988_800 << 32 | 1 << 31));
    assert_eq!(ntp.middle(), (2_208_988_800_u64 << 16) as u32 | 0x8000);
}

#[test]
fn a_goodbye_names_its_streams_and_may_give_a_reason() {
    let ssrcs = [0, 0, 0, 1, 0, 0, 0, 2];
    let plain = message(203, 2, &ssrcs);
    assert_eq!(bye(&plain).unwrap().ssrcs().collect::<Vec<_>>(), [1, 2]);
    let with_reason = message(203, 2, &[&ssrcs[..], &[3, b'b', b'y', b'e']].concat());
    assert_eq!(bye(&with_reason).unwrap().ssrcs().len(), 2);
    let cut = message(203, 2, &[&ssrcs[..], &[4, b'b', b'y', b'e']].concat());
    assert_eq!(bye(&cut).unwrap_err(), Fault::Short);
    assert_eq!(bye(&message(203, 3, &ssrcs)).unwrap_err(), Fault::Short);
    assert_eq!(bye(&message(203, 0, &[])).unwrap().ssrcs().len(), 0);
}
