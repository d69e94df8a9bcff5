//! Peers whose address changes under way.

use std::time::{Duration, Instant};

use sluice_media_core::demux;

use super::Worker;

/// Before this a peer still looks for its best path.
const SETTLED: Duration = Duration::from_secs(3);

impl Worker {
    /// A datagram from an address that no peer has proved. Where a NAT gave a publisher another
    /// port under way, its next check may be seconds off (RFC 7675 section 5.1); until then its
    /// media are told by its key. Nothing is sent there before the check, and what is not a
    /// publisher's is looked at so often and no more.
    pub(super) fn astray(&mut self, datagram: &[u8], now: Instant) {
        let look = self.strangers.has_one(now);
        let known = demux::ssrc(datagram).filter(|_| look);
        let id = known.and_then(|ssrc| self.senders.get(&ssrc).copied());
        let proved = id.and_then(|id| Some((id, self.peers.get(&id)?.chosen.path()?)));
        // Its protocol stack takes media from an address that it knows, so they come from there.
        let taken = proved.is_some_and(|(id, path)| {
            self.drive(id, None, now, |peer, net| {
                peer.receive(path, datagram, &net.addresses, now)?;
                Ok(())
            })
        });
        if proved.is_some() && !taken {
            self.strangers.take(now);
        }
        let counters = &self.net.counters;
        match taken {
            true => counters.media_unproved_address.add(1),
            false => counters.drops_unknown_address.add(1),
        }
    }

    /// A peer's path is another one.
    pub(super) fn moved(&mut self, id: u64, now: Instant) {
        self.net.counters.path_changes.add(1);
        let settled = |opened: Instant| now >= opened + SETTLED;
        if self.peers.get(&id).is_some_and(|peer| settled(peer.opened)) {
            // What went to the old address is lost, most likely: begin anew at once.
            self.begin(id, now);
        }
    }
}
