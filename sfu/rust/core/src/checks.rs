//! Connectivity checks that were answered: each proves and chooses a path once.
//!
//! Whoever overhears a check can send it again from anywhere, and its password is right there too.

use std::collections::VecDeque;

use crate::demux::Transaction;
use crate::routes::Path;

/// Some minutes of a browser's checks, which come each 2.5 s.
const MANY: usize = 64;

/// The last checks of a peer that were answered, and where each came from.
#[derive(Debug, Default)]
pub struct Checks {
    /// The oldest first.
    answered: VecDeque<(Transaction, Path)>,
}

impl Checks {
    /// This check was answered on another path. A peer makes a new one for each path (RFC 8445
    /// section 7.2.4), and sends one again on its own path only (RFC 8489 section 6.2.1).
    pub fn is_overheard(&self, transaction: Transaction, path: Path) -> bool {
        self.find(transaction).is_some_and(|first| first != path)
    }

    /// A check on this path was answered. False when it had been before, so that it says nothing
    /// that is new: the peer may have chosen another path since.
    pub fn answered(&mut self, transaction: Transaction, path: Path) -> bool {
        if self.find(transaction).is_some() {
            return false;
        }
        if self.answered.len() == MANY {
            self.answered.pop_front();
        }
        self.answered.push_back((transaction, path));
        true
    }

    fn find(&self, transaction: Transaction) -> Option<Path> {
        let same = |(known, _): &&(Transaction, Path)| *known == transaction;
        self.answered.iter().find(same).map(|(_, path)| *path)
    }
}
