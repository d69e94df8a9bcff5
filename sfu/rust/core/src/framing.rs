//! Datagrams on a TCP connection: two bytes of length, then the datagram (RFC 4571).

/// A datagram larger than this is no WebRTC packet.
pub const MAX_FRAME: usize = 4096;

/// The stream broke the framing; the connection must end.
#[derive(Debug, PartialEq, Eq)]
pub struct FrameTooLong(pub usize);

/// Cuts a byte stream into datagrams.
#[derive(Debug, Default)]
pub struct Deframer {
    buffer: Vec<u8>,
    start: usize,
}

impl Deframer {
    /// Take bytes from the connection. Call [`Deframer::next_frame`] until it is empty before the
    /// next `push`, so the buffer stays at one frame and a read.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole datagram.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, FrameTooLong> {
        let rest = &self.buffer[self.start..];
        let [high, low, body @ ..] = rest else {
            return Ok(None);
        };
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if length > MAX_FRAME {
            return Err(FrameTooLong(length));
        }
        if body.len() < length {
            return Ok(None);
        }
        let from = self.start + 2;
        self.start = from + length;
        Ok(Some(&self.buffer[from..from + length]))
    }
}

/// Append a datagram to a connection's send buffer. False when it is too long to frame.
pub fn frame(datagram: &[u8], into: &mut Vec<u8>) -> bool {
    let Ok(length) = u16::try_from(datagram.len()) else {
        return false;
    };
    into.extend_from_slice(&length.to_be_bytes());
    into.extend_from_slice(datagram);
    true
}
