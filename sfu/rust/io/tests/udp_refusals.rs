//! Kernels and paths that cut no bursts apart.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

use sluice_media_io::counters::Counters;
use sluice_media_io::udp::Udp;

fn ours() -> Udp {
    Udp::bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port")
}

fn theirs() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let patience = Some(Duration::from_secs(20));
    socket.set_read_timeout(patience).expect("a socket");
    let address = socket.local_addr().expect("an address");
    (socket, address)
}

/// Without checksums the kernel refuses to cut datagrams apart, as it does where a path or a card
/// cannot.
fn refuse_segmentation(udp: &Udp) {
    let on: libc::c_int = 1;
    // SAFETY: an option of four bytes, with their length.
    let set = unsafe {
        libc::setsockopt(
            udp.socket().as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_NO_CHECK,
            std::ptr::from_ref(&on).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    assert_eq!(set, 0);
}

fn burst(udp: &mut Udp, to: SocketAddr, counters: &Counters) -> Vec<Vec<u8>> {
    let lengths = [1200, 1200, 1200, 1200, 300, 1200, 1200];
    let all: Vec<Vec<u8>> = lengths
        .iter()
        .enumerate()
        .map(|(i, length)| vec![i as u8; *length])
        .collect();
    for datagram in &all {
        udp.send(to, datagram, counters);
    }
    udp.flush(counters);
    all
}

fn receive(socket: &UdpSocket, count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|_| {
            let mut buffer = [0; 2048];
            let length = socket.recv(&mut buffer).expect("a datagram");
            buffer[..length].to_vec()
        })
        .collect()
}

#[test]
fn neighbours_leave_in_one_piece_and_arrive_as_they_were() {
    let (mut udp, counters) = (ours(), Counters::default());
    let (socket, to) = theirs();
    let sent = burst(&mut udp, to, &counters);
    assert_eq!(receive(&socket, sent.len()), sent);
    assert_eq!(counters.send_calls.get(), 1);
    assert_eq!(counters.sent_datagrams.get(), sent.len() as u64);
    assert_eq!(counters.segmentation_refused.get(), 0);
}

#[test]
fn what_the_kernel_does_not_cut_apart_goes_in_pieces() {
    let (mut udp, counters) = (ours(), Counters::default());
    let (socket, to) = theirs();
    refuse_segmentation(&udp);
    for _ in 0..10 {
        let sent = burst(&mut udp, to, &counters);
        assert_eq!(receive(&socket, sent.len()), sent);
    }
    assert_eq!(counters.sent_datagrams.get(), 70);
    assert_eq!(counters.errors_send.get(), 0);
    // It is not tried for ever.
    assert!((1..=8).contains(&counters.segmentation_refused.get()));
    assert_eq!(udp.queued(), 0);
}

#[test]
fn one_path_that_refuses_does_not_take_it_from_the_others() {
    let (mut udp, counters) = (ours(), Counters::default());
    let (good, to) = theirs();
    // No route can carry a burst to port 0; loopback refuses it with EINVAL.
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    for _ in 0..100 {
        burst(&mut udp, nowhere, &counters);
        let sent = burst(&mut udp, to, &counters);
        assert_eq!(receive(&good, sent.len()), sent);
    }
    assert!(counters.segmentation_refused.get() >= 100);
    // Two messages in one call still.
    let before = counters.send_calls.get();
    burst(&mut udp, to, &counters);
    assert_eq!(counters.send_calls.get() - before, 1);
    assert_eq!(receive(&good, 7).len(), 7);
}

#[test]
fn without_segmentation_each_datagram_is_a_message() {
    let (mut udp, counters) = (ours(), Counters::default());
    let (socket, to) = theirs();
    udp.set_segmentation(false);
    let sent = burst(&mut udp, to, &counters);
    assert_eq!(receive(&socket, sent.len()), sent);
    assert_eq!(counters.sent_datagrams.get(), 7);
}
