//! What the depacketizers of the video codecs have in common.

/// The payload breaks its format's rules, or uses a part of the format that we do not speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A unit in the making.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) time: u64,
    /// A decoder can start with this unit.
    pub(super) keyframe: bool,
    /// There is picture data, not parameter sets only.
    pub(super) picture: bool,
    pub(super) bytes: Vec<u8>,
}

impl Draft {
    pub(super) fn new(time: u64) -> Self {
        Draft {
            time,
            keyframe: false,
            picture: false,
            bytes: Vec::new(),
        }
    }
}

/// Takes the payload format of one codec apart. Payloads come in order and without holes inside
/// a unit; after an error the caller drops the draft and calls [`Unpack::reset`].
pub(super) trait Unpack: Send {
    /// Appends what `payload` (not empty) carries to `draft`.
    fn push(&mut self, payload: &[u8], draft: &mut Draft) -> Result<(), Malformed>;

    /// Ends the unit: fails when a part of it is still missing.
    fn finish(&mut self, draft: &mut Draft) -> Result<(), Malformed>;

    /// Forgets the unit that was begun.
    fn reset(&mut self);

    /// Bytes held outside the draft.
    fn held(&self) -> usize {
        0
    }
}
