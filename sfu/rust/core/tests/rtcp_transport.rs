//! Transport-wide feedback: chunks, deltas, the reference time and its wrap-around.

mod viewer;
mod world;

use sluice_media_core::rtcp::{
    Fault, MAX_STATUSES, Message, ReferenceClock, TransportFeedback, read,
};
use viewer::{VIEWER, bits, feedback, feedback_on, pairs, run};
use world::Dice;

fn parse(bytes: &[u8]) -> Result<TransportFeedback<'_>, Fault> {
    match read(bytes).next() {
        Some(Ok(Message::TransportFeedback(feedback))) => Ok(feedback),
        Some(Err(malformed)) => Err(malformed.fault),
        other => panic!("{other:?}"),
    }
}

/// Arrivals in ticks of 250 us since the reference.
fn ticks(bytes: &[u8]) -> Vec<(u16, Option<i64>)> {
    let feedback = parse(bytes).expect("good feedback");
    let arrivals = feedback.arrivals(0);
    arrivals
        .map(|(number, at)| (number, at.map(|us| us / 250)))
        .collect()
}

#[test]
fn feedback_is_read_byte_for_byte() {
    let bytes = [
        0x8f, 0xcd, 0x00, 0x06, // format 15, seven words
        0x0a, 0x0b, 0x0c, 0x0d, // who received
        0x00, 0x00, 0x00, 0x09, // a stream
        0xff, 0xfe, 0x00, 0x05, // five packets from 65534
        0x00, 0x00, 0x0a, 0x03, // reference 10, message 3
        0x20, 0x02, // a run of two small deltas
        0xc4, 0x00, // pairs: not received, small; the third is beyond the count
        0x04, 0x08, // deltas of the first two
        0x00, 0x00, // the delta of the fourth, and alignment
    ];
    let feedback = parse(&bytes).unwrap();
    assert_eq!((feedback.sender, feedback.media), (VIEWER, 9));
    assert_eq!((feedback.base, feedback.reference), (65534, 10));
    assert_eq!((feedback.count, feedback.len()), (3, 5));
    let arrivals: Vec<_> = feedback.arrivals(10 * 64_000).collect();
    let expected = [
        (65534, Some(641_000)),
        (65535, Some(643_000)),
        (0, None),
        (1, Some(643_000)),
        (2, None),
    ];
    assert_eq!(arrivals, expected);
}

