//! What can be wrong with an RTCP message.

use std::fmt;

/// A message that was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// None when not even that much was there.
    pub packet_type: Option<u8>,
    pub fault: Fault,
}

/// What was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Fewer bytes than a header.
    Header,
    /// Not version 2; what follows cannot be trusted and is not read.
    Version,
    /// The length leads beyond the datagram; nothing follows.
    Length,
    /// More padding than message, or none where some is claimed.
    Padding,
    /// Ends before what its kind or its counts need.
    Short,
    /// Entries of a fixed size do not fill it.
    Uneven,
    /// No entry where there must be one.
    Empty,
    /// Bytes where its kind has none.
    Excess,
    /// Transport feedback on more packets than anybody has in flight.
    TooMany,
    /// A packet status that does not exist.
    Status,
}

impl Malformed {
    pub(super) fn of(packet_type: Option<u8>, fault: Fault) -> Self {
        Malformed { packet_type, fault }
    }
}

impl Fault {
    /// In a few words.
    pub fn name(self) -> &'static str {
        match self {
            Fault::Header => "shorter than a header",
            Fault::Version => "not version 2",
            Fault::Length => "longer than its datagram",
            Fault::Padding => "wrong padding",
            Fault::Short => "cut short",
            Fault::Uneven => "entries cut short",
            Fault::Empty => "without an entry",
            Fault::Excess => "with bytes too many",
            Fault::TooMany => "about too many packets",
            Fault::Status => "with an unknown packet status",
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.packet_type {
            Some(kind) => write!(out, "RTCP packet type {kind} is {}", self.fault.name()),
            None => write!(out, "RTCP is {}", self.fault.name()),
        }
    }
}

impl std::error::Error for Malformed {}
