//! Checks of our own: is the peer behind this address?
//!
//! An ICE-lite agent needs none to connect, and makes none. But where a NAT gave a peer another
//! address under way, the peer's next check may be seconds off, and nothing else may be sent
//! there before the peer proved that it is there (RFC 7675). What it sealed tells where it may
//! be; one small question and its answer prove it. Any ICE agent answers (RFC 8445 section 7.3).

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac::{self, HMAC_SHA1_FOR_LEGACY_USE_ONLY};
use sluice_media_core::demux::{self, Transaction};
use sluice_media_core::routes::Path;
use str0m::IceCreds;
use str0m::ice::{StunMessage, TransId};

/// Questions that wait for an answer; of more the oldest go.
const MOST: usize = 64;
/// Before a peer is asked again: a lost question costs no more than this.
const AGAIN: Duration = Duration::from_millis(100);
/// Later answers count no more.
const PATIENCE: Duration = Duration::from_secs(3);
/// A question with the longest names that there are (RFC 8839 section 5.4) is not longer.
const LONGEST: usize = 768;
/// That of a peer-reflexive candidate (RFC 8445 section 5.1.2.1). Nobody sorts by it.
const PRIORITY: u32 = 110 << 24 | 65_535 << 8 | 255;

/// What was asked and not answered yet, the oldest first.
#[derive(Debug, Default)]
pub struct Questions {
    open: VecDeque<Open>,
}

#[derive(Debug)]
struct Open {
    transaction: Transaction,
    peer: u64,
    path: Path,
    at: Instant,
}

/// A session's names and passwords (RFC 8445 section 5.3).
#[derive(Clone)]
pub struct Credentials {
    pub local: IceCreds,
    pub remote: IceCreds,
}

impl Questions {
    /// The question whether this peer is there. None when it was asked a moment ago.
    pub fn ask(
        &mut self,
        peer: u64,
        credentials: &Credentials,
        path: Path,
        now: Instant,
    ) -> Option<Vec<u8>> {
        let lately = |open: &Open| now.saturating_duration_since(open.at) < AGAIN;
        if self
            .open
            .iter()
            .any(|open| open.peer == peer && lately(open))
        {
            return None;
        }
        let Credentials { local, remote } = credentials;
        let username = format!("{}:{}", remote.ufrag, local.ufrag);
        // No USE-CANDIDATE, and controlled: the choice of paths is the peer's.
        let message =
            StunMessage::binding_request(&username, TransId::new(), false, 0, PRIORITY, false);
        let mut question = vec![0; LONGEST];
        let length = message
            .to_bytes(Some(remote.pass.as_bytes()), &mut question, sha1)
            .ok()?;
        question.truncate(length);
        if self.open.len() == MOST {
            self.open.pop_front();
        }
        self.open.push_back(Open {
            transaction: demux::transaction(&question)?,
            peer,
            path,
            at: now,
        });
        Some(question)
    }

    /// Who was asked this on this path.
    pub fn asked(&self, transaction: Transaction, path: Path, now: Instant) -> Option<u64> {
        let asked = self
            .open
            .iter()
            .find(|open| open.transaction == transaction)?;
        let in_time = now.saturating_duration_since(asked.at) < PATIENCE;
        (asked.path == path && in_time).then_some(asked.peer)
    }

    /// It was answered.
    pub fn answered(&mut self, transaction: Transaction) {
        self.open.retain(|open| open.transaction != transaction);
    }
}

/// Whether only a peer with this password can have made the answer.
pub fn is_genuine(answer: &[u8], remote: &IceCreds) -> bool {
    StunMessage::parse(answer).is_ok_and(|message| message.verify(remote.pass.as_bytes(), sha1))
}

fn sha1(key: &[u8], parts: &[&[u8]]) -> [u8; 20] {
    let key = hmac::Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let mut signing = hmac::Context::with_key(&key);
    parts.iter().for_each(|part| signing.update(part));
    let mut tag = [0; 20];
    tag.copy_from_slice(signing.sign().as_ref());
    tag
}
