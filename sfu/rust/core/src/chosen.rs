//! On which of its paths a peer is sent to.

use std::time::{Duration, Instant};

use crate::routes::Path;

/// A path that is not heard of for so long is left for another one on which the remote side sends.
/// What was under way when it chose the path took less.
const SILENT: Duration = Duration::from_millis(500);

/// The path that the remote side chose last: by saying so (RFC 8445 section 7.3.1.5), or by
/// sending on it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Chosen {
    path: Option<Path>,
    /// None after it was chosen by a check.
    heard: Option<Instant>,
}

impl Chosen {
    /// None until the first check.
    pub fn path(&self) -> Option<Path> {
        self.path
    }

    /// A check on this path was answered; `nominated`: it said that this is the path from now on.
    pub fn checked(&mut self, path: Path, nominated: bool) {
        if self.path.is_none() || nominated && self.path != Some(path) {
            self.path = Some(path);
            self.heard = None;
        }
    }

    /// A packet that only the remote side can have made came on a path that it proved. Media and
    /// reports go on the path that it chose; where that is another than ours, and ours is silent,
    /// a NAT gave it another address under way: checks that only keep consent choose nothing
    /// (RFC 7675).
    pub fn heard(&mut self, path: Path, now: Instant) {
        let heard = *self.heard.get_or_insert(now);
        let silent = now.saturating_duration_since(heard) >= SILENT;
        if self.path.is_none_or(|present| present == path) || silent {
            self.path = Some(path);
            self.heard = Some(now);
        }
    }
}
