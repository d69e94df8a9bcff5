//! What the payload formats of H.264 and H.265 share: aggregation and fragments.

use super::unpack::{Draft, Malformed};

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// The NAL units of an aggregation packet: each behind a 16-bit size
/// (RFC 6184 5.7.1 STAP-A, RFC 7798 4.4.2 without DONL).
pub(super) struct Aggregate<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Aggregate<'a> {
    type Item = Result<&'a [u8], Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let nal = self.0.split_first_chunk::<2>().and_then(|(size, rest)| {
            let size = usize::from(u16::from_be_bytes(*size));
            (size > 0).then(|| rest.split_at_checked(size)).flatten()
        });
        match nal {
            Some((nal, rest)) => {
                self.0 = rest;
                Some(Ok(nal))
            }
            None => {
                self.0 = &[];
                Some(Err(Malformed))
            }
        }
    }
}

/// A fragment of a NAL unit, from an FU-A (RFC 6184 5.8) or an FU (RFC 7798 4.4.3).
pub(super) struct Fragment<'a, const HEADER: usize> {
    pub(super) start: bool,
    pub(super) end: bool,
    /// The header of the NAL unit, put together again.
    pub(super) header: [u8; HEADER],
    pub(super) body: &'a [u8],
}

/// Writes NAL units to a draft as Annex B.
#[derive(Default)]
pub(super) struct AnnexB {
    /// A fragmented NAL unit waits for its end.
    pub(super) open: bool,
}

impl AnnexB {
    pub(super) fn whole(&mut self, nal: &[u8], draft: &mut Draft) -> Result<(), Malformed> {
        if self.open {
            return Err(Malformed);
        }
        draft.bytes.extend_from_slice(&START_CODE);
        draft.bytes.extend_from_slice(nal);
        Ok(())
    }

    pub(super) fn fragment<const HEADER: usize>(
        &mut self,
        fragment: &Fragment<'_, HEADER>,
        draft: &mut Draft,
    ) -> Result<(), Malformed> {
        if fragment.start == self.open {
            return Err(Malformed);
        }
        if fragment.start {
            draft.bytes.extend_from_slice(&START_CODE);
            draft.bytes.extend_from_slice(&fragment.header);
        }
        draft.bytes.extend_from_slice(fragment.body);
        self.open = !fragment.end;
        Ok(())
    }

    pub(super) fn finish(&self) -> Result<(), Malformed> {
        if self.open { Err(Malformed) } else { Ok(()) }
    }
}
