//! Which peer a datagram belongs to.

use std::collections::HashMap;
use std::net::SocketAddr;

/// A transport path of a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Path {
    Udp(SocketAddr),
    /// A TCP connection, by its number, and the address it comes from.
    Tcp(u64, SocketAddr),
}

impl Path {
    pub fn address(self) -> SocketAddr {
        match self {
            Path::Udp(address) | Path::Tcp(_, address) => address,
        }
    }
}

/// Peers by the paths that they proved and by the ufrags that we gave them.
///
/// A scan over all peers costs 24 us at 3,000 of them; a hash costs nothing that shows.
#[derive(Debug)]
pub struct Routes<K> {
    by_path: HashMap<Path, K>,
    by_ufrag: HashMap<String, K>,
    of: HashMap<K, Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The one that was proved longest ago first.
    paths: Vec<Path>,
    ufrags: Vec<String>,
}

/// A peer has few paths at a time (host, server-reflexive, relayed, each over UDP and TCP, and
/// again after a handover); more is an attempt to fill our table.
const MAX_PATHS: usize = 16;
/// The present one, and the one before while ICE restarts.
const MAX_UFRAGS: usize = 2;

impl<K: Copy + Eq + std::hash::Hash> Routes<K> {
    pub fn new() -> Self {
        Routes {
            by_path: HashMap::new(),
            by_ufrag: HashMap::new(),
            of: HashMap::new(),
        }
    }

    /// Expect STUN for this ufrag. A peer has two while it restarts ICE; of more the oldest go.
    pub fn add_ufrag(&mut self, ufrag: &str, peer: K) {
        self.by_ufrag.insert(ufrag.to_owned(), peer);
        let known = self.of.entry(peer).or_default();
        known.ufrags.push(ufrag.to_owned());
        if known.ufrags.len() > MAX_UFRAGS {
            self.by_ufrag.remove(&known.ufrags.remove(0));
        }
    }

    /// The path answered a check, so it is this peer's from now on.
    pub fn add_path(&mut self, path: Path, peer: K) {
        if let Some(old) = self.by_path.insert(path, peer)
            && let Some(known) = self.of.get_mut(&old)
        {
            // Its own, and now its newest; or an address that another peer had: NAT ports are
            // used again.
            known.paths.retain(|p| *p != path);
        }
        let known = self.of.entry(peer).or_default();
        known.paths.push(path);
        if known.paths.len() > MAX_PATHS {
            self.by_path.remove(&known.paths.remove(0));
        }
    }

    pub fn by_path(&self, path: &Path) -> Option<K> {
        self.by_path.get(path).copied()
    }

    pub fn by_ufrag(&self, ufrag: &str) -> Option<K> {
        self.by_ufrag.get(ufrag).copied()
    }

    /// Forget a closed path (a TCP connection that ended).
    pub fn remove_path(&mut self, path: &Path) {
        if let Some(peer) = self.by_path.remove(path)
            && let Some(known) = self.of.get_mut(&peer)
        {
            known.paths.retain(|p| p != path);
        }
    }

    /// Forget a peer; returns the paths that it had.
    pub fn remove_peer(&mut self, peer: K) -> Vec<Path> {
        let Some(known) = self.of.remove(&peer) else {
            return Vec::new();
        };
        for path in &known.paths {
            self.by_path.remove(path);
        }
        for ufrag in &known.ufrags {
            self.by_ufrag.remove(ufrag);
        }
        known.paths
    }

    /// Number of known paths.
    pub fn len(&self) -> usize {
        self.by_path.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_path.is_empty()
    }
}

impl<K: Copy + Eq + std::hash::Hash> Default for Routes<K> {
    fn default() -> Self {
        Self::new()
    }
}
