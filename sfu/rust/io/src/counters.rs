//! Counters of the engine. Every drop and every contained failure has one.

use crate::histogram::Histogram;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// Monotonic counters, written by the workers and read by anybody.
        #[derive(Debug)]
        pub struct Counters {
            $($(#[$doc])* pub $name: Counter,)+
            /// From a packet's arrival to its way to the kernel, in seconds.
            pub forward_latency: Histogram,
            /// From a viewer's offer to the first picture packet sent, in seconds.
            pub join: Histogram,
            /// Datagrams a send call.
            pub send_batch: Histogram,
        }

        impl Counters {
            pub fn new() -> Self {
                Counters {
                    $($name: Counter::default(),)+
                    forward_latency: Histogram::new(&[
                        0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1,
                    ]),
                    join: Histogram::new(&[0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0]),
                    send_batch: Histogram::new(&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]),
                }
            }

            /// Every counter by name.
            pub fn all(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name.get())),+]
            }

            /// Every histogram by name.
            pub fn histograms(&self) -> [(&'static str, &Histogram); 3] {
                [
                    ("forward_latency_seconds", &self.forward_latency),
                    ("join_seconds", &self.join),
                    ("send_batch_datagrams", &self.send_batch),
                ]
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

impl Default for Counters {
    fn default() -> Self {
        Counters::new()
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
    replays_broken_off,
    /// Datagrams handed to the kernel, and the system calls that took.
    sent_datagrams,
    send_calls,
    peers_opened,
    peers_closed,
    keyframe_requests_from_viewers,
    keyframe_requests_to_publishers,
    path_changes,
    /// Of media from publishers, what came from an address before its first check did.
    media_unproved_address,
    /// Checks of our own: peers that were asked whether they are where they seem to be now.
    checks_asked,
    /// Media packets that a viewer asked for again, and was sent again.
    resent_packets,
    resent_bytes,
    /// Packets sent only to find out what a viewer's link carries.
    padding_packets,
    /// Numbers that viewers said they lost; of those, the ones that were not sent again.
    nacks_received,
    nacks_ignored,
    /// Datagrams of SRTCP from viewers, and messages in them that could not be read.
    reports_received,
    reports_malformed,
    layer_switches,
    /// Viewers whose link carries no layer at all: they get sound only.
    audio_only_entered,
    /// Runs of padding that looked for a higher layer's bandwidth.
    probes,
    /// Times that a publisher was asked to leave out what nobody can watch, or to send all again.
    publisher_limits,
    /// Acknowledgements of packets that were never sent.
    feedback_forged,
    /// Bursts that the kernel did not cut apart: every datagram was handed over by itself.
    segmentation_refused,
    /// Bursts that another worker's queue had no room for.
    drops_worker_queue,
    /// SRTCP that was not made with the peer's key, or is cut short.
    drops_srtp,
    /// SRTCP that was seen before.
    drops_replayed,
    /// Media of a publisher that gave no packet: seen before, not made with its key, or padding.
    drops_no_media,
    /// A packet with a number that this viewer was sent already.
    drops_sent_before,
    /// Packets for a slow viewer whose queue held half a second already.
    drops_queue,
    data_messages,
    /// Datagrams that are no STUN, DTLS, RTP or RTCP.
    drops_not_ours,
    /// From an address that no peer has proved.
    drops_unknown_address,
    /// STUN with a ufrag that we did not give.
    drops_unknown_ufrag,
    /// Checks that were answered before, on another path.
    drops_check_overheard,
    /// The peer refused the datagram (bad integrity, wrong state).
    drops_refused,
    /// The kernel's send buffer was full.
    drops_send_buffer,
    /// A TCP peer reads too slowly.
    drops_tcp_buffer,
    /// TCP connections beyond the limits, and those that nobody claimed and that made room.
    drops_connections,
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
