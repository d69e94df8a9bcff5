//! SRTP and SRTCP of one viewer (RFC 3711, RFC 7714): media out, feedback in.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use str0m::config::CryptoProvider;
use str0m::crypto::SrtpProvider;
use str0m::crypto::dtls::SrtpProfile;

use crate::keying::Keying;
use crate::numbers::Numbers;
use crate::prefetch;

/// The most that sealing adds to a packet: a tag of 16 bytes, and 4 of SRTCP index.
pub const OVERHEAD: usize = 20;

const GCM_TAG: usize = 16;
const SHA1_TAG: usize = 10;
/// E flag of the SRTCP index: the packet is encrypted (RFC 3711 section 3.4).
const ENCRYPTED: u32 = 1 << 31;

/// Why a datagram is not taken. None of these ends a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Too short, or not encrypted.
    Malformed,
    /// Not made with this session's key.
    Forged,
    /// Seen before, or too old to tell.
    Replayed,
}

/// The material does not fit its profile. A peer's DTLS stack is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadKeying;

/// The cipher failed; what lies in the buffer must not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsealed;

/// Seals what goes to a viewer.
pub struct Sealer {
    rtp: Keys,
    rtcp: Keys,
    /// Numbers the SRTCP packets (31 bits).
    rtcp_index: u32,
}

/// Opens what a viewer sends.
pub struct Opener {
    rtcp: Keys,
    numbers: Numbers,
}

/// What can be read of a compound RTCP packet without a key.
struct Outer {
    ssrc: u32,
    index: u32,
    /// Without what sealing added.
    length: usize,
    /// Where the number stands.
    at: usize,
}

impl Outer {
    const HEADER: usize = 8;
}

/// Both directions of a session.
pub fn contexts(keying: &Keying, provider: &CryptoProvider) -> Result<(Sealer, Opener), BadKeying> {
    let (key, salt) = lengths(keying.profile)?;
    if keying.material.len() != 2 * (key + salt) {
        return Err(BadKeying);
    }
    let (keys, salts) = keying.material.split_at(2 * key);
    let side = |client: bool| Master {
        profile: keying.profile,
        key: if client { &keys[..key] } else { &keys[key..] },
        salt: if client {
            &salts[..salt]
        } else {
            &salts[salt..]
        },
        srtp: provider.srtp_provider,
    };
    let (ours, theirs) = (side(keying.active), side(!keying.active));
    let sealer = Sealer {
        rtp: ours.session(0)?,
        rtcp: ours.session(3)?,
        rtcp_index: 0,
    };
    let opener = Opener {
        rtcp: theirs.session(3)?,
        numbers: Numbers::default(),
    };
    Ok((sealer, opener))
}

impl Sealer {
    /// The next packets will be sealed soon.
    #[inline]
    pub fn prefetch(&self) {
        match &self.rtp {
            Keys::Gcm { key, .. } => prefetch::ahead(&raw const **key),
            Keys::Ctr { key, mac, .. } => {
                prefetch::ahead(&raw const **key);
                prefetch::ahead(&raw const **mac);
            }
        }
    }

