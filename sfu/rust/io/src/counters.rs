//! Counters of the engine. Every drop and every contained failure has one.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// Monotonic counters, written by the workers and read by anybody.
        #[derive(Debug, Default)]
        pub struct Counters { $($(#[$doc])* pub $name: Counter),+ }

        impl Counters {
            /// Every counter by name.
            pub fn all(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.get())),+]
            }
        }
    };
}

/// One counter.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

counters! {
    /// Media packets from publishers.
    received_packets,
    received_bytes,
    /// Media packets to viewers, without retransmissions.
    forwarded_packets,
    forwarded_bytes,
    /// Of those, packets of a replayed group of pictures.
    replayed_packets,
    /// Datagrams handed to the kernel, and the system calls that took.
    sent_datagrams,
    send_calls,
    peers_opened,
    peers_closed,
    keyframe_requests_from_viewers,
    keyframe_requests_to_publishers,
    /// The publisher's group of pictures grew past the replay bounds.
    replay_overflows,
    path_changes,
    data_messages,
    /// Datagrams that are no STUN, DTLS, RTP or RTCP.
    drops_not_ours,
    /// From an address that no peer has proved.
    drops_unknown_address,
    /// STUN with a ufrag that we did not give.
    drops_unknown_ufrag,
    /// The peer refused the datagram (bad integrity, wrong state).
    drops_refused,
    /// The kernel's send buffer was full.
    drops_send_buffer,
    /// A TCP peer reads too slowly.
    drops_tcp_buffer,
    /// Data channel messages over a limit.
    drops_data_message,
    /// Events that Python did not fetch in time.
    drops_events,
    /// Access units that a tap's reader did not fetch in time.
    drops_tapped_units,
    errors_receive,
    errors_send,
    errors_tcp_framing,
    /// A peer ended by an error of its protocol stack.
    errors_peer,
    /// A peer ended by a panic, which ended nothing else.
    errors_panic,
}
