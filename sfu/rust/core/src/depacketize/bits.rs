//! A bounded bit reader; every read past the end is `None`.

pub(super) struct Bits<'a> {
    rest: &'a [u8],
    byte: u8,
    /// Bits of `byte` that are not read yet.
    left: u8,
    /// Zero bytes just before the next one; counted only where 00 00 03 hides a byte.
    zeros: u8,
    escaped: bool,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Bits {
            rest: bytes,
            byte: 0,
            left: 0,
            zeros: 0,
            escaped: false,
        }
    }

    /// Reads a NAL unit: skips emulation prevention bytes (H.264 7.4.1, H.265 7.4.2).
    pub(super) fn of_nal(bytes: &'a [u8]) -> Self {
        Bits {
            escaped: true,
            ..Bits::new(bytes)
        }
    }

    pub(super) fn bit(&mut self) -> Option<bool> {
        if self.left == 0 {
            self.load()?;
        }
        self.left -= 1;
        Some(self.byte >> self.left & 1 == 1)
    }

    /// At most 32 bits, most significant first.
    pub(super) fn bits(&mut self, count: u32) -> Option<u32> {
        debug_assert!(count <= 32);
        let mut value = 0;
        for _ in 0..count {
            value = value << 1 | u32::from(self.bit()?);
        }
        Some(value)
    }

    pub(super) fn skip(&mut self, count: u32) -> Option<()> {
        for _ in 0..count {
            self.bit()?;
        }
        Some(())
    }

    /// Unsigned exponential Golomb code (H.264 9.1) below 2^32 - 1.
    pub(super) fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.bit()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1 << zeros) - 1 + self.bits(zeros)?)
    }

    /// Signed exponential Golomb code (H.264 9.1.1).
    pub(super) fn se(&mut self) -> Option<i64> {
        let code = i64::from(self.ue()?);
        Some(if code & 1 == 1 {
            (code + 1) / 2
        } else {
            -(code / 2)
        })
    }

    fn load(&mut self) -> Option<()> {
        let mut byte = self.take()?;
        if self.escaped && self.zeros >= 2 && byte == 3 {
            self.zeros = 0;
            byte = self.take()?;
        }
        self.zeros = if byte == 0 {
            self.zeros.saturating_add(1)
        } else {
            0
        };
        self.byte = byte;
        self.left = 8;
        Some(())
    }

    fn take(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }
}
