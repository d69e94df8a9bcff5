//! What a datagram is, from its first bytes (RFC 7983).

mod world;

use sluice_media_core::demux::{
    Binding, Kind, Transaction, binding_request, binding_success, kind,
};
use world::Dice;

const TRANSACTION: Transaction = [7; 12];

/// A STUN message with these attributes.
fn stun(message: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (attribute, value) in attributes {
        body.extend_from_slice(&attribute.to_be_bytes());
        body.extend_from_slice(&(value.len() as u16).to_be_bytes());
        body.extend_from_slice(value);
        body.resize(body.len().next_multiple_of(4), 0);
    }
    let mut datagram = message.to_be_bytes().to_vec();
    datagram.extend_from_slice(&(body.len() as u16).to_be_bytes());
    datagram.extend_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
    datagram.extend_from_slice(&TRANSACTION);
    datagram.extend_from_slice(&body);
    datagram
}

const USERNAME: u16 = 0x0006;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;

fn request() -> Vec<u8> {
    let attributes: [(u16, &[u8]); 3] = [
        (PRIORITY, &[0, 0, 1, 0]),
        (USERNAME, b"ours7:theirs"),
        (USE_CANDIDATE, b""),
    ];
    stun(1, &attributes)
}

#[test]
fn each_protocol_is_known_by_its_first_bytes() {
    assert_eq!(kind(&request()), Kind::Stun);
    let mut dtls = vec![22, 0xfe, 0xfd];
    dtls.resize(13, 0);
    assert_eq!(kind(&dtls), Kind::Dtls);
    let mut rtp = vec![0x80, 96];
    rtp.resize(12, 0);
    assert_eq!(kind(&rtp), Kind::Rtp);
    // With the marker.
    rtp[1] = 0x80 | 96;
    assert_eq!(kind(&rtp), Kind::Rtp);
    for packet_type in 192..=223 {
        rtp[1] = packet_type;
        assert_eq!(kind(&rtp), Kind::Rtcp);
    }
    assert_eq!(kind(&[0x80, 200, 0, 1, 0, 0, 0, 1]), Kind::Rtcp);
}

#[test]
fn what_is_too_short_or_none_of_them_is_not_ours() {
    let others: [&[u8]; 8] = [
        b"",
        &[0],
        &[0x80; 11],
        &[0x80, 200, 0, 1, 0, 0, 0],
        &[22; 12],
        // STUN without the cookie (RFC 3489), and with a cut one.
        &[
            0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
        ],
        &[0, 1, 0, 0, 0x21, 0x12, 0xa4],
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ];
    for datagram in others {
        assert_eq!(kind(datagram), Kind::Other, "{datagram:?}");
    }
    for first in (4..=19).chain(64..=127).chain(192..=255) {
        assert_eq!(kind(&[first; 40]), Kind::Other, "first byte {first}");
    }
}

#[test]
fn stun_is_as_long_as_it_says() {
    let whole = request();
    let mut longer = whole.clone();
    longer.push(0);
    assert_eq!(kind(&longer), Kind::Other);
    for length in 0..whole.len() {
        assert_eq!(kind(&whole[..length]), Kind::Other, "{length}");
    }
}

#[test]
fn a_binding_request_tells_our_ufrag_and_whether_the_path_is_chosen() {
    let chosen = Binding {
        local_ufrag: "ours7",
        use_candidate: true,
        transaction: TRANSACTION,
    };
    assert_eq!(binding_request(&request()), Some(chosen));
    let plain = stun(1, &[(USERNAME, b"a:b")]);
    assert_eq!(
        binding_request(&plain).map(|b| b.use_candidate),
        Some(false)
    );
    // An empty remote half is the remote side's business.
    assert!(binding_request(&stun(1, &[(USERNAME, b"a:")])).is_some());
}

#[test]
fn padding_is_skipped_whatever_the_length_of_the_name() {
    for length in 1..20 {
        let name = format!("{}:x", "u".repeat(length));
        let datagram = stun(1, &[(USERNAME, name.as_bytes()), (USE_CANDIDATE, b"")]);
        let binding = binding_request(&datagram).expect("a binding request");
        assert_eq!(binding.local_ufrag.len(), length);
        assert!(binding.use_candidate);
    }
}

#[test]
fn the_last_attributes_padding_may_be_missing() {
    let mut datagram = stun(1, &[(USERNAME, b"ab:cde")]);
    datagram.truncate(datagram.len() - 2);
    let length = datagram.len() as u16 - 20;
    datagram[2..4].copy_from_slice(&length.to_be_bytes());
    assert_eq!(
        binding_request(&datagram).map(|b| b.local_ufrag),
        Some("ab")
    );
}

#[test]
fn a_request_cut_anywhere_is_none() {
    let whole = request();
    for length in 0..whole.len() {
        assert_eq!(binding_request(&whole[..length]), None, "{length} bytes");
    }
}

#[test]
fn a_request_that_says_nothing_of_us_is_none() {
    let others = [
        stun(1, &[]),
        stun(1, &[(PRIORITY, &[0; 4])]),
        stun(1, &[(USERNAME, b"no colon")]),
        stun(1, &[(USERNAME, &[0xff, 0xfe, b':', b'x'])]),
        // A response and an indication.
        stun(0x0101, &[(USERNAME, b"a:b")]),
        stun(0x0011, &[(USERNAME, b"a:b")]),
    ];
    for datagram in others {
        assert_eq!(binding_request(&datagram), None, "{datagram:?}");
    }
    // An attribute longer than the message.
    let mut lying = stun(1, &[(USERNAME, b"a:bc")]);
    lying[23] = 200;
    assert_eq!(binding_request(&lying), None);
}

#[test]
fn only_a_success_response_to_a_binding_is_one() {
    assert_eq!(binding_success(&stun(0x0101, &[])), Some(TRANSACTION));
    assert_eq!(binding_success(&stun(0x0111, &[])), None);
    assert_eq!(binding_success(&request()), None);
    assert_eq!(binding_success(&[1, 1]), None);
}

#[test]
fn a_hundred_thousand_random_datagrams_do_no_harm() {
    let mut dice = Dice(2026);
    let mut kinds = [0; 5];
    for _ in 0..100_000 {
        let mut datagram = if dice.below(2) == 0 {
            request()
        } else {
            let length = dice.below(80) as usize;
            dice.bytes(length)
        };
        for _ in 0..dice.below(4) {
            if let Some(last) = (datagram.len() as u64).checked_sub(1) {
                let at = dice.below(last + 1) as usize;
                datagram[at] = dice.roll() as u8;
            }
        }
        datagram.truncate(dice.below(90) as usize);
        let kind = kind(&datagram);
        kinds[kind as usize] += 1;
        if let Some(binding) = binding_request(&datagram) {
            assert_eq!(kind, Kind::Stun);
            assert!(!binding.local_ufrag.contains(':'));
        }
        if binding_success(&datagram).is_some() {
            assert_eq!(kind, Kind::Stun);
        }
    }
    assert!(kinds.iter().all(|count| *count > 100), "{kinds:?}");
}
