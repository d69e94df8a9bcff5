//! What viewers tell about what they received.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use sluice_media_core::demux::Kind;
use sluice_media_core::routes::Path;

use super::Worker;
use crate::peer::Part;

impl Worker {
    /// A datagram of SRTP or SRTCP from a viewer's address.
    pub(super) fn feedback(
        &mut self,
        id: u64,
        path: Path,
        kind: Kind,
        datagram: &[u8],
        now: Instant,
    ) {
        if kind == Kind::Rtp {
            // A viewer that sends media was not asked to.
            return self.net.counters.drops_refused.add(1);
        }
        if !self.heed(id, datagram, now) {
            return;
        }
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let before = peer.chosen.path();
        peer.chosen.heard(path, now);
        if peer.chosen.path() != before {
            self.moved(id, now);
        }
    }

    /// SRTCP that may be this viewer's, wherever it came from. False when it is not.
    pub(super) fn heed(&mut self, id: u64, datagram: &[u8], now: Instant) -> bool {
        let read = catch_unwind(AssertUnwindSafe(|| self.read_feedback(id, datagram, now)));
        if read.is_err() {
            self.panicked(id);
        }
        read.is_ok_and(|read| read.is_some())
    }

    fn read_feedback(&mut self, id: u64, datagram: &[u8], now: Instant) -> Option<()> {
        let wall = self.shared.wall(now);
        let peer = self.peers.get_mut(&id)?;
        peer.look_for_poison();
        let (Part::Viewer(viewer), Some(path)) = (&mut peer.part, peer.chosen.path()) else {
            return None;
        };
        let wishes = viewer.feedback(datagram, &self.net.counters, now, wall)?;
        // Only what was sealed with its key shows that the viewer is there.
        peer.last_input = now;
        let Some(channel) = self.channels.get_mut(&*peer.channel) else {
            return Some(());
        };
        if let Some(source) = wishes.keyframe {
            self.net.counters.keyframe_requests_from_viewers.add(1);
            channel.broadcast.want_keyframe(source);
        }
        for number in wishes.lost {
            let ring = |source| channel.broadcast.ring(source);
            let way = &mut self.net.way(path, now);
            viewer.resend(number, ring, &channel.formats, way);
        }
        if let Some(at) = viewer.pad_at() {
            self.padding.set(id, at);
        }
        Some(())
    }
}
