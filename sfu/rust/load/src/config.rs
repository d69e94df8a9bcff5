//! What a run is told before it starts.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

/// Settings of a [`LoadViewers`](crate::LoadViewers).
#[derive(Clone, Debug)]
pub struct LoadConfig {
    /// Local address of every socket; it is also the host candidate.
    pub bind: IpAddr,
    /// Most viewers alive at one time.
    pub max_viewers: usize,
    /// Every n-th viewer is decrypted and checked in full; 1 = all, 0 = none.
    ///
    /// The others send no RTCP for media (no NACK, no receiver report, no TWCC) and offer no
    /// TWCC; their ICE consent, DTLS and data channel work as in any viewer.
    pub verify_every: u32,
    /// Part of the media packets to drop on arrival, 0 to 1.
    pub loss: f64,
    /// Seed of `loss`: the same seed drops the same packets of the same sequence of arrivals.
    pub seed: u64,
    /// Keyframe requests that every viewer sends, per second, whatever it received (a storm).
    pub pli_per_second: f64,
    /// Whether verified viewers ask for a keyframe as a browser does: when none came within
    /// 500 ms of the first packet, and after a loss that was not repaired.
    pub pli_when_needed: bool,
    /// Offer a data channel `echo`, send one message on it and time the answer.
    pub data_channel: bool,
    /// Offer TWCC (verified viewers only).
    pub twcc: bool,
    /// Let the kernel hand over several datagrams as one (`UDP_GRO`).
    ///
    /// Cheaper here, but on loopback it also spares the server the cutting of its GSO bursts,
    /// so leave it off to compare servers.
    pub gro: bool,
    /// Pause after a round of receiving, in microseconds, so that packets are taken in batches.
    pub batch_us: u32,
    /// Receive buffer of each viewer's socket in bytes.
    pub receive_buffer: usize,
    /// The synthetic publisher's stream.
    pub publisher: PublisherConfig,
}

/// The synthetic stream: VP8 headers with filled payload, and 20 ms packets shaped like Opus.
#[derive(Clone, Debug)]
pub struct PublisherConfig {
    /// Video bit rate in bits per second of RTP payload; with several layers, of the largest.
    pub bitrate: u32,
    /// Encodings of the picture, 1 to 3 (simulcast): each has half the size of the next and a
    /// quarter of its bit rate.
    pub layers: u8,
    /// Of the largest picture.
    pub width: u16,
    pub height: u16,
    /// Pictures a second.
    pub fps: u32,
    /// Largest RTP payload in bytes.
    pub packet_bytes: usize,
    /// Seconds from one keyframe to the next.
    pub gop_s: f64,
    /// Packets sent at once every 5 ms, as a browser's pacer does; 0 = a whole picture at once.
    pub burst: usize,
    /// Whether to send audio too.
    pub audio: bool,
}

impl Default for LoadConfig {
    fn default() -> Self {
        Self {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            max_viewers: 5000,
            verify_every: 1,
            loss: 0.0,
            seed: 1,
            pli_per_second: 0.0,
            pli_when_needed: true,
            data_channel: true,
            twcc: true,
            gro: false,
            batch_us: 2000,
            receive_buffer: 1 << 20,
            publisher: PublisherConfig::default(),
        }
    }
}

impl Default for PublisherConfig {
    fn default() -> Self {
        Self {
            bitrate: 2_500_000,
            layers: 1,
            width: 1280,
            height: 720,
            fps: 30,
            packet_bytes: 1200,
            gop_s: 2.0,
            burst: 4,
            audio: true,
        }
    }
}

impl LoadConfig {
    /// Refuse what cannot run. The error's text names the setting.
    pub(crate) fn check(&self) -> io::Result<()> {
        let publisher = &self.publisher;
        let rules = [
            (
                (1..=50_000).contains(&self.max_viewers),
                "max_viewers must be 1 to 50000",
            ),
            (
                (0.0..1.0).contains(&self.loss),
                "loss must be at least 0 and below 1",
            ),
            (
                (0.0..=100.0).contains(&self.pli_per_second),
                "pli_per_second must be 0 to 100",
            ),
            (self.batch_us <= 100_000, "batch_us must be at most 100000"),
            (
                self.receive_buffer <= 1 << 28,
                "receive_buffer must be at most 256 MiB",
            ),
            (
                (10_000..=200_000_000).contains(&publisher.bitrate),
                "bitrate must be 10 kbit/s to 200 Mbit/s",
            ),
            ((1..=3).contains(&publisher.layers), "layers must be 1 to 3"),
            ((1..=240).contains(&publisher.fps), "fps must be 1 to 240"),
            (
                (100..=1300).contains(&publisher.packet_bytes),
                "packet_bytes must be 100 to 1300",
            ),
            (
                (0.1..=600.0).contains(&publisher.gop_s),
                "gop_s must be 0.1 to 600",
            ),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            Some((_, text)) => Err(io::Error::new(io::ErrorKind::InvalidInput, *text)),
            None => Ok(()),
        }
    }
}
