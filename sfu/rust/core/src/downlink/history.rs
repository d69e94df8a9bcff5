//! What was sent lately, so that feedback can be held against it.

use std::time::Instant;

/// Packets remembered. At 10 Mbit/s that is a second, at the rate of a phone several.
const PACKETS: usize = 1024;
/// An IPv4 and a UDP header, which the link carries with every datagram.
pub const IP_UDP: usize = 28;

/// What a line of feedback turns out to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// A packet arrived. `late`: it was called lost before.
    Arrived { packet: Sent, late: bool },
    /// A packet is missing, told for the first time.
    Lost(Sent),
    /// Nothing new: told before.
    Repeated,
    /// No such packet was sent, or too long ago.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    /// Microseconds since the viewer came.
    pub at: u64,
    /// As the link counts them.
    pub bytes: u32,
}

/// The last packets by their transport-wide number. Eight bytes each.
#[derive(Debug)]
pub(super) struct History {
    began: Instant,
    slots: Box<[Slot; PACKETS]>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The low bits of the microseconds; a packet is never older than their turn of 71 minutes.
    at: u32,
    number: u16,
    /// Bytes, and in the two highest bits how the packet fares.
    bytes: u16,
}

const ARRIVED: u16 = 0x8000;
const LOST: u16 = 0x4000;
const BYTES: u16 = 0x3fff;

impl History {
    pub fn new(now: Instant) -> Self {
        let empty = Slot {
            at: 0,
            number: 0,
            bytes: 0,
        };
        History {
            began: now,
            slots: Box::new([empty; PACKETS]),
        }
    }

    /// Microseconds since the viewer came.
    pub fn clock(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.began).as_micros() as u64
    }

    /// Keep a packet. Returns its bytes on the link.
    pub fn push(&mut self, number: u16, bytes: usize, now: Instant) -> u32 {
        let bytes = (bytes + IP_UDP).min(usize::from(BYTES)) as u16;
        let at = self.clock(now) as u32;
        self.slots[usize::from(number) % PACKETS] = Slot { at, number, bytes };
        u32::from(bytes)
    }

    /// A line of feedback about a packet.
    pub fn tell(&mut self, number: u16, arrived: bool, now: Instant) -> Told {
        let clock = self.clock(now);
        let slot = &mut self.slots[usize::from(number) % PACKETS];
        if slot.number != number || slot.bytes == 0 {
            return Told::Unknown;
        }
        let age = (clock as u32).wrapping_sub(slot.at);
        let packet = Sent {
            at: clock.saturating_sub(u64::from(age)),
            bytes: u32::from(slot.bytes & BYTES),
        };
        let before = slot.bytes;
        if before & ARRIVED != 0 {
            return Told::Repeated;
        }
        if arrived {
            slot.bytes |= ARRIVED;
            let late = before & LOST != 0;
            return Told::Arrived { packet, late };
        }
        if before & LOST != 0 {
            return Told::Repeated;
        }
        slot.bytes |= LOST;
        Told::Lost(packet)
    }
}
