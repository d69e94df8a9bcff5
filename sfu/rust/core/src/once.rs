//! Each number once: AES-GCM gives its key away when a number seals two different packets.

/// How far behind the newest a number may come late.
const SPAN: u64 = 512;
const WORDS: usize = (SPAN / 64) as usize;

/// The numbers that were used of late.
#[derive(Debug, Default)]
pub struct Once {
    /// One past the newest.
    end: u64,
    used: [u64; WORDS],
}

impl Once {
    /// Use a number. False when it was used before, or is too old to tell.
    pub fn take(&mut self, number: u64) -> bool {
        if number >= self.end {
            if number - self.end >= SPAN {
                self.used = [0; WORDS];
            } else {
                for between in self.end..number {
                    self.used[word(between)] &= !bit(between);
                }
            }
            self.used[word(number)] |= bit(number);
            self.end = number + 1;
            return true;
        }
        if self.end - number > SPAN || self.used[word(number)] & bit(number) != 0 {
            return false;
        }
        self.used[word(number)] |= bit(number);
        true
    }
}

fn word(number: u64) -> usize {
    (number % SPAN / 64) as usize
}

fn bit(number: u64) -> u64 {
    1 << (number % 64)
}