#[test]
fn all_kinds_of_chunks_follow_one_another() {
    let chunks = [
        run(0, 2),
        bits([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        pairs([2, 0, 1, 0, 0, 0, 2]),
        run(1, 1),
    ];
    // 1, 2; then -3 and 4; then 300 backwards by 300; then 5.
    let deltas = [1, 2, 0xff, 0xfd, 4, 0x01, 0x2c, 5];
    let got = ticks(&feedback(100, 24, 0, 0, &chunks, &deltas));
    let arrived: Vec<_> = got
        .iter()
        .filter_map(|&(number, at)| at.map(|at| (number, at)))
        .collect();
    let expected = [
        (102, 1),
        (115, 3),
        (116, 0),
        (118, 4),
        (122, 304),
        (123, 309),
    ];
    assert_eq!(arrived, expected);
    assert_eq!(got.len(), 24);
}

#[test]
fn random_arrivals_come_back_as_they_were() {
    let mut dice = Dice(15);
    for _ in 0..500 {
        let base = dice.roll() as u16;
        let mut clock = 0;
        let arrivals: Vec<Option<i64>> = (0..1 + dice.below(200))
            .map(|_| {
                clock += match dice.below(8) {
                    0 => return None,
                    1 => dice.below(60_000) as i64 - 30_000,
                    _ => dice.below(256) as i64,
                };
                Some(clock)
            })
            .collect();
        let got = ticks(&feedback_on(base, 5, &arrivals));
        let numbers = (0..).map(|ahead| base.wrapping_add(ahead));
        assert_eq!(got, numbers.zip(arrivals).collect::<Vec<_>>());
    }
}

#[test]
fn chunks_and_deltas_must_be_there() {
    let fault = |statuses, chunks: &[u16], deltas: &[u8]| {
        parse(&feedback(0, statuses, 0, 0, chunks, deltas)).unwrap_err()
    };
    assert_eq!(fault(0, &[run(0, 1)], &[]), Fault::Empty);
    assert_eq!(fault(3, &[run(0, 1), run(0, 1)], &[]), Fault::Short);
    assert_eq!(fault(3, &[], &[]), Fault::Short);
    assert_eq!(fault(3, &[run(1, 3)], &[1, 1]), Fault::Short);
    assert_eq!(fault(2, &[run(2, 2)], &[0, 1]), Fault::Short);
}

#[test]
fn an_unknown_status_is_malformed_unless_nobody_asks_for_it() {
    let three = pairs([1, 3, 0, 0, 0, 0, 0]);
    let deltas = [1, 1];
    assert_eq!(
        parse(&feedback(0, 2, 0, 0, &[three], &deltas)).unwrap_err(),
        Fault::Status
    );
    assert_eq!(
        ticks(&feedback(0, 1, 0, 0, &[three], &deltas)),
        [(0, Some(1))]
    );
    assert_eq!(
        parse(&feedback(0, 1, 0, 0, &[run(3, 1)], &deltas)).unwrap_err(),
        Fault::Status
    );
}

#[test]
fn claims_of_more_packets_than_anybody_has_in_flight_are_refused() {
    let lost = [run(0, 8191), run(0, 8191)];
    let most = feedback(0, MAX_STATUSES, 0, 0, &lost, &[]);
    assert_eq!(ticks(&most).len(), 8192);
    let chunks = [run(0, 8191); 9];
    for claim in [MAX_STATUSES + 1, u16::MAX] {
        let bytes = feedback(0, claim, 0, 0, &chunks, &[]);
        assert_eq!(parse(&bytes).unwrap_err(), Fault::TooMany);
    }
}

#[test]
fn the_messages_of_a_datagram_share_what_is_allowed() {
    let one = feedback(0, 3000, 0, 0, &[run(0, 3000)], &[]);
    let faults: Vec<_> = read(&one.repeat(4))
        .map(|message| message.err().map(|malformed| malformed.fault))
        .collect();
    let too_many = Some(Fault::TooMany);
    assert_eq!(faults, [None, None, too_many, too_many]);
    // What is left goes to a smaller one.
    let mixed = [one.repeat(3), feedback_on(7, 8, &[Some(3)])].concat();
    assert!(read(&mixed).last().is_some_and(|message| message.is_ok()));
}

#[test]
fn empty_runs_are_stepped_over() {
    let chunks = [run(1, 0), run(0, 0), run(1, 1), run(0, 0)];
    // The last chunk is not needed any more: it is read as the delta.
    assert_eq!(ticks(&feedback(8, 1, 0, 0, &chunks, &[])), [(8, Some(0))]);
    let only_empty = [run(1, 0); 4];
    let bytes = feedback(8, 1, 0, 0, &only_empty, &[]);
    assert_eq!(parse(&bytes).unwrap_err(), Fault::Short);
}

#[test]
fn the_reference_time_does_not_wrap_around() {
    let mut clock = ReferenceClock::default();
    assert_eq!(clock.micros(0xff_fffe), 0xff_fffe * 64_000);
    assert_eq!(clock.micros(1), 0x100_0001 * 64_000);
    // A message that was overtaken.
    assert_eq!(clock.micros(0xff_ffff), 0xff_ffff * 64_000);
    assert_eq!(clock.micros(2), 0x100_0002 * 64_000);
}

#[test]
fn the_reference_time_passes_many_wrap_arounds() {
    let mut clock = ReferenceClock::default();
    let mut before = clock.micros(0);
    for step in 1..1000_u32 {
        let now = clock.micros(step.wrapping_mul(0x7f_ffff) & 0xff_ffff);
        assert_eq!(now - before, 0x7f_ffff * 64_000);
        before = now;
    }
}
