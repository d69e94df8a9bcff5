//! The RTP header, which SRTP leaves in the clear (RFC 3711 section 3.1).

/// The fixed fields that accounting needs (RFC 3550 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RtpHeader {
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    pub(crate) ssrc: u32,
}

impl RtpHeader {
    /// None when the datagram is not RTP: too short, or RTCP, DTLS or STUN by RFC 7983 and 5761.
    pub(crate) fn parse(datagram: &[u8]) -> Option<Self> {
        let fixed: &[u8; 12] = datagram.first_chunk()?;
        let payload_type = fixed[1] & 0x7f;
        if fixed[0] >> 6 != 2 || (64..96).contains(&payload_type) {
            return None;
        }
        Some(Self {
            payload_type,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtp_is_told_from_rtcp_dtls_and_stun() {
        let rtp = [0x90, 0xe0, 1, 2, 0, 0, 0, 0, 0xde, 0xad, 0xbe, 0xef, 7];
        let header = RtpHeader {
            payload_type: 96,
            sequence: 0x102,
            ssrc: 0xdead_beef,
        };
        assert_eq!(RtpHeader::parse(&rtp), Some(header));
        for (first, second) in [(0x80, 200), (0x81, 205), (22, 254), (0, 1)] {
            let mut other = rtp;
            (other[0], other[1]) = (first, second);
            assert_eq!(RtpHeader::parse(&other), None, "{first} {second}");
        }
        assert_eq!(RtpHeader::parse(&rtp[..11]), None);
    }
}
