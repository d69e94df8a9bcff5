//! Connections of ICE over TCP: who may keep one, and what waits in it.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use polling::{Event, Events, PollMode, Poller};
use sluice_media_core::framing::Deframer;
use sluice_media_io::counters::Counters;
use sluice_media_io::tcp::{FIRST_KEY, Tcp};
use socket2::{Domain, Socket, Type};

const LISTENER: usize = 1;
const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));

struct Place {
    tcp: Tcp,
    poller: Poller,
    counters: Counters,
    now: Instant,
}

impl Place {
    fn new() -> Self {
        let tcp = Tcp::bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
        let poller = Poller::new().expect("a poller");
        let interest = Event::readable(LISTENER);
        // SAFETY: both are dropped together.
        let added = unsafe { poller.add_with_mode(tcp.listener(), interest, PollMode::Level) };
        added.expect("a listener");
        Place {
            tcp,
            poller,
            counters: Counters::default(),
            now: Instant::now(),
        }
    }

    fn address(&self) -> SocketAddr {
        self.tcp.listener().local_addr().expect("an address")
    }

    /// A client whose system takes few bytes before the client reads, and its key here.
    fn connect(&mut self) -> (TcpStream, u64) {
        let key = FIRST_KEY + self.tcp.len() as u64;
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(8192).expect("a socket");
        socket.connect(&self.address().into()).expect("a listener");
        while self.tcp.len() as u64 + FIRST_KEY == key {
            self.accept();
        }
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(PATIENCE).expect("a socket");
        (stream, key)
    }

    fn accept(&mut self) {
        let mut events = Events::new();
        self.poller.wait(&mut events, PATIENCE).expect("an event");
        let (now, poller) = (self.now, &self.poller);
        self.tcp.accept(LISTENER, poller, now, &self.counters);
    }

    fn send(&mut self, key: u64, number: u64) {
        let datagram = [&number.to_be_bytes()[..], &[7; 992]].concat();
        let (now, poller) = (self.now, &self.poller);
        self.tcp.send(key, &datagram, poller, &self.counters, now);
    }

    fn backlog(&self, key: u64) -> Duration {
        self.tcp.backlog(key, self.now)
    }

    /// Send until the kernel takes no more; returns how many.
    fn fill(&mut self, key: u64) -> u64 {
        let mut sent = 0;
        self.now += Duration::from_millis(1);
        while self
            .tcp
            .backlog(key, self.now + Duration::from_millis(1))
            .is_zero()
        {
            self.send(key, sent);
            sent += 1;
            assert!(sent < 100_000, "the kernel takes everything");
        }
        sent
    }
}

/// Numbers of the datagrams that come, until `last` did.
fn read(place: &mut Place, stream: &mut TcpStream, key: u64, last: u64) -> Vec<u64> {
    let mut deframer = Deframer::default();
    let mut numbers = Vec::new();
    let mut buffer = [0; 4096];
    while numbers.last() != Some(&last) {
        let length = stream.read(&mut buffer).expect("bytes");
        assert!(length > 0, "the connection ended");
        deframer.push(&buffer[..length]);
        while let Some(datagram) = deframer.next_frame().expect("good framing") {
            let number = datagram[..8].try_into().expect("a number");
            numbers.push(u64::from_be_bytes(number));
        }
        place.tcp.write(key, &place.poller);
    }
    numbers
}

#[test]
fn a_connection_that_nobody_claims_ends_after_ten_seconds() {
    let mut place = Place::new();
    let (_claimed, claimed) = place.connect();
    let (mut idle, unclaimed) = place.connect();
    place.tcp.claim(claimed);
    let at = |seconds| place.now + Duration::from_secs(seconds);
    assert_eq!(place.tcp.expired(at(10)), []);
    assert_eq!(place.tcp.expired(at(11)), [unclaimed]);
    assert!(place.tcp.close(unclaimed, &place.poller).is_some());
    assert_eq!(idle.read(&mut [0; 8]).expect("an end"), 0);
    assert_eq!(place.tcp.expired(at(3600)), []);
}

#[test]
fn a_flood_of_connections_ends_the_oldest_unclaimed_and_no_claimed_one() {
    let mut place = Place::new();
    let (mut claimed, key) = place.connect();
    place.tcp.claim(key);
    let (mut oldest, _) = place.connect();
    let mut others = Vec::new();
    for _ in 0..256 {
        assert_eq!(place.counters.drops_connections.get(), 0);
        others.push(TcpStream::connect(place.address()).expect("a listener"));
        place.accept();
    }
    assert_eq!(place.counters.drops_connections.get(), 1);
    assert_eq!(place.tcp.len(), 257);
    assert_eq!(oldest.read(&mut [0; 8]).expect("an end"), 0);
    place.send(key, 5);
    assert_eq!(read(&mut place, &mut claimed, key, 5), [5]);
}

#[test]
fn what_waits_is_as_old_as_its_oldest_byte() {
    let mut place = Place::new();
    let (_stream, key) = place.connect();
    place.send(key, 0);
    assert_eq!(place.backlog(key), Duration::ZERO);
    place.fill(key);
    let filled = place.now;
    for ms in [100, 200, 499] {
        place.now = filled + Duration::from_millis(ms);
        place.send(key, 1);
        assert_eq!(place.backlog(key), Duration::from_millis(ms));
    }
    assert_eq!(place.counters.drops_tcp_buffer.get(), 0);
}

#[test]
fn nothing_is_added_to_half_a_second_and_a_reader_that_is_back_gets_the_rest_in_order() {
    let mut place = Place::new();
    let (mut stream, key) = place.connect();
    let mut next = place.fill(key);
    let first_dropped = {
        for _ in 0..50 {
            place.now += Duration::from_millis(20);
            place.send(key, next);
            next += 1;
        }
        next - place.counters.drops_tcp_buffer.get()
    };
    // Those of the first half second stayed, and no later one.
    assert_eq!(place.counters.drops_tcp_buffer.get(), 50 - 24);
    let numbers = read(&mut place, &mut stream, key, first_dropped - 1);
    assert_eq!(numbers, (0..first_dropped).collect::<Vec<_>>());
    assert_eq!(place.backlog(key), Duration::ZERO);
    place.send(key, 7777);
    assert_eq!(read(&mut place, &mut stream, key, 7777), [7777]);
}

#[test]
fn a_flood_within_a_moment_is_bounded_by_its_bytes() {
    let mut place = Place::new();
    let (_stream, key) = place.connect();
    place.fill(key);
    for number in 0..5000 {
        place.send(key, number);
    }
    let kept = 5000 - place.counters.drops_tcp_buffer.get();
    assert!((900..1100).contains(&kept), "{kept}");
}