    /// Seal an RTP packet that lies at the start of `packet` with room for [`OVERHEAD`] behind
    /// it; returns its new length. `index` is the sequence number without wrap-around.
    ///
    /// The caller never gives one (ssrc, index) to two different packets.
    pub fn rtp(
        &self,
        packet: &mut [u8],
        header: usize,
        length: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<usize, Unsealed> {
        match &self.rtp {
            Keys::Gcm { key, salt } => {
                let mut iv = [0; 12];
                iv[2..6].copy_from_slice(&ssrc.to_be_bytes());
                iv[6..12].copy_from_slice(&index.to_be_bytes()[2..]);
                let (head, rest) = packet.split_at_mut(header);
                let (body, tag) = rest.split_at_mut(length - header);
                seal(key, salt, iv, head, body, tag)?;
                Ok(length + GCM_TAG)
            }
            Keys::Ctr { key, salt, mac } => {
                count(key, salt, ssrc, index, &mut packet[header..length])?;
                let mut signing = hmac::Context::with_key(mac);
                signing.update(&packet[..length]);
                signing.update(&((index >> 16) as u32).to_be_bytes());
                packet[length..length + SHA1_TAG]
                    .copy_from_slice(&signing.sign().as_ref()[..SHA1_TAG]);
                Ok(length + SHA1_TAG)
            }
        }
    }

    /// Seal a compound RTCP packet in the same way.
    pub fn rtcp(&mut self, packet: &mut [u8], length: usize) -> Result<usize, Unsealed> {
        const HEADER: usize = 8;
        self.rtcp_index = (self.rtcp_index + 1) & !ENCRYPTED;
        let index = self.rtcp_index;
        let trailer = (index | ENCRYPTED).to_be_bytes();
        let ssrc = be32(&packet[4..8]);
        match &self.rtcp {
            Keys::Gcm { key, salt } => {
                let mut aad = [0; HEADER + 4];
                aad[..HEADER].copy_from_slice(&packet[..HEADER]);
                aad[HEADER..].copy_from_slice(&trailer);
                let (body, rest) = packet[HEADER..].split_at_mut(length - HEADER);
                seal(key, salt, rtcp_iv(ssrc, index), &aad, body, rest)?;
                rest[GCM_TAG..GCM_TAG + 4].copy_from_slice(&trailer);
                Ok(length + GCM_TAG + 4)
            }
            Keys::Ctr { key, salt, mac } => {
                count(
                    key,
                    salt,
                    ssrc,
                    u64::from(index),
                    &mut packet[HEADER..length],
                )?;
                packet[length..length + 4].copy_from_slice(&trailer);
                let tag = hmac::sign(mac, &packet[..length + 4]);
                packet[length + 4..length + 4 + SHA1_TAG]
                    .copy_from_slice(&tag.as_ref()[..SHA1_TAG]);
                Ok(length + 4 + SHA1_TAG)
            }
        }
    }
}

impl Opener {
    /// Whether this looks like the next compound RTCP packet, by its number. Costs no key: most
    /// of those that are somebody else's do not.
    pub fn expects(&self, packet: &[u8]) -> bool {
        let outer = self.outer(packet);
        outer.is_some_and(|outer| self.numbers.expects(outer.ssrc, outer.index))
    }

    /// Open a compound RTCP packet into `plain`, which is as long at least; returns the length.
    pub fn rtcp(&mut self, packet: &[u8], plain: &mut [u8]) -> Result<usize, Refused> {
        const HEADER: usize = Outer::HEADER;
        let outer = self.outer(packet).filter(|_| plain.len() >= packet.len());
        let Outer {
            ssrc,
            index,
            length,
            at,
        } = outer.ok_or(Refused::Malformed)?;
        if self.numbers.has_seen(ssrc, index) {
            return Err(Refused::Replayed);
        }
        plain[..HEADER].copy_from_slice(&packet[..HEADER]);
        match &self.rtcp {
            Keys::Gcm { key, salt } => {
                let mut aad = [0; HEADER + 4];
                aad[..HEADER].copy_from_slice(&packet[..HEADER]);
                aad[HEADER..].copy_from_slice(&packet[at..]);
                let nonce = nonce(rtcp_iv(ssrc, index), salt);
                let (body, tag) = packet[HEADER..at].split_at(length - HEADER);
                key.open_separate_gather(
                    nonce,
                    Aad::from(&aad),
                    body,
                    tag,
                    &mut plain[HEADER..length],
                )
                .map_err(|_| Refused::Forged)?;
            }
            Keys::Ctr { key, salt, mac } => {
                let (signed, tag) = packet.split_at(length + 4);
                let right = hmac::sign(mac, signed);
                if aws_lc_rs::constant_time::verify_slices_are_equal(
                    &right.as_ref()[..SHA1_TAG],
                    tag,
                )
                .is_err()
                {
                    return Err(Refused::Forged);
                }
                plain[HEADER..length].copy_from_slice(&packet[HEADER..length]);
                count(
                    key,
                    salt,
                    ssrc,
                    u64::from(index),
                    &mut plain[HEADER..length],
                )
                .map_err(|_| Refused::Malformed)?;
            }
        }
        self.numbers.mark(ssrc, index);
        Ok(length)
    }

    /// None for what is too short, or not encrypted.
    fn outer(&self, packet: &[u8]) -> Option<Outer> {
        let extra = match &self.rtcp {
            Keys::Gcm { .. } => GCM_TAG + 4,
            Keys::Ctr { .. } => SHA1_TAG + 4,
        };
        let length = packet.len().checked_sub(extra)?;
        let at = match &self.rtcp {
            Keys::Gcm { .. } => packet.len() - 4,
            Keys::Ctr { .. } => length,
        };
        if length < Outer::HEADER {
            return None;
        }
        let trailer = be32(&packet[at..at + 4]);
        (trailer & ENCRYPTED != 0).then(|| Outer {
            ssrc: be32(&packet[4..8]),
            index: trailer & !ENCRYPTED,
            length,
            at,
        })
    }
}

/// The session keys of one direction and one protocol.
enum Keys {
    Gcm {
        key: Box<LessSafeKey>,
        salt: [u8; 12],
    },
    Ctr {
        key: Box<EncryptingKey>,
        salt: [u8; 14],
        mac: Box<hmac::Key>,
    },
}

/// Master key and salt of one direction.
struct Master<'a> {
    profile: SrtpProfile,
    key: &'a [u8],
    salt: &'a [u8],
    srtp: &'a dyn SrtpProvider,
}

