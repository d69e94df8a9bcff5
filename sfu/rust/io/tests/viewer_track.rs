//! What a viewer's track reports and how it names itself.

use std::time::{Duration, Instant};

use sluice_media_core::codec::Codec as CoreCodec;
use sluice_media_core::forward::{Outgoing, Pace};
use sluice_media_core::header::ExtensionIds;
use sluice_media_core::packet::{Extras, Packet, SourceId};
use sluice_media_core::rtcp::ReportBlock;
use sluice_media_io::egress::Left;
use sluice_media_io::viewer::format::{Format, Terms};
use sluice_media_io::viewer::track::Track;
use str0m::format::{Codec, CodecSpec, FormatParams};
use str0m::media::Frequency;

const SSRC: u32 = 0xaabb_ccdd;

fn spec(codec: Codec) -> CodecSpec {
    CodecSpec {
        codec,
        clock_rate: Frequency::NINETY_KHZ,
        channels: None,
        format: FormatParams::default(),
    }
}

fn track() -> Track {
    Track::new(Terms {
        mid: "1".into(),
        ssrc: SSRC,
        resend_ssrc: Some(7),
        formats: vec![Format {
            redundant: None,
            spec: spec(Codec::Vp8),
            payload_type: 96,
            resend: Some(97),
        }],
        ids: ExtensionIds::default(),
        remb: false,
    })
}

const LEFT: Left = Left {
    number: None,
    bytes: 140,
    payload: 100,
};

fn packet(captured: Instant) -> Packet {
    Packet {
        source: SourceId(1),
        codec: CoreCodec::Vp8,
        seq: 10,
        time: 0,
        marker: true,
        keyframe_start: true,
        captured,
        arrived: captured,
        extras: Extras {
            quarter_turns: Some(1),
            audio_level: None,
        },
        layer: None,
        newest: 0,
        vp8: None,
        payload: vec![0x10; 100].into(),
    }
}

fn outgoing(time: u32, captured: Instant) -> Outgoing {
    Outgoing {
        seq: 1,
        time,
        captured,
        pace: Pace::Own,
        marker: false,
        empty: false,
        vp8: None,
    }
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn nothing_is_reported_before_the_first_packet() {
    assert!(track().sender_info(Instant::now()).is_none());
}

#[test]
fn a_report_says_which_rtp_time_it_is_now() {
    let start = Instant::now();
    let mut track = track();
    track.count(&packet(start), &outgoing(1_000_000, start), LEFT);
    for (later, ticks) in [(0, 0), (1, 90), (1000, 90_000), (100_000, 9_000_000)] {
        let info = track.sender_info(start + ms(later)).expect("a report");
        assert_eq!((info.ssrc, info.rtp), (SSRC, 1_000_000 + ticks));
    }
}

#[test]
fn a_capture_time_that_lies_ahead_counts_backwards() {
    // The newest picture of a replay is closed up towards a moment that has not come yet, and a
    // publisher's clock may be ahead.
    let start = Instant::now();
    let mut track = track();
    track.count(&packet(start), &outgoing(1_000_000, start + ms(500)), LEFT);
    let rtp = |at| track.sender_info(at).expect("a report").rtp;
    assert_eq!(rtp(start), 1_000_000 - 45_000);
    assert_eq!(rtp(start + ms(500)), 1_000_000);
    assert_eq!(rtp(start + ms(600)), 1_000_000 + 9000);
}

#[test]
fn rtp_time_wraps_around_in_a_report_too() {
    let start = Instant::now();
    let mut track = track();
    track.count(&packet(start), &outgoing(u32::MAX, start + ms(100)), LEFT);
    let rtp = |at| track.sender_info(at).expect("a report").rtp;
    assert_eq!(rtp(start + ms(101)), 89);
    track.count(&packet(start), &outgoing(100, start + ms(100)), LEFT);
    let info = track.sender_info(start).expect("a report");
    assert_eq!(info.rtp, 100u32.wrapping_sub(9000));
}

#[test]
fn a_report_counts_what_left() {
    let start = Instant::now();
    let mut track = track();
    for number in 0..5 {
        track.count(&packet(start), &outgoing(3000 * number, start), LEFT);
    }
    let info = track.sender_info(start).expect("a report");
    assert_eq!((info.packets, info.octets), (5, 500));
}

#[test]
fn the_first_packets_say_which_m_line_they_belong_to() {
    let start = Instant::now();
    let mut track = track();
    let packet = packet(start);
    let mut named = 0;
    for number in 0..100 {
        let values = track.extensions(&packet);
        assert_eq!(values.orientation, Some(1));
        named += usize::from(values.mid == b"1");
        track.count(&packet, &outgoing(number, start), LEFT);
    }
    assert_eq!(named, 64);
    assert!(track.extensions(&packet).mid.is_empty());
}

#[test]
fn a_sources_format_is_found_and_one_that_the_viewer_cannot_take_is_none() {
    let mut track = track();
    let formats = [
        (SourceId(1), spec(Codec::Vp8)),
        (SourceId(2), spec(Codec::Av1)),
    ];
    let mut found = |source| {
        track
            .format(SourceId(source), &formats)
            .map(|f| f.payload_type)
    };
    assert_eq!(
        [found(1), found(2), found(3), found(1)],
        [Some(96), None, None, Some(96)]
    );
}

#[test]
fn a_format_that_comes_later_is_found_then() {
    let mut track = track();
    assert!(track.format(SourceId(1), &[]).is_none());
    let formats = [(SourceId(1), spec(Codec::Vp8))];
    assert!(track.format(SourceId(1), &formats).is_some());
}

#[test]
fn a_report_is_about_the_track_whose_stream_it_names() {
    let about = |ssrc| {
        track().is_about(&ReportBlock {
            ssrc,
            fraction_lost: 0,
            cumulative_lost: 0,
            highest_seq: 0,
            jitter: 0,
            last_sr: 0,
            delay_since_last_sr: 0,
        })
    };
    assert!(about(SSRC) && !about(7));
}

#[test]
fn two_tracks_do_not_begin_with_the_same_numbers() {
    let tracks: Vec<u64> = (0..8).map(|_| track().resend_seq).collect();
    assert!(tracks.iter().all(|seq| *seq < 1 << 15));
    assert!(tracks.iter().any(|seq| *seq != tracks[0]));
}
