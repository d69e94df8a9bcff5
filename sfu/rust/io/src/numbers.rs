//! The numbers of a viewer's reports (SRTCP): each is taken once.

/// Numbers that are looked back at.
const WINDOW: u32 = 64;
/// One may be so far ahead of the newest and look like the sender's next.
const AHEAD: u32 = 64;
/// Senders in one session whose numbers are remembered.
const SENDERS: usize = 16;

/// Those of all senders in one session.
#[derive(Default)]
pub struct Numbers {
    /// The one that was heard last comes last.
    senders: Vec<Heard>,
}

/// The numbers of one sender: a peer that receives two tracks may report on each under an SSRC
/// of its own, and each counts by itself (RFC 3711 section 3.2.3).
struct Heard {
    ssrc: u32,
    newest: u32,
    /// Bit n: `newest - n` was seen.
    seen: u64,
}

impl Numbers {
    /// Or it is too old to tell.
    pub fn has_seen(&self, ssrc: u32, index: u32) -> bool {
        let sender = self.sender(ssrc);
        sender.is_some_and(|sender| sender.has_seen(index))
    }

    /// Whether it is one of those that come next. Of a sender that was never heard nothing is
    /// known.
    pub fn expects(&self, ssrc: u32, index: u32) -> bool {
        let sender = self.sender(ssrc);
        let ahead = sender.and_then(|sender| index.checked_sub(sender.newest));
        ahead.is_some_and(|ahead| (1..=AHEAD).contains(&ahead))
    }

    /// Only after the packet proved to be genuine.
    pub fn mark(&mut self, ssrc: u32, index: u32) {
        let place = self.senders.iter().position(|sender| sender.ssrc == ssrc);
        let mut sender = match place {
            Some(place) => self.senders.remove(place),
            None => Heard {
                ssrc,
                newest: index,
                seen: 0,
            },
        };
        sender.mark(index);
        if self.senders.len() == SENDERS {
            self.senders.remove(0);
        }
        self.senders.push(sender);
    }

    fn sender(&self, ssrc: u32) -> Option<&Heard> {
        self.senders.iter().find(|sender| sender.ssrc == ssrc)
    }
}

impl Heard {
    fn has_seen(&self, index: u32) -> bool {
        let behind = self.newest.checked_sub(index);
        behind.is_some_and(|behind| behind >= WINDOW || self.seen >> behind & 1 == 1)
    }

    fn mark(&mut self, index: u32) {
        if index > self.newest {
            let ahead = index - self.newest;
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0);
            self.newest = index;
        }
        self.seen |= 1 << (self.newest - index);
    }
}
