//! Who must be woken when. A peer is touched only when it is due.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::Hash;
use std::time::Instant;

/// One deadline per key; the soonest first.
#[derive(Debug)]
pub struct Deadlines<K> {
    heap: BinaryHeap<Reverse<(Instant, K)>>,
    at: HashMap<K, Instant>,
}

impl<K: Copy + Eq + Hash + Ord> Deadlines<K> {
    pub fn new() -> Self {
        Deadlines {
            heap: BinaryHeap::new(),
            at: HashMap::new(),
        }
    }

    /// Set or move a key's deadline.
    pub fn set(&mut self, key: K, at: Instant) {
        if self.at.insert(key, at) == Some(at) {
            return;
        }
        self.heap.push(Reverse((at, key)));
        // A moved deadline leaves its old entry in the heap; do not let those pile up.
        if self.heap.len() > 64 + 4 * self.at.len() {
            self.heap = self.at.iter().map(|(k, at)| Reverse((*at, *k))).collect();
        }
    }

    pub fn remove(&mut self, key: &K) {
        self.at.remove(key);
    }

    /// The soonest deadline.
    pub fn soonest(&mut self) -> Option<Instant> {
        while let Some(Reverse((at, key))) = self.heap.peek() {
            if self.at.get(key) == Some(at) {
                return Some(*at);
            }
            self.heap.pop();
        }
        None
    }

    /// Take one key whose time has come.
    pub fn pop_due(&mut self, now: Instant) -> Option<K> {
        if self.soonest()? > now {
            return None;
        }
        let Reverse((_, key)) = self.heap.pop()?;
        self.at.remove(&key);
        Some(key)
    }

    pub fn len(&self) -> usize {
        self.at.len()
    }

    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }
}

impl<K: Copy + Eq + Hash + Ord> Default for Deadlines<K> {
    fn default() -> Self {
        Self::new()
    }
}
