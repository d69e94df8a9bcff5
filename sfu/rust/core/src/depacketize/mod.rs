//! Packets to access units.
