//! Walking RTCP packets: compounds, reduced size, padding, and damage of every kind.

mod viewer;
mod world;

use sluice_media_core::rtcp::{Fault, MAX_STATUSES, Malformed, Message, read};
use viewer::{feedback_on, fir, message, nack, padded, pli, receiver_report, remb};
use world::Dice;

fn kinds(compound: &[u8]) -> Vec<Result<&'static str, Fault>> {
    read(compound)
        .map(|message| match message {
            Ok(Message::SenderReport(_)) => Ok("sr"),
            Ok(Message::ReceiverReport(_)) => Ok("rr"),
            Ok(Message::Nack(_)) => Ok("nack"),
            Ok(Message::Pli(_)) => Ok("pli"),
            Ok(Message::Fir(_)) => Ok("fir"),
            Ok(Message::Remb(_)) => Ok("remb"),
            Ok(Message::TransportFeedback(_)) => Ok("twcc"),
            Ok(Message::Bye(_)) => Ok("bye"),
            Ok(Message::Other(_)) => Ok("other"),
            Err(malformed) => Err(malformed.fault),
        })
        .collect()
}

#[test]
fn a_compound_is_read_in_its_order() {
    let compound = [
        message(200, 0, &[0; 24]),
        receiver_report(&[]),
        message(202, 0, &[]),
        nack(1, &[(5, 0)]),
        pli(1),
        fir(&[(1, 2)]),
        remb(1000, 0, &[1]),
        feedback_on(7, 8, &[Some(3)]),
        message(203, 1, &[0, 0, 0, 1]),
    ]
    .concat();
    let expected = [
        "sr", "rr", "other", "nack", "pli", "fir", "remb", "twcc", "bye",
    ];
    assert_eq!(kinds(&compound), expected.map(Ok));
}

#[test]
fn a_packet_of_reduced_size_needs_no_report() {
    assert_eq!(kinds(&pli(1)), [Ok("pli")]);
    assert_eq!(kinds(&[]), []);
}

#[test]
fn what_a_sender_does_not_need_is_named_by_its_type_only() {
    let others: Vec<u8> = [
        message(202, 1, &[1, 2, 3, 4]),
        message(204, 0, b"\0\0\0\x01name"),
        message(205, 3, &[0; 12]),
        message(206, 15, b"\0\0\0\x01\0\0\0\0mine"),
        message(207, 0, &[0; 4]),
    ]
    .concat();
    let types: Vec<u8> = read(&others)
        .map(|message| match message {
            Ok(Message::Other(kind)) => kind,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(types, [202, 204, 205, 206, 207]);
}

#[test]
fn padding_is_taken_off_and_need_not_be_whole_words() {
    assert_eq!(kinds(&padded(pli(1), 4)), [Ok("pli")]);
    // One byte of delta after one chunk, and one byte of padding that counts itself.
    let mut feedback = feedback_on(7, 8, &[Some(3)]);
    feedback[0] |= 0x20;
    *feedback.last_mut().unwrap() = 1;
    assert_eq!(kinds(&feedback), [Ok("twcc")]);
}

#[test]
fn wrong_padding_is_malformed() {
    for count in [0, 9, 255] {
        let mut message = pli(1);
        message[0] |= 0x20;
        message[11] = count;
        assert_eq!(kinds(&message), [Err(Fault::Padding)], "{count}");
    }
    assert_eq!(kinds(&[0xa0, 201, 0, 0]), [Err(Fault::Padding)]);
}

#[test]
fn reading_goes_on_after_a_malformed_message() {
    let broken = message(206, 1, &[0; 4]);
    let compound = [broken, pli(1)].concat();
    assert_eq!(kinds(&compound), [Err(Fault::Short), Ok("pli")]);
}

#[test]
fn reading_ends_where_the_length_cannot_be_trusted() {
    let mut wrong_version = pli(1);
    wrong_version[0] = 0x41;
    wrong_version.extend(pli(1));
    assert_eq!(kinds(&wrong_version), [Err(Fault::Version)]);

    let mut too_long = [pli(1), pli(1)].concat();
    too_long[15] = 3;
    assert_eq!(kinds(&too_long), [Ok("pli"), Err(Fault::Length)]);

    let cut = [pli(1), vec![0x81, 206, 0]].concat();
    assert_eq!(kinds(&cut), [Ok("pli"), Err(Fault::Header)]);
}

#[test]
fn a_fault_is_told_in_words() {
    let malformed = read(&[0x81, 206, 0, 9]).next().unwrap().unwrap_err();
    let expected = Malformed {
        packet_type: Some(206),
        fault: Fault::Length,
    };
    assert_eq!(malformed, expected);
    assert_eq!(
        malformed.to_string(),
        "RTCP packet type 206 is longer than its datagram"
    );
    let malformed = read(&[0x81]).next().unwrap().unwrap_err();
    assert_eq!(malformed.to_string(), "RTCP is shorter than a header");
}

/// Reads everything; returns how much there was to read.
fn exhaust(compound: &[u8]) -> usize {
    read(compound)
        .map(|message| match message {
            Ok(Message::SenderReport(report)) => report.blocks().count(),
            Ok(Message::ReceiverReport(report)) => report.blocks().count(),
            Ok(Message::Nack(nack)) => nack.lost().count(),
            Ok(Message::Fir(fir)) => fir.entries().count(),
            Ok(Message::Remb(remb)) => remb.media().count(),
            Ok(Message::TransportFeedback(feedback)) => {
                let arrivals = feedback.arrivals(0);
                assert_eq!(arrivals.len(), feedback.len());
                let count = arrivals.count();
                assert_eq!(count, feedback.len());
                count
            }
            Ok(Message::Bye(bye)) => bye.ssrcs().count(),
            Ok(Message::Pli(_) | Message::Other(_)) | Err(_) => 1,
        })
        .sum()
}

#[test]
fn damage_never_panics_and_never_costs_more_than_its_bytes() {
    let mut dice = Dice(3550);
    let whole = [
        receiver_report(&[]),
        nack(1, &[(65_530, 0xffff), (7, 1)]),
        fir(&[(1, 2), (3, 4)]),
        remb(0x3_ffff, 63, &[1, 2]),
        feedback_on(65_530, 0xff_ffff, &[Some(3), None, Some(-70), Some(900)]),
        message(203, 2, b"\0\0\0\x01\0\0\0\x02\x03bye"),
    ]
    .concat();
    let mut read_of = 0;
    for _ in 0..100_000 {
        let mut bytes = whole.clone();
        for _ in 0..1 + dice.below(6) {
            let place = dice.below(bytes.len() as u64) as usize;
            bytes[place] = dice.roll() as u8;
        }
        if dice.below(4) == 0 {
            bytes.truncate(dice.below(bytes.len() as u64) as usize);
        }
        let items = exhaust(&bytes);
        let most = bytes.len() * 17 / 4 + usize::from(MAX_STATUSES);
        assert!(items <= most, "{items} of {bytes:x?}");
        read_of += items;
    }
    assert!(read_of > 100_000);
}

#[test]
fn noise_never_panics() {
    let mut dice = Dice(5506);
    let mut read_of = 0;
    for _ in 0..50_000 {
        let length = dice.below(80) as usize;
        let mut bytes = dice.bytes(length);
        if let [first, kind, high, low, ..] = &mut bytes[..] {
            *first = 0x80 | *first & 0x3f;
            *kind = 200 + *kind % 8;
            (*high, *low) = (0, *low % 20);
        }
        read_of += exhaust(&bytes);
    }
    assert!(read_of > 50_000);
}
