//! Many datagrams a system call.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use sluice_media_io::counters::Counters;
use sluice_media_io::udp::{Inbox, MAX_DATAGRAM, Udp};

/// What arrives comes at once on loopback; this is what a hang would take.
const PATIENCE: Duration = Duration::from_secs(30);

struct World {
    udp: Udp,
    counters: Counters,
}

fn world(address: impl Into<std::net::IpAddr>) -> World {
    World {
        udp: Udp::bind(SocketAddr::new(address.into(), 0)).expect("a socket"),
        counters: Counters::new(),
    }
}

fn receiver(address: impl Into<std::net::IpAddr>) -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind(SocketAddr::new(address.into(), 0)).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let address = socket.local_addr().expect("an address");
    (socket, address)
}

fn receive(socket: &UdpSocket, count: usize) -> Vec<Vec<u8>> {
    let mut buffer = [0; 4096];
    let datagram = |_| {
        let (length, _) = socket.recv_from(&mut buffer).expect("a datagram");
        buffer[..length].to_vec()
    };
    (0..count).map(datagram).collect()
}

/// A datagram of this length that knows its number.
fn datagram(number: usize, length: usize) -> Vec<u8> {
    let mut bytes = vec![number as u8; length];
    bytes[0] = (number >> 8) as u8;
    bytes
}

impl World {
    /// Send datagrams of these lengths; returns them and the messages that they became.
    fn send(&mut self, to: SocketAddr, lengths: &[usize]) -> Vec<Vec<u8>> {
        let datagrams: Vec<_> = lengths
            .iter()
            .enumerate()
            .map(|(number, length)| datagram(number, *length))
            .collect();
        for datagram in &datagrams {
            self.udp.send(to, datagram, &self.counters);
        }
        datagrams
    }

    fn flush(&mut self) {
        self.udp.flush(&self.counters);
    }
}

#[test]
fn datagrams_arrive_as_they_were_whatever_lies_beside_them() {
    let lengths: [&[usize]; 8] = [
        &[100],
        // One message, and one that is full.
        &[700, 700, 700],
        &[700; 8],
        &[700; 20],
        // A shorter one ends it.
        &[700, 700, 300, 700, 700],
        // A longer one begins another.
        &[300, 300, 700, 700],
        &[1, 2, 3, 4, 3, 2, 1],
        &[MAX_DATAGRAM, MAX_DATAGRAM, 1, MAX_DATAGRAM],
    ];
    for segmentation in [true, false] {
        let (socket, to) = receiver(Ipv4Addr::LOCALHOST);
        let mut world = world(Ipv4Addr::LOCALHOST);
        world.udp.set_segmentation(segmentation);
        for lengths in lengths {
            let sent = world.send(to, lengths);
            assert_eq!(world.udp.queued(), lengths.len());
            world.flush();
            assert_eq!(world.udp.queued(), 0);
            assert_eq!(receive(&socket, lengths.len()), sent, "{lengths:?}");
        }
        let sent: usize = lengths.iter().map(|lengths| lengths.len()).sum();
        assert_eq!(world.counters.sent_datagrams.get(), sent as u64);
        assert_eq!(world.counters.send_calls.get(), lengths.len() as u64);
        assert_eq!(world.counters.errors_send.get(), 0);
    }
}

#[test]
fn a_call_carries_hundreds_of_neighbours() {
    // Several, because of what one receiver's buffer holds.
    let receivers: Vec<_> = (0..4).map(|_| receiver(Ipv4Addr::LOCALHOST)).collect();
    for (segmentation, calls) in [(true, 1), (false, 8)] {
        let mut world = world(Ipv4Addr::LOCALHOST);
        world.udp.set_segmentation(segmentation);
        let sent = receivers.iter().map(|(_, to)| world.send(*to, &[20; 120]));
        let sent: Vec<_> = sent.collect();
        world.flush();
        assert_eq!(world.counters.send_calls.get(), calls);
        for ((socket, _), sent) in receivers.iter().zip(sent) {
            assert_eq!(receive(socket, 120), sent);
        }
    }
}

#[test]
fn the_65th_message_sends_those_before_it() {
    let (socket, to) = receiver(Ipv4Addr::LOCALHOST);
    let (other, elsewhere) = receiver(Ipv4Addr::LOCALHOST);
    let mut world = world(Ipv4Addr::LOCALHOST);
    // No two neighbours have one address.
    for number in 0..64 {
        let to = if number % 2 == 0 { to } else { elsewhere };
        world.udp.send(to, &datagram(number, 50), &world.counters);
    }
    assert_eq!(
        (world.udp.queued(), world.counters.send_calls.get()),
        (64, 0)
    );
    world.udp.send(to, &datagram(64, 50), &world.counters);
    assert_eq!(
        (world.udp.queued(), world.counters.send_calls.get()),
        (1, 1)
    );
    world.flush();
    let even = (0..65).step_by(2).map(|number| datagram(number, 50));
    assert_eq!(receive(&socket, 33), even.collect::<Vec<_>>());
    let odd = (1..64).step_by(2).map(|number| datagram(number, 50));
    assert_eq!(receive(&other, 32), odd.collect::<Vec<_>>());
}

