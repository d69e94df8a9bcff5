//! What an engine binds and announces.

mod world;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use sluice_media_io::engine::Engine;
use sluice_media_io::settings::{Addresses, Settings, announced};
use world::settings;

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

#[test]
fn each_worker_has_a_port_of_its_own_for_both_protocols() {
    let engine = Engine::start(Settings {
        workers: 3,
        ..settings()
    })
    .expect("free ports");
    let candidates = engine.candidates();
    let ports = |protocol: &str| -> Vec<String> {
        let of = candidates.iter().filter_map(|c| c.strip_prefix(protocol));
        of.map(str::to_owned).collect()
    };
    let (udp, tcp) = (ports("udp:"), ports("tcp:"));
    assert_eq!(udp.len(), 3);
    assert_eq!(udp, tcp);
    assert!(udp[0] != udp[1] && udp[1] != udp[2]);
}

#[test]
fn tcp_can_be_left_out() {
    let engine = Engine::start(Settings {
        tcp: false,
        ..settings()
    })
    .expect("free ports");
    assert!(engine.candidates().iter().all(|c| c.starts_with("udp:")));
}

#[test]
fn a_taken_port_is_an_error_and_leaves_nothing_behind() {
    let taken = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
    let port = taken.local_addr().expect("an address").port();
    let start = || Engine::start(Settings { port, ..settings() });
    let error = start().err().expect("an error");
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    drop(taken);
    assert!(start().is_ok());
}

#[test]
fn workers_past_the_last_port_are_an_error() {
    let start = Engine::start(Settings {
        port: 65_535,
        workers: 2,
        ..settings()
    });
    assert!(start.is_err());
}

#[test]
fn an_engine_can_be_started_again_on_its_port() {
    let first = Engine::start(settings()).expect("free ports");
    let candidate = first.candidates()[0].clone();
    let port = candidate
        .rsplit(':')
        .next()
        .expect("a port")
        .parse()
        .expect("a port");
    drop(first);
    assert!(Engine::start(Settings { port, ..settings() }).is_ok());
}

#[test]
fn public_addresses_are_announced_in_place_of_bound_ones() {
    let public: IpAddr = [192, 0, 2, 7].into();
    let settings = Settings {
        public_addresses: vec![public],
        ..settings()
    };
    let found = announced(&settings, address("0.0.0.0:5000")).expect("addresses");
    assert_eq!(found, [address("192.0.2.7:5000")]);
}

#[test]
fn a_bound_address_is_announced_as_it_is() {
    let found = announced(&settings(), address("127.0.0.1:5000")).expect("addresses");
    assert_eq!(found, [address("127.0.0.1:5000")]);
}

#[test]
fn every_interface_means_addresses_that_can_be_reached() {
    let found = announced(&settings(), address("0.0.0.0:5000")).expect("addresses");
    assert!(!found.is_empty());
    for address in found {
        assert!(address.is_ipv4() && !address.ip().is_unspecified() && address.port() == 5000);
    }
}

#[test]
fn a_remote_is_answered_from_an_address_of_its_family() {
    let ours = [address("192.0.2.1:5000"), address("[2001:db8::1]:5000")];
    let towards = |remote| Addresses::towards(&ours, address(remote));
    assert_eq!(towards("198.51.100.1:9"), Some(ours[0]));
    assert_eq!(towards("[2001:db8::9]:9"), Some(ours[1]));
    assert_eq!(
        Addresses::towards(&ours[..1], address("[2001:db8::9]:9")),
        Some(ours[0])
    );
    assert_eq!(Addresses::towards(&[], address("198.51.100.1:9")), None);
}
