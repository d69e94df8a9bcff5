//! What an engine is started with.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Settings of the media engine. Python fills them from `sluice.yaml`, section `media`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address to bind. Unspecified (0.0.0.0, ::) means every interface.
    pub host: IpAddr,
    /// Port of the first worker; the others follow. 0 lets the system choose.
    pub port: u16,
    /// Number of workers; 0 means one a core.
    pub workers: usize,
    /// Listen for ICE over TCP on the same port numbers.
    pub tcp: bool,
    /// Addresses to announce in place of the bound ones (1:1 NAT).
    pub public_addresses: Vec<IpAddr>,
    pub keyframe_interval: Duration,
    /// The kept group of pictures: media time and bytes, a layer.
    pub replay_span: Duration,
    pub replay_bytes: usize,
    pub max_peers: usize,
    /// No packet from a peer for this long ends it (RFC 7675).
    pub consent_timeout: Duration,
    /// A peer that has not finished ICE and DTLS by then ends.
    pub connect_timeout: Duration,
    /// Most peers that may be between their offer and the end of DTLS at once.
    pub max_half_open: usize,
    /// An encoding is of no use for so long before the publisher is asked to leave it out: taking
    /// it up again costs its sender some seconds.
    pub demand_patience: Duration,
    /// Data channel limits, a peer: bytes a message and messages a second.
    pub message_bytes: usize,
    pub messages_per_second: f64,
}

/// A worker's port, as bound and as told to peers.
#[derive(Clone, Debug)]
pub struct Addresses {
    pub udp: Vec<SocketAddr>,
    pub tcp: Vec<SocketAddr>,
}

impl Addresses {
    /// The announced address that stands for ours towards a remote of this family.
    pub fn towards(of: &[SocketAddr], remote: SocketAddr) -> Option<SocketAddr> {
        of.iter()
            .find(|a| a.is_ipv4() == remote.is_ipv4())
            .or(of.first())
            .copied()
    }
}

/// The addresses to announce for a worker bound to `bound`.
pub fn announced(settings: &Settings, bound: SocketAddr) -> std::io::Result<Vec<SocketAddr>> {
    let port = bound.port();
    if !settings.public_addresses.is_empty() {
        return Ok(settings
            .public_addresses
            .iter()
            .map(|ip| SocketAddr::new(*ip, port))
            .collect());
    }
    if !bound.ip().is_unspecified() {
        return Ok(vec![bound]);
    }
    let usable = |ip: &IpAddr| match ip {
        IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
        // A v4 socket cannot be reached over v6, and fe80:: needs a scope that SDP cannot say.
        IpAddr::V6(v6) => bound.is_ipv6() && !v6.is_loopback() && !v6.is_unicast_link_local(),
    };
    let found: Vec<SocketAddr> = if_addrs::get_if_addrs()?
        .into_iter()
        .map(|interface| interface.ip())
        .filter(usable)
        .map(|ip| SocketAddr::new(ip, port))
        .collect();
    if found.is_empty() {
        let loopback = if bound.is_ipv4() {
            IpAddr::from([127, 0, 0, 1])
        } else {
            IpAddr::from(std::net::Ipv6Addr::LOCALHOST)
        };
        return Ok(vec![SocketAddr::new(loopback, port)]);
    }
    Ok(found)
}
