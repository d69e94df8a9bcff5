//! A datagram, before anything is known of its sender.

use sluice_media_core::demux::{Kind, binding_request, binding_success, kind};

pub fn run(datagram: &[u8]) {
    let kind = kind(datagram);
    if let Some(binding) = binding_request(datagram) {
        assert_eq!(kind, Kind::Stun);
        assert!(!binding.local_ufrag.contains(':'));
        assert!(binding_success(datagram).is_none());
    }
    if binding_success(datagram).is_some() {
        assert_eq!(kind, Kind::Stun);
    }
}
