//! The keys of a viewer's media, taken from its DTLS handshake and kept from str0m.
//!
//! A viewer's `Rtc` does ICE, DTLS and SCTP; its media is encrypted by our own [`crate::srtp`].
//! Two senders on one key would use an AES-GCM nonce twice and give the key away, so the DTLS
//! provider here hands the keys to us *instead of* to str0m, which then cannot send any media.

use std::cell::RefCell;
use std::fmt;
use std::time::Instant;

use str0m::config::{CryptoProvider, DtlsCert, DtlsVersion};
use str0m::crypto::CryptoError;
use str0m::crypto::dtls::{
    DtlsImplError, DtlsInstance, DtlsOutput, DtlsProvider, ProtocolVersion, SrtpProfile,
};

/// What a DTLS handshake agreed on for media (RFC 5764 section 4.2).
#[derive(Clone, PartialEq, Eq)]
pub struct Keying {
    pub profile: SrtpProfile,
    /// Client key, server key, client salt, server salt.
    pub material: Vec<u8>,
    /// We are the DTLS client.
    pub active: bool,
}

impl fmt::Debug for Keying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the keys.
        write!(f, "Keying({:?})", self.profile)
    }
}

/// The provider for viewers: like the given one, but keys go to [`take`].
pub fn withholding(provider: &CryptoProvider) -> CryptoProvider {
    CryptoProvider {
        // One small object for each engine that starts, which is one a process.
        dtls_provider: Box::leak(Box::new(Withholding {
            inner: provider.dtls_provider,
        })),
        ..provider.clone()
    }
}

/// The keys that a DTLS handshake on this thread ended with since the last call.
///
/// str0m polls a peer's DTLS while the peer is drained, on the thread that drains it, so what is
/// found right after a drain belongs to that peer.
pub fn take() -> Option<Keying> {
    FOUND.take()
}

thread_local! {
    static FOUND: RefCell<Option<Keying>> = const { RefCell::new(None) };
}

#[derive(Debug)]
struct Withholding {
    inner: &'static dyn DtlsProvider,
}

impl DtlsProvider for Withholding {
    fn generate_certificate(&self) -> Option<DtlsCert> {
        self.inner.generate_certificate()
    }

    fn new_dtls(
        &self,
        certificate: &DtlsCert,
        now: Instant,
        version: DtlsVersion,
        mtu: Option<usize>,
    ) -> Result<Box<dyn DtlsInstance>, CryptoError> {
        let inner = self.inner.new_dtls(certificate, now, version, mtu)?;
        Ok(Box::new(Handshake { inner }))
    }

    fn is_test(&self) -> bool {
        self.inner.is_test()
    }
}

#[derive(Debug)]
struct Handshake {
    inner: Box<dyn DtlsInstance>,
}

impl DtlsInstance for Handshake {
    fn set_active(&mut self, active: bool) {
        self.inner.set_active(active);
    }

    fn handle_packet(&mut self, packet: &[u8]) -> Result<(), DtlsImplError> {
        self.inner.handle_packet(packet)
    }

    fn poll_output<'a>(&mut self, buf: &'a mut [u8]) -> DtlsOutput<'a> {
        let active = self.inner.is_active();
        let whole = std::ptr::from_mut(buf);
        // SAFETY: both borrows are of the one buffer that we hold for 'a, and the second is made
        // only after the output that holds the first was dropped; the borrow checker cannot see
        // that of an output that is returned elsewhere.
        match self.inner.poll_output(unsafe { &mut *whole }) {
            DtlsOutput::KeyingMaterial(material, profile) => {
                let material = material.to_vec();
                FOUND.set(Some(Keying {
                    profile,
                    material,
                    active,
                }));
                // SAFETY: see above.
                self.inner.poll_output(unsafe { &mut *whole })
            }
            other => other,
        }
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsImplError> {
        self.inner.handle_timeout(now)
    }

    fn send_application_data(&mut self, data: &[u8]) -> Result<usize, DtlsImplError> {
        self.inner.send_application_data(data)
    }

    fn is_active(&self) -> bool {
        self.inner.is_active()
    }

    fn protocol_version(&self) -> Option<ProtocolVersion> {
        self.inner.protocol_version()
    }

    fn is_closing(&self) -> bool {
        self.inner.is_closing()
    }

    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    fn close(&mut self) -> Result<(), DtlsImplError> {
        self.inner.close()
    }
}
