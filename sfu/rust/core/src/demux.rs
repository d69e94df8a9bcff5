//! What a datagram is, from its first bytes (RFC 7983).

/// A datagram's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Stun,
    Dtls,
    Rtp,
    Rtcp,
    /// None of ours: dropped and counted.
    Other,
}

/// What tells a STUN request from all others; an answer has its request's (RFC 8489 section 5).
pub type Transaction = [u8; 12];

/// What we need of a STUN binding request before its peer is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding<'a> {
    /// The first half of USERNAME: the ufrag that we gave to the peer (RFC 8445 section 7.2.2).
    pub local_ufrag: &'a str,
    /// The controlling side has chosen this path (RFC 8445 section 7.1.2).
    pub use_candidate: bool,
    pub transaction: Transaction,
}

const STUN_HEADER: usize = 20;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const USERNAME: u16 = 0x0006;
const USE_CANDIDATE: u16 = 0x0025;

/// Sort a datagram. Looks at eight bytes at most, and at its length.
pub fn kind(datagram: &[u8]) -> Kind {
    match datagram {
        // A check with something behind it is not what its sender made, whose password covers
        // only what the length tells of.
        [0..=3, _, high, low, cookie @ ..]
            if cookie.starts_with(&MAGIC_COOKIE)
                && datagram.len()
                    == STUN_HEADER + usize::from(u16::from_be_bytes([*high, *low])) =>
        {
            Kind::Stun
        }
        [20..=63, ..] if datagram.len() >= 13 => Kind::Dtls,
        // RTCP packet types 192-223 collide with RTP marker + payload type 64-95 (RFC 5761).
        [128..=191, 192..=223, ..] if datagram.len() >= 8 => Kind::Rtcp,
        [128..=191, ..] if datagram.len() >= 12 => Kind::Rtp,
        _ => Kind::Other,
    }
}

/// The stream that a media packet is of.
pub fn ssrc(datagram: &[u8]) -> Option<u32> {
    let bytes = (kind(datagram) == Kind::Rtp)
        .then_some(datagram)?
        .get(8..12)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// Read a binding request. None for anything else, however malformed.
pub fn binding_request(datagram: &[u8]) -> Option<Binding<'_>> {
    if kind(datagram) != Kind::Stun || !datagram.starts_with(&BINDING_REQUEST) {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([datagram[2], datagram[3]]));
    let mut rest = datagram.get(STUN_HEADER..STUN_HEADER + length)?;
    let mut local_ufrag = None;
    let mut use_candidate = false;
    while let [t0, t1, l0, l1, tail @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        let value = tail.get(..length)?;
        match u16::from_be_bytes([*t0, *t1]) {
            USERNAME => {
                let username = std::str::from_utf8(value).ok()?;
                local_ufrag = Some(username.split_once(':')?.0);
            }
            USE_CANDIDATE => use_candidate = true,
            _ => {}
        }
        // Attributes are padded to four bytes; the last one's padding may be missing.
        rest = tail.get(length.next_multiple_of(4)..).unwrap_or(&[]);
    }
    Some(Binding {
        local_ufrag: local_ufrag?,
        use_candidate,
        transaction: transaction(datagram)?,
    })
}

/// The transaction of a STUN message.
pub fn transaction(datagram: &[u8]) -> Option<Transaction> {
    datagram.get(8..STUN_HEADER)?.try_into().ok()
}

/// The transaction of a STUN success response to a binding request: our answer to a request whose
/// integrity was good. None for anything else.
pub fn binding_success(datagram: &[u8]) -> Option<Transaction> {
    let success = kind(datagram) == Kind::Stun && datagram.starts_with(&[0x01, 0x01]);
    success.then(|| transaction(datagram))?
}
