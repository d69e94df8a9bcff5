//! Peers whose address changes under way.

use std::time::{Duration, Instant};

use sluice_media_core::demux::{self, Kind};
use sluice_media_core::routes::Path;

use super::Worker;
use crate::peer::Part;
use crate::question;

/// Before this a peer still looks for its best path.
const SETTLED: Duration = Duration::from_secs(3);
/// Viewers whose key is tried on a packet that nobody sent.
const MOST_TRIED: usize = 16;

impl Worker {
    /// A datagram from an address that no peer has proved. Where a NAT gave a peer another port
    /// under way, its next check may be seconds off (RFC 7675 section 5.1). What it sealed tells
    /// whose it is; it is taken, and the peer asked whether it is there. Before it answers, or
    /// checks by itself, nothing else is sent there. What turns out to be nobody's is looked at
    /// so often and no more.
    pub(super) fn astray(&mut self, path: Path, kind: Kind, datagram: &[u8], now: Instant) {
        let look = self.strangers.has_one(now);
        let taken = match kind {
            Kind::Rtp if look => self.media_astray(path, datagram, now),
            Kind::Rtcp if look => self.report_astray(path, datagram, now),
            Kind::Stun => self.answer_astray(path, datagram, now),
            _ => false,
        };
        if !taken {
            self.net.counters.drops_unknown_address.add(1);
        }
    }

    /// A publisher's media, told by their SSRC and key.
    fn media_astray(&mut self, path: Path, datagram: &[u8], now: Instant) -> bool {
        let Some(id) = demux::ssrc(datagram).and_then(|ssrc| self.senders.get(&ssrc).copied())
        else {
            return false;
        };
        let taken = self.drive(id, None, now, |peer, net| {
            peer.receive(path, datagram, &net.addresses, now)?;
            Ok(())
        });
        if taken {
            self.net.counters.media_unproved_address.add(1);
            self.ask(id, path, now);
        } else {
            self.strangers.take(now);
        }
        taken
    }

    /// A viewer's report. Browsers that only receive give all of theirs one and the same SSRC, so
    /// they are told by their numbers and keys.
    fn report_astray(&mut self, path: Path, datagram: &[u8], now: Instant) -> bool {
        let fit = |part: &Part| matches!(part, Part::Viewer(viewer) if viewer.expects(datagram));
        let fitting = self.peers.values().filter(|peer| fit(&peer.part));
        let tried: Vec<u64> = fitting.map(|peer| peer.id).take(MOST_TRIED).collect();
        let whose = tried.into_iter().find(|id| self.heed(*id, datagram, now));
        match whose {
            Some(id) => self.ask(id, path, now),
            None => drop(self.strangers.take(now)),
        }
        whose.is_some()
    }

    /// The answer to a question of ours: the peer is there.
    fn answer_astray(&mut self, path: Path, datagram: &[u8], now: Instant) -> bool {
        let Some(transaction) = demux::binding_success(datagram) else {
            return false;
        };
        let id = self.questions.asked(transaction, path, now);
        let Some(peer) = id.and_then(|id| self.peers.get_mut(&id)) else {
            return false;
        };
        if !question::is_genuine(datagram, &peer.credentials.remote) {
            return false;
        }
        self.questions.answered(transaction);
        self.net.routes.add_path(path, peer.id);
        peer.last_input = now;
        peer.chosen.checked(path, true);
        let id = peer.id;
        self.moved(id, now);
        true
    }

    fn ask(&mut self, id: u64, path: Path, now: Instant) {
        let Some(peer) = self.peers.get(&id) else {
            return;
        };
        let question = self.questions.ask(id, &peer.credentials, path, now);
        if let Some(question) = question {
            self.net.counters.checks_asked.add(1);
            self.net.send(path, &question, now);
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