impl Master<'_> {
    /// Labels: 0, 1 and 2 are RTP's key, MAC key and salt; 3, 4 and 5 RTCP's (RFC 3711 4.3.2).
    fn session(&self, first: u8) -> Result<Keys, BadKeying> {
        let mut key = [0; 32];
        let key = &mut key[..self.key.len()];
        self.derive(first, key);
        let bad = |_| BadKeying;
        if matches!(self.profile, SrtpProfile::AES128_CM_SHA1_80) {
            let (mut mac, mut salt) = ([0; 20], [0; 14]);
            self.derive(first + 1, &mut mac);
            self.derive(first + 2, &mut salt);
            let unbound = UnboundCipherKey::new(&AES_128, key).map_err(bad)?;
            return Ok(Keys::Ctr {
                key: Box::new(EncryptingKey::ctr(unbound).map_err(bad)?),
                salt,
                mac: Box::new(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &mac)),
            });
        }
        let mut salt = [0; 12];
        self.derive(first + 2, &mut salt);
        let algorithm = if key.len() == 32 {
            &AES_256_GCM
        } else {
            &AES_128_GCM
        };
        let unbound = UnboundKey::new(algorithm, key).map_err(bad)?;
        Ok(Keys::Gcm {
            key: Box::new(LessSafeKey::new(unbound)),
            salt,
        })
    }

    /// The key derivation function of RFC 3711 section 4.3.3 (RFC 6188 for 256 bits), with a key
    /// derivation rate of zero.
    fn derive(&self, label: u8, out: &mut [u8]) {
        let mut block = [0; 16];
        block[..self.salt.len()].copy_from_slice(self.salt);
        block[7] ^= label;
        for (counter, chunk) in out.chunks_mut(16).enumerate() {
            block[14..].copy_from_slice(&(counter as u16).to_be_bytes());
            let mut key = [0; 32];
            if self.key.len() == 32 {
                self.srtp.srtp_aes_256_ecb_round(self.key, &block, &mut key);
            } else {
                self.srtp.srtp_aes_128_ecb_round(self.key, &block, &mut key);
            }
            chunk.copy_from_slice(&key[..chunk.len()]);
        }
    }
}

fn lengths(profile: SrtpProfile) -> Result<(usize, usize), BadKeying> {
    match profile {
        SrtpProfile::AES128_CM_SHA1_80 => Ok((16, 14)),
        SrtpProfile::AEAD_AES_128_GCM => Ok((16, 12)),
        SrtpProfile::AEAD_AES_256_GCM => Ok((32, 12)),
        _ => Err(BadKeying),
    }
}

fn seal(
    key: &LessSafeKey,
    salt: &[u8; 12],
    iv: [u8; 12],
    aad: &[u8],
    body: &mut [u8],
    tag: &mut [u8],
) -> Result<(), Unsealed> {
    let sealed = key
        .seal_in_place_separate_tag(nonce(iv, salt), Aad::from(aad), body)
        .map_err(|_| Unsealed)?;
    tag[..GCM_TAG].copy_from_slice(sealed.as_ref());
    Ok(())
}

fn nonce(mut iv: [u8; 12], salt: &[u8; 12]) -> Nonce {
    iv.iter_mut()
        .zip(salt)
        .for_each(|(byte, salt)| *byte ^= salt);
    Nonce::assume_unique_for_key(iv)
}

/// RFC 7714 section 9.1.
fn rtcp_iv(ssrc: u32, index: u32) -> [u8; 12] {
    let mut iv = [0; 12];
    iv[2..6].copy_from_slice(&ssrc.to_be_bytes());
    iv[8..12].copy_from_slice(&index.to_be_bytes());
    iv
}

/// AES in counter mode (RFC 3711 section 4.1.1), which is the same in both directions.
fn count(
    key: &EncryptingKey,
    salt: &[u8; 14],
    ssrc: u32,
    index: u64,
    bytes: &mut [u8],
) -> Result<(), Unsealed> {
    let mut iv = [0; 16];
    iv[..14].copy_from_slice(salt);
    let number = (u128::from(ssrc) << 64) | (u128::from(index) << 16);
    iv.iter_mut()
        .zip(number.to_be_bytes())
        .for_each(|(byte, number)| *byte ^= number);
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    key.less_safe_encrypt(bytes, context)
        .map(|_| ())
        .map_err(|_| Unsealed)
}

fn be32(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
