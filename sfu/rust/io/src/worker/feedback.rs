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
        let read = catch_unwind(AssertUnwindSafe(|| {
            self.read_feedback(id, path, datagram, now);
        }));
        if read.is_err() {
            self.panicked(id);
        }
    }

    fn read_feedback(&mut self, id: u64, on: Path, datagram: &[u8], now: Instant) {
        let wall = self.shared.wall(now);
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        peer.look_for_poison();
        let (Part::Viewer(viewer), Some(path)) = (&mut peer.part, peer.chosen.path()) else {
            return;
        };
        let Some(wishes) = viewer.feedback(datagram, &self.net.counters, now, wall) else {
            return;
        };
        // Only what was sealed with its key shows that the viewer is there.
        peer.last_input = now;
        let Some(channel) = self.channels.get_mut(&*peer.channel) else {
            return;
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
        peer.chosen.heard(on, now);
        if peer.chosen.path() != Some(path) {
            self.moved(id, now);
        }
    }
}
