//! What we tell viewers: how our streams' times belong together, and when they end.

use super::{GOODBYE, RECEIVER_REPORT, SENDER_REPORT, SOURCE_DESCRIPTION, SenderInfo};

/// The item of a source description that names its endpoint (RFC 3550 section 6.5.1).
const CNAME: u8 = 1;
/// A message counts its sources in five bits.
const MOST_SOURCES: usize = 31;

/// The message does not fit the buffer, or its own fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Writes messages one after the other into a buffer of the caller's. A message that does not
/// fit leaves no part of itself behind.
#[derive(Debug)]
pub struct Writer<'a> {
    buffer: &'a mut [u8],
    end: usize,
}

impl<'a> Writer<'a> {
    pub fn new(buffer: &'a mut [u8]) -> Self {
        Writer { buffer, end: 0 }
    }

    /// A whole compound packet: a report for each stream, and whose they are.
    pub fn sender_reports(&mut self, streams: &[SenderInfo], cname: &str) -> Result<(), Full> {
        if streams.len() > MOST_SOURCES {
            return Err(Full);
        }
        let mut ssrcs = [0; MOST_SOURCES];
        for (ssrc, stream) in ssrcs.iter_mut().zip(streams) {
            *ssrc = stream.ssrc;
        }
        self.whole(|writer| {
            for stream in streams {
                writer.sender_report(stream)?;
            }
            writer.source_description(&ssrcs[..streams.len()], cname)
        })
    }

    /// A whole compound packet that ends streams. Every compound begins with a report; here it
    /// has nothing to report.
    pub fn goodbye(&mut self, ssrcs: &[u32], cname: &str) -> Result<(), Full> {
        self.whole(|writer| {
            let reporter = ssrcs.first().copied().ok_or(Full)?;
            writer.message(RECEIVER_REPORT, 0, |body| body.word(reporter))?;
            writer.source_description(ssrcs, cname)?;
            writer.bye(ssrcs)
        })
    }

    pub fn sender_report(&mut self, stream: &SenderInfo) -> Result<(), Full> {
        self.message(SENDER_REPORT, 0, |body| {
            body.word(stream.ssrc)?;
            body.put(&stream.ntp.0.to_be_bytes())?;
            body.word(stream.rtp)?;
            body.word(stream.packets)?;
            body.word(stream.octets)
        })
    }

    /// The same name ties streams together that a player keeps in step.
    pub fn source_description(&mut self, ssrcs: &[u32], cname: &str) -> Result<(), Full> {
        let length = u8::try_from(cname.len()).map_err(|_| Full)?;
        self.message(SOURCE_DESCRIPTION, ssrcs.len(), |body| {
            for &ssrc in ssrcs {
                body.word(ssrc)?;
                body.put(&[CNAME, length])?;
                body.put(cname.as_bytes())?;
                // At least one zero ends the items, and the chunk ends at a word.
                let zeros = 4 - (2 + cname.len()) % 4;
                body.put(&[0; 4][..zeros])?;
            }
            Ok(())
        })
    }

    pub fn bye(&mut self, ssrcs: &[u32]) -> Result<(), Full> {
        self.message(GOODBYE, ssrcs.len(), |body| {
            ssrcs.iter().try_for_each(|&ssrc| body.word(ssrc))
        })
    }

    /// What was written.
    pub fn finish(self) -> &'a mut [u8] {
        &mut self.buffer[..self.end]
    }

    /// How many bytes were written.
    pub fn len(&self) -> usize {
        self.end
    }

    pub fn is_empty(&self) -> bool {
        self.end == 0
    }

    fn message(
        &mut self,
        kind: u8,
        count: usize,
        body: impl FnOnce(&mut Self) -> Result<(), Full>,
    ) -> Result<(), Full> {
        if count > MOST_SOURCES {
            return Err(Full);
        }
        self.whole(|writer| {
            let start = writer.end;
            writer.put(&[0x80 | count as u8, kind, 0, 0])?;
            body(writer)?;
            let words = (writer.end - start) / 4 - 1;
            let words = u16::try_from(words).map_err(|_| Full)?;
            writer.buffer[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
            Ok(())
        })
    }

    /// All of it or nothing.
    fn whole(&mut self, write: impl FnOnce(&mut Self) -> Result<(), Full>) -> Result<(), Full> {
        let start = self.end;
        let written = write(self);
        if written.is_err() {
            self.end = start;
        }
        written
    }

    fn word(&mut self, word: u32) -> Result<(), Full> {
        self.put(&word.to_be_bytes())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        let end = self.end + bytes.len();
        let place = self.buffer.get_mut(self.end..end).ok_or(Full)?;
        place.copy_from_slice(bytes);
        self.end = end;
        Ok(())
    }
}
