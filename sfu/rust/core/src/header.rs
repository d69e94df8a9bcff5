//! RTP headers as a viewer gets them (RFC 3550 section 5.1, RFC 8285 section 4.2).

/// The longest header that [`Header::write`] makes: all extensions and a mid of 16 bytes.
pub const MAX_HEADER: usize = 12 + 4 + 17 + 3 + 4 + 4 + 2 + 2;

/// The fixed part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub payload_type: u8,
    pub marker: bool,
    /// The packet ends with padding.
    pub padding: bool,
    pub seq: u16,
    pub time: u32,
    pub ssrc: u32,
}

/// Under which ids the answer allows extensions, 1 to 14; 0 for those that it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExtensionIds {
    pub mid: u8,
    pub transport_number: u8,
    pub send_time: u8,
    pub playout_delay: u8,
    pub orientation: u8,
    pub audio_level: u8,
}

/// What one packet says. Values without an id are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions<'a> {
    /// RFC 9143 section 15; 16 bytes at most.
    pub mid: &'a [u8],
    /// draft-holmer-rmcat-transport-wide-cc-extensions-01.
    pub transport_number: Option<u16>,
    /// Seconds in 6.18 fixed point (abs-send-time).
    pub send_time: Option<u32>,
    /// Shortest and longest delay in hundredths of a second (playout-delay), 12 bits each.
    pub playout_delay: Option<(u16, u16)>,
    /// Degrees clockwise / 90 (3GPP TS 26.114 CVO).
    pub orientation: Option<u8>,
    /// -dBov and voice (RFC 6464).
    pub audio_level: Option<(i8, bool)>,
}

impl Header {
    /// Write at the start of `out`, which holds [`MAX_HEADER`] bytes at least; returns the length.
    pub fn write(&self, ids: &ExtensionIds, values: &Extensions<'_>, out: &mut [u8]) -> usize {
        out[0] = 0x80 | u8::from(self.padding) << 5;
        out[1] = u8::from(self.marker) << 7 | (self.payload_type & 0x7f);
        out[2..4].copy_from_slice(&self.seq.to_be_bytes());
        out[4..8].copy_from_slice(&self.time.to_be_bytes());
        out[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        let mut elements = Elements { out, at: 16 };
        if let Some(number) = values.transport_number {
            elements.push(ids.transport_number, &number.to_be_bytes());
        }
        if let Some(time) = values.send_time {
            elements.push(ids.send_time, &time.to_be_bytes()[1..]);
        }
        if let Some((min, max)) = values.playout_delay {
            let both = u32::from(min & 0xfff) << 12 | u32::from(max & 0xfff);
            elements.push(ids.playout_delay, &both.to_be_bytes()[1..]);
        }
        if let Some(turns) = values.orientation {
            elements.push(ids.orientation, &[turns & 3]);
        }
        if let Some((level, voice)) = values.audio_level {
            // str0m gives the level as it is in decibels: zero or less.
            let quiet = level.unsigned_abs().min(127);
            elements.push(ids.audio_level, &[u8::from(voice) << 7 | quiet]);
        }
        if !values.mid.is_empty() {
            elements.push(ids.mid, &values.mid[..values.mid.len().min(16)]);
        }
        elements.finish()
    }
}

/// Where the parts of a received RTP packet lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    pub header: Header,
    /// Bytes up to the payload.
    pub header_length: usize,
    /// Bytes of payload, without padding.
    pub payload_length: usize,
}

/// Read the header of an unencrypted packet. None when it is cut short or its lengths contradict
/// each other.
pub fn parts(packet: &[u8]) -> Option<Parts> {
    let fixed: &[u8; 12] = packet.first_chunk()?;
    if fixed[0] >> 6 != 2 {
        return None;
    }
    let mut length = 12 + 4 * usize::from(fixed[0] & 0x0f);
    if fixed[0] & 0x10 != 0 {
        let words: &[u8; 2] = packet.get(length + 2..)?.first_chunk()?;
        length += 4 + 4 * usize::from(u16::from_be_bytes(*words));
    }
    let rest = packet.get(length..)?;
    let padding = fixed[0] & 0x20 != 0;
    let padded = match padding {
        true => usize::from(*rest.last()?).max(1),
        false => 0,
    };
    Some(Parts {
        header: Header {
            payload_type: fixed[1] & 0x7f,
            marker: fixed[1] & 0x80 != 0,
            padding,
            seq: u16::from_be_bytes([fixed[2], fixed[3]]),
            time: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
        },
        header_length: length,
        payload_length: rest.len().checked_sub(padded)?,
    })
}

struct Elements<'a> {
    out: &'a mut [u8],
    at: usize,
}

impl Elements<'_> {
    fn push(&mut self, id: u8, value: &[u8]) {
        // Id 15 and a length of 17 do not exist in the one-byte form.
        if !(1..=14).contains(&id) {
            return;
        }
        self.out[self.at] = id << 4 | (value.len() - 1) as u8;
        self.out[self.at + 1..self.at + 1 + value.len()].copy_from_slice(value);
        self.at += 1 + value.len();
    }

    fn finish(self) -> usize {
        const ONE_BYTE: [u8; 2] = [0xbe, 0xde];
        if self.at == 16 {
            return 12;
        }
        let end = self.at.next_multiple_of(4);
        self.out[self.at..end].fill(0);
        self.out[0] |= 0x10;
        self.out[12..14].copy_from_slice(&ONE_BYTE);
        self.out[14..16].copy_from_slice(&(((end - 16) / 4) as u16).to_be_bytes());
        end
    }
}
