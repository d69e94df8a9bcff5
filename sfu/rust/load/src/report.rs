//! What a run found out. Plain values, so that any language can carry them.

/// A snapshot of a [`LoadViewers`](crate::LoadViewers): sums over all viewers, gone ones too.
#[derive(Clone, Debug, Default)]
pub struct LoadReport {
    /// Viewers made so far.
    pub offered: u64,
    /// Viewers alive now (not removed, not closed).
    pub alive: u64,
    /// Viewers alive with ICE and DTLS done.
    pub connected: u64,
    /// Viewers that ever received a media packet.
    pub with_media: u64,
    /// Viewers alive that received video within the last second.
    pub receiving: u64,
    /// Viewers that are decrypted and checked in full.
    pub verified: u64,
    /// Viewers that closed without being removed by us: server's close, lost consent, error.
    pub closed: u64,
    /// Contained panics; each also counts as closed.
    pub panics: u64,
    pub video: StreamTotals,
    pub audio: StreamTotals,
    /// Datagrams on a retransmission payload type (RFC 4588), padding included.
    pub rtx_packets: u64,
    /// Packets of verified viewers that did not decrypt or belonged to no stream.
    pub rejected: u64,
    /// RTP with a payload type or a stream beyond what was negotiated.
    pub unknown: u64,
    /// Packets that the kernel dropped because a client socket was full: the client's own fault.
    pub client_drops: u64,
    /// Packets dropped on purpose (`loss`).
    pub injected_drops: u64,
    /// Datagrams that we could not send.
    pub send_errors: u64,
    /// Generic NACKs sent (verified viewers; up to a second old).
    pub nacks: u64,
    /// Keyframe requests sent.
    pub plis: u64,
    /// Complete keyframes received (verified viewers).
    pub keyframes: u64,
    /// Milliseconds from `offer()` to ICE and DTLS done, ascending, one entry a viewer.
    pub join_connected_ms: Vec<f64>,
    /// Milliseconds from `offer()` to the first media packet.
    pub join_packet_ms: Vec<f64>,
    /// Milliseconds from `offer()` to the first complete keyframe (verified viewers).
    pub join_keyframe_ms: Vec<f64>,
    /// Publisher's send to the viewer's kernel; own publisher and verified viewers only.
    ///
    /// Packets sent before the viewer connected (a replay for the joiner) and retransmissions
    /// are not in it.
    pub video_latency: LatencySummary,
    pub audio_latency: LatencySummary,
    /// Round trips on the data channel `echo`.
    pub echo_rtt: LatencySummary,
    /// Stamped packets older than their viewer: the server replayed them.
    pub replayed: u64,
    /// CPU seconds of the viewers' thread.
    pub cpu_s: f64,
    pub publishers: Vec<PublisherReport>,
    /// The first few distinct errors, for the human.
    pub errors: Vec<String>,
}

/// Packets of one kind of media over all viewers and their streams.
#[derive(Clone, Copy, Debug, Default)]
pub struct StreamTotals {
    /// First arrivals, repaired ones included.
    pub packets: u64,
    /// UDP payload bytes of `packets` (RTP header, extensions and SRTP tag included).
    pub bytes: u64,
    /// Sequence numbers that did not come within a second.
    pub lost: u64,
    /// Arrivals after a higher sequence number, on the same SSRC.
    pub reordered: u64,
    /// Holes filled by retransmission (RFC 4588).
    pub recovered: u64,
    /// Arrivals of a number that was there already or had been given up.
    pub duplicates: u64,
    /// Jumps in the sequence that no loss explains: the server did not rewrite it.
    pub restarts: u64,
}

/// A distribution in milliseconds; relative error at most 1/32.
#[derive(Clone, Copy, Debug, Default)]
pub struct LatencySummary {
    pub count: u64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

/// One synthetic publisher.
#[derive(Clone, Debug, Default)]
pub struct PublisherReport {
    pub connected: bool,
    pub closed: bool,
    pub video_packets: u64,
    pub audio_packets: u64,
    /// RTP payload bytes, video and audio.
    pub bytes: u64,
    pub keyframes: u64,
    /// Keyframe requests received.
    pub keyframe_requests: u64,
    /// NACKs received (up to a second old).
    pub nacks: u64,
    pub send_errors: u64,
    /// The most that a packet left behind its schedule, in milliseconds.
    pub worst_lateness_ms: f64,
    /// CPU seconds of its thread.
    pub cpu_s: f64,
    pub error: Option<String>,
}
