//! A channel on a worker.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sluice_media_core::broadcast::Settings;
use sluice_media_core::codec::Codec;
use sluice_media_core::packet::{Extras, Packet, SourceId};
use sluice_media_core::rate::Steady;
use sluice_media_io::channel::Channel;
use sluice_media_io::feed::{Demand, Started};
use str0m::format::{Codec as RtcCodec, CodecSpec, FormatParams};
use str0m::media::Frequency;

fn channel(now: Instant) -> Channel {
    let settings = Settings {
        replay_bytes: 1 << 20,
        replay_span: Duration::from_secs(10),
        keyframe_gap: Duration::from_millis(500),
        lower_keyframe_gap: Duration::from_millis(500),
        keyframe_age: Duration::from_secs(4),
        silence: Duration::from_millis(500),
    };
    let mut channel = Channel::new("town".into(), true, settings);
    for (source, rid) in [(1, "q"), (2, "f")] {
        channel.start_source(&started(source, rid, None), now);
    }
    channel
}

fn started(source: u64, rid: &str, replaces: Option<u64>) -> Started {
    Started {
        source: SourceId(source),
        rid: rid.to_owned(),
        spec: CodecSpec {
            codec: RtcCodec::Vp8,
            clock_rate: Frequency::NINETY_KHZ,
            channels: None,
            format: FormatParams::default(),
        },
        codec: Codec::Vp8,
        replaces: replaces.map(SourceId),
        steady: Steady::default(),
    }
}

fn packet(source: u64, bytes: usize, now: Instant) -> Arc<Packet> {
    Arc::new(Packet {
        source: SourceId(source),
        codec: Codec::Vp8,
        seq: 1,
        time: 0,
        marker: true,
        keyframe_start: true,
        captured: now,
        arrived: now,
        extras: Extras::default(),
        layer: None,
        newest: 0,
        vp8: None,
        payload: vec![0x11; bytes].into(),
    })
}

fn sources(channel: &Channel) -> Vec<(u64, String)> {
    let present = channel.present().into_iter();
    present
        .map(|started| (started.source.0, started.rid))
        .collect()
}

#[test]
fn encodings_are_found_by_their_rid_and_the_other_way_round() {
    let channel = channel(Instant::now());
    assert_eq!(channel.layer("f"), Some(SourceId(2)));
    assert_eq!(channel.layer("x"), None);
    assert_eq!(channel.rid(SourceId(1)), Some("q"));
    assert_eq!(channel.rid(SourceId(9)), None);
}

#[test]
fn an_encoding_that_is_heard_of_twice_is_there_once() {
    let now = Instant::now();
    let mut channel = channel(now);
    let mut units = Vec::new();
    channel
        .broadcast
        .packet(&packet(1, 100, now), now, &mut units);
    // A worker that left and came back is told what it may know already.
    for started in channel.present() {
        channel.start_source(&started, now);
    }
    assert_eq!(
        sources(&channel),
        [(1, "q".to_owned()), (2, "f".to_owned())]
    );
    assert_eq!(channel.formats.len(), 2);
    // And what was kept of it is kept.
    assert!(
        channel
            .broadcast
            .gop(SourceId(1))
            .is_some_and(|gop| !gop.is_empty())
    );
}

#[test]
fn an_encoding_takes_the_place_of_the_one_that_it_replaces() {
    let mut channel = channel(Instant::now());
    channel.start_source(&started(7, "q", Some(1)), Instant::now());
    assert_eq!(
        sources(&channel),
        [(2, "f".to_owned()), (7, "q".to_owned())]
    );
    assert_eq!(channel.layer("q"), Some(SourceId(7)));
}

#[test]
fn rates_ascend_whatever_the_order_of_arrival() {
    let now = Instant::now();
    let mut channel = channel(now);
    let mut units = Vec::new();
    channel
        .broadcast
        .packet(&packet(1, 900, now), now, &mut units);
    channel
        .broadcast
        .packet(&packet(2, 100, now), now, &mut units);
    channel.broadcast.tick(now + Duration::from_secs(1));
    let rates = channel.rates();
    let found: Vec<_> = rates
        .iter()
        .map(|layer| (layer.rung.source.0, layer.bitrate))
        .collect();
    assert_eq!(found, [(2, 800), (1, 7200)]);
    assert_eq!(channel.audio_rate(), 0);
}

#[test]
fn a_publisher_that_is_gone_leaves_its_viewers_and_nothing_else() {
    let mut channel = channel(Instant::now());
    channel.publisher = Some(4);
    channel.viewers.push(5);
    channel.limit = Some(1);
    channel.idle = Some(Instant::now());
    channel.clear_publisher();
    assert!(channel.present().is_empty() && channel.formats.is_empty());
    assert!(channel.publisher.is_none() && channel.limit.is_none() && channel.idle.is_none());
    assert!(!channel.is_empty());
    channel.viewers.clear();
    assert!(channel.is_empty());
}

#[test]
fn a_reader_or_another_workers_viewers_keep_a_channel() {
    let mut channel = channel(Instant::now());
    channel.taps.push(1);
    assert!(!channel.is_empty());
    channel.taps.clear();
    channel.subscribers.insert(2, Demand::Any);
    assert!(!channel.is_empty());
    channel.subscribers.clear();
    assert!(channel.is_empty());
}