#[test]
fn a_full_buffer_is_sent_before_more_is_written() {
    let (socket, to) = receiver(Ipv4Addr::LOCALHOST);
    let mut world = world(Ipv4Addr::LOCALHOST);
    let mut sent = 0;
    while world.counters.send_calls.get() == 0 {
        assert!(sent < 1000, "the buffer is never full");
        world
            .udp
            .send(to, &datagram(sent, MAX_DATAGRAM), &world.counters);
        sent += 1;
    }
    let waits = world.udp.queued();
    assert_eq!(waits, 1);
    let arrived = receive(&socket, 8);
    assert_eq!(
        arrived,
        (0..8)
            .map(|n| datagram(n, MAX_DATAGRAM))
            .collect::<Vec<_>>()
    );
    assert_eq!(world.counters.sent_datagrams.get(), sent as u64 - 1);
}

#[test]
fn what_is_written_in_place_goes_out_once_it_is_committed() {
    let (socket, to) = receiver(Ipv4Addr::LOCALHOST);
    let mut world = world(Ipv4Addr::LOCALHOST);
    for (number, kept) in [(1, true), (2, false), (3, true)] {
        let room = world.udp.room(&world.counters);
        assert_eq!(room.len(), MAX_DATAGRAM);
        room[..100].copy_from_slice(&datagram(number, 100));
        if kept {
            world.udp.commit(to, 100);
        }
    }
    assert_eq!(world.udp.queued(), 2);
    world.flush();
    assert_eq!(receive(&socket, 2), [datagram(1, 100), datagram(3, 100)]);
}

#[test]
fn neighbours_go_out_over_ipv6_too() {
    let (socket, to) = receiver(Ipv6Addr::LOCALHOST);
    let mut world = world(Ipv6Addr::LOCALHOST);
    let sent = world.send(to, &[700, 700, 700, 200, 700]);
    world.flush();
    assert_eq!(receive(&socket, 5), sent);
    assert_eq!(world.counters.send_calls.get(), 1);
}

#[test]
fn a_datagram_that_is_too_long_is_counted_and_harms_no_other() {
    let (socket, to) = receiver(Ipv4Addr::LOCALHOST);
    let mut world = world(Ipv4Addr::LOCALHOST);
    world.udp.send(to, &datagram(1, 60), &world.counters);
    world.udp.send(to, &[0; MAX_DATAGRAM + 1], &world.counters);
    world.udp.send(to, &datagram(2, 60), &world.counters);
    world.flush();
    assert_eq!(receive(&socket, 2), [datagram(1, 60), datagram(2, 60)]);
    assert_eq!(world.counters.errors_send.get(), 1);
}

#[test]
fn an_address_that_cannot_be_reached_concerns_its_own_datagrams_only() {
    let (socket, to) = receiver(Ipv4Addr::LOCALHOST);
    let mut world = world(Ipv4Addr::LOCALHOST);
    // A socket of one family cannot send to the other.
    let nowhere = SocketAddr::new(Ipv6Addr::LOCALHOST.into(), 9);
    for (number, to) in [to, nowhere, nowhere, to].into_iter().enumerate() {
        world.udp.send(to, &datagram(number, 60), &world.counters);
    }
    world.flush();
    assert_eq!(receive(&socket, 2), [datagram(0, 60), datagram(3, 60)]);
    assert_eq!(world.counters.errors_send.get(), 2);
    assert_eq!(world.counters.sent_datagrams.get(), 2);
}

// ---- receiving --------------------------------------------------------------------------------

#[test]
fn a_batch_says_who_sent_what() {
    let world = world(Ipv4Addr::LOCALHOST);
    let to = world.udp.local_address().expect("an address");
    let mut inbox = Inbox::new();
    // Nothing waits.
    assert!(!inbox.receive(&world.udp).expect("a batch"));
    assert_eq!(inbox.datagrams().count(), 0);
    let (one, from_one) = receiver(Ipv4Addr::LOCALHOST);
    let (two, from_two) = receiver(Ipv4Addr::LOCALHOST);
    let mut expected = Vec::new();
    for number in 0..40 {
        let (socket, from) = if number % 3 == 0 {
            (&one, from_one)
        } else {
            (&two, from_two)
        };
        let bytes = datagram(number, 10 + number);
        socket.send_to(&bytes, to).expect("a datagram");
        expected.push((from, bytes));
    }
    let mut found = Vec::new();
    let mut more = true;
    while more {
        more = inbox.receive(&world.udp).expect("a batch");
        found.extend(
            inbox
                .datagrams()
                .map(|(from, bytes)| (from, bytes.to_vec())),
        );
    }
    assert_eq!(found, expected);
}
