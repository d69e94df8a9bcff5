//! Numbers without gaps for what is left of a stream when packets were left out of it.

/// How far back packets that come late, and requests for lost ones, are understood.
pub const HISTORY: u64 = 1024;

const WORDS: usize = (HISTORY / 64) as usize;

/// Maps the numbers of one stream to those under which its packets go out.
///
/// Remembers of each packet one bit: whether it has a number. A packet that did not come has one,
/// too, as nobody knows yet that it would be left out; so a loss before us is a gap after us.
#[derive(Clone, Debug)]
pub struct Renumber {
    /// The number of the next packet that goes out.
    next: u64,
    /// The highest packet so far.
    newest: Option<u64>,
    /// By packet number modulo [`HISTORY`].
    numbered: Bits,
    /// Has a number, but came late and was left out after all.
    empty: Bits,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bits([u64; WORDS]);

impl Renumber {
    /// `next` is the first packet's number.
    pub fn new(next: u64) -> Self {
        Renumber {
            next,
            newest: None,
            numbered: Bits::default(),
            empty: Bits::default(),
        }
    }

    /// Of a stream of which nothing was left out so far: `number` is that of its newest packet.
    pub fn after(packet: u64, number: u64) -> Self {
        Renumber {
            next: number + 1,
            newest: Some(packet),
            numbered: Bits([!0; WORDS]),
            empty: Bits::default(),
        }
    }

    /// The number under which a packet goes out. None when its place is gone: it was left out
    /// before, or it is older than [`HISTORY`] or the first packet.
    pub fn keep(&mut self, packet: u64) -> Option<u64> {
        if self.is_new(packet) {
            self.advance(packet);
            self.next += 1;
            return Some(self.next - 1);
        }
        let number = self.outgoing(packet)?;
        self.empty.set(packet, false);
        Some(number)
    }

    /// Leave a packet out. Some when it came so late that its number was passed over, and the
    /// viewer waits for it: an empty packet may go out in its place.
    pub fn leave_out(&mut self, packet: u64) -> Option<u64> {
        if self.is_new(packet) {
            self.advance(packet);
            self.numbered.set(packet, false);
            return None;
        }
        let number = self.outgoing(packet)?;
        self.empty.set(packet, true);
        Some(number)
    }

    /// Which packet went out under this number, or would have, had it come. None when it was left
    /// out late, or is older than [`HISTORY`], or is still to come.
    pub fn incoming(&self, number: u64) -> Option<u64> {
        let newest = self.newest?;
        // The last number is the first from the end.
        let mut from_end = self.next.checked_sub(number).filter(|&back| back > 0)?;
        let oldest = newest.saturating_sub(HISTORY - 1);
        let mut to = newest;
        loop {
            let from = oldest.max(to & !63);
            let mut word = self.numbered.range(from, to);
            let here = u64::from(word.count_ones());
            if from_end <= here {
                for _ in 1..from_end {
                    word ^= 1 << (63 - word.leading_zeros());
                }
                let packet = (to & !63) + u64::from(63 - word.leading_zeros());
                return (!self.empty.get(packet)).then_some(packet);
            }
            from_end -= here;
            to = from.checked_sub(1).filter(|&to| to >= oldest)?;
        }
    }

    fn is_new(&self, packet: u64) -> bool {
        self.newest.is_none_or(|newest| packet > newest)
    }

    /// Numbers all packets up to this one, which becomes the newest, but not itself.
    fn advance(&mut self, packet: u64) {
        if let Some(newest) = self.newest {
            let missing = packet - newest - 1;
            self.next += missing;
            for lost in packet - missing.min(HISTORY - 1)..packet {
                self.numbered.set(lost, true);
                self.empty.set(lost, false);
            }
        }
        self.newest = Some(packet);
        self.numbered.set(packet, true);
        self.empty.set(packet, false);
    }

    /// The number of a packet that is not new.
    fn outgoing(&self, packet: u64) -> Option<u64> {
        let newest = self.newest?;
        if newest - packet >= HISTORY || !self.numbered.get(packet) {
            return None;
        }
        let mut since = 0;
        let mut from = packet;
        while from <= newest {
            let to = newest.min(from | 63);
            since += u64::from(self.numbered.range(from, to).count_ones());
            from = to + 1;
        }
        Some(self.next - since)
    }
}

impl Bits {
    fn get(&self, packet: u64) -> bool {
        self.word(packet) >> (packet % 64) & 1 == 1
    }

    fn set(&mut self, packet: u64, bit: bool) {
        let mask = 1 << (packet % 64);
        let word = &mut self.0[(packet / 64) as usize % WORDS];
        *word = if bit { *word | mask } else { *word & !mask };
    }

    /// The bits of these packets, all of one word, at their places in it.
    fn range(&self, from: u64, to: u64) -> u64 {
        self.word(from) & (!0 << (from % 64)) & (!0 >> (63 - to % 64))
    }

    fn word(&self, packet: u64) -> u64 {
        self.0[(packet / 64) as usize % WORDS]
    }
}
