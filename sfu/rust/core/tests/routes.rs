//! Which peer a datagram belongs to.

use std::net::SocketAddr;

use sluice_media_core::routes::{Path, Routes};

fn udp(port: u16) -> Path {
    Path::Udp(SocketAddr::from(([192, 0, 2, 1], port)))
}

fn tcp(connection: u64, port: u16) -> Path {
    Path::Tcp(connection, SocketAddr::from(([192, 0, 2, 1], port)))
}

#[test]
fn a_peer_is_found_by_its_ufrag_and_by_each_path_that_it_proved() {
    let mut routes = Routes::default();
    assert!(routes.is_empty());
    routes.add_ufrag("abcd", 1);
    assert_eq!(routes.by_ufrag("abcd"), Some(1));
    assert_eq!(routes.by_path(&udp(1000)), None);
    routes.add_path(udp(1000), 1);
    routes.add_path(tcp(9, 1000), 1);
    assert_eq!(routes.by_path(&udp(1000)), Some(1));
    assert_eq!(routes.by_path(&tcp(9, 1000)), Some(1));
    assert_eq!(routes.by_path(&tcp(8, 1000)), None);
    assert_eq!(routes.by_ufrag("abce"), None);
    assert_eq!(routes.len(), 2);
}

#[test]
fn a_path_has_the_address_that_it_comes_from() {
    assert_eq!(udp(1000).address(), tcp(3, 1000).address());
}

#[test]
fn an_address_that_another_peer_had_is_the_new_peers() {
    let mut routes = Routes::new();
    routes.add_path(udp(1000), 1);
    routes.add_path(udp(1001), 1);
    routes.add_path(udp(1000), 2);
    assert_eq!(routes.by_path(&udp(1000)), Some(2));
    // The first peer's end does not take it away.
    assert_eq!(routes.remove_peer(1), [udp(1001)]);
    assert_eq!(routes.by_path(&udp(1000)), Some(2));
    assert_eq!(routes.len(), 1);
}

#[test]
fn a_peer_keeps_sixteen_paths_and_loses_the_one_proved_longest_ago() {
    let mut routes = Routes::new();
    for port in 0..16 {
        routes.add_path(udp(1000 + port), 1);
    }
    // Checked again, so no longer the oldest.
    routes.add_path(udp(1000), 1);
    assert_eq!(routes.len(), 16);
    routes.add_path(udp(2000), 1);
    assert_eq!(routes.len(), 16);
    assert_eq!(routes.by_path(&udp(1000)), Some(1));
    assert_eq!(routes.by_path(&udp(1001)), None);
    assert_eq!(routes.by_path(&udp(2000)), Some(1));
}

#[test]
fn a_restart_keeps_the_old_ufrag_beside_the_new_one_and_no_more() {
    let mut routes = Routes::new();
    for ufrag in ["one", "two", "three"] {
        routes.add_ufrag(ufrag, 1);
    }
    assert_eq!(routes.by_ufrag("one"), None);
    assert_eq!(routes.by_ufrag("two"), Some(1));
    assert_eq!(routes.by_ufrag("three"), Some(1));
}

#[test]
fn a_closed_path_is_forgotten_alone() {
    let mut routes = Routes::new();
    routes.add_path(tcp(1, 1000), 1);
    routes.add_path(udp(1000), 1);
    routes.remove_path(&tcp(1, 1000));
    routes.remove_path(&tcp(7, 7));
    assert_eq!(routes.by_path(&tcp(1, 1000)), None);
    assert_eq!(routes.remove_peer(1), [udp(1000)]);
}

#[test]
fn nothing_of_a_removed_peer_is_left() {
    let mut routes = Routes::new();
    routes.add_ufrag("one", 1);
    routes.add_ufrag("two", 1);
    routes.add_path(udp(1000), 1);
    routes.add_ufrag("other", 2);
    assert_eq!(routes.remove_peer(1), [udp(1000)]);
    assert_eq!(routes.remove_peer(1), []);
    assert_eq!(routes.by_ufrag("one").or(routes.by_ufrag("two")), None);
    assert_eq!(routes.by_ufrag("other"), Some(2));
    assert!(routes.is_empty());
}
