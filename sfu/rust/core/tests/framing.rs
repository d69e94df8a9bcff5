//! Datagrams on a TCP connection (RFC 4571).

mod world;

use sluice_media_core::framing::{Deframer, FrameTooLong, MAX_FRAME, frame};
use world::Dice;

fn framed(datagrams: &[Vec<u8>]) -> Vec<u8> {
    let mut stream = Vec::new();
    for datagram in datagrams {
        assert!(frame(datagram, &mut stream));
    }
    stream
}

fn take(deframer: &mut Deframer, into: &mut Vec<Vec<u8>>) {
    while let Some(datagram) = deframer.next_frame().expect("good framing") {
        into.push(datagram.to_vec());
    }
}

#[test]
fn a_datagram_is_its_length_in_two_bytes_and_itself() {
    assert_eq!(framed(&[vec![7, 8, 9]]), [0, 3, 7, 8, 9]);
    assert_eq!(framed(&[vec![0; 258]])[..2], [1, 2]);
}

#[test]
fn a_stream_may_be_cut_at_any_byte() {
    let datagrams = vec![vec![1; 5], vec![], vec![2; 300], vec![3]];
    let stream = framed(&datagrams);
    for cut in 0..=stream.len() {
        let mut deframer = Deframer::default();
        let mut got = Vec::new();
        for piece in [&stream[..cut], &stream[cut..]] {
            deframer.push(piece);
            take(&mut deframer, &mut got);
        }
        assert_eq!(got, datagrams, "cut at {cut}");
    }
}

#[test]
fn random_pieces_of_random_datagrams_come_out_whole() {
    let mut dice = Dice(11);
    for _ in 0..200 {
        let datagrams: Vec<Vec<u8>> = (0..dice.below(20))
            .map(|_| {
                let length = dice.below(1500) as usize;
                dice.bytes(length)
            })
            .collect();
        let stream = framed(&datagrams);
        let mut deframer = Deframer::default();
        let mut got = Vec::new();
        let mut rest = &stream[..];
        while !rest.is_empty() {
            let (piece, tail) = rest.split_at(rest.len().min(1 + dice.below(2000) as usize));
            deframer.push(piece);
            take(&mut deframer, &mut got);
            rest = tail;
        }
        assert_eq!(got, datagrams);
    }
}

#[test]
fn the_longest_datagram_is_taken_and_a_longer_one_breaks_the_stream() {
    let mut deframer = Deframer::default();
    deframer.push(&framed(&[vec![5; MAX_FRAME]]));
    assert_eq!(
        deframer.next_frame().map(|d| d.map(<[u8]>::len)),
        Ok(Some(MAX_FRAME))
    );
    // Known from its length alone: nothing has to be stored for it.
    deframer.push(&(MAX_FRAME as u16 + 1).to_be_bytes());
    let broken = Err(FrameTooLong(MAX_FRAME + 1));
    assert_eq!(deframer.next_frame(), broken);
    assert_eq!(deframer.next_frame(), broken);
}

#[test]
fn nothing_comes_of_nothing() {
    let mut deframer = Deframer::default();
    assert_eq!(deframer.next_frame(), Ok(None));
    deframer.push(&[]);
    assert_eq!(deframer.next_frame(), Ok(None));
    deframer.push(&[0]);
    assert_eq!(deframer.next_frame(), Ok(None));
    deframer.push(&[0]);
    assert_eq!(deframer.next_frame(), Ok(Some(&[][..])));
    assert_eq!(deframer.next_frame(), Ok(None));
}

#[test]
fn what_two_bytes_cannot_count_is_not_framed() {
    let mut stream = vec![1];
    assert!(!frame(&vec![0; 65_536], &mut stream));
    assert_eq!(stream, [1]);
}
