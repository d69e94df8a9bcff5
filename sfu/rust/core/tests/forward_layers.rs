//! A viewer that gets some of an encoding's layers.

mod world;

use std::time::Duration;

use sluice_media_core::codec::Codec;
use sluice_media_core::depacketize::layer_of;
use sluice_media_core::forward::{Forwarder, Outgoing};
use sluice_media_core::gop::Gop;
use sluice_media_core::packet::{Packet, SourceId};
use sluice_media_core::rung::Rung;
use world::{at, shared, video};

const SOURCE: SourceId = SourceId(1);

fn rung(spatial: u8) -> Rung {
    Rung {
        source: SOURCE,
        spatial,
        temporal: 0,
    }
}

/// A packet of two spatial layers, one each a picture.
fn packet(seq: u64) -> Packet {
    let (picture, spatial) = (seq / 2, (seq % 2) as u8);
    let predicted = u8::from(!picture.is_multiple_of(10)) << 6;
    let payload = [
        0xac | predicted,
        picture as u8 & 0x7f,
        spatial << 1,
        0,
        0x82,
    ];
    Packet {
        codec: Codec::Vp9,
        marker: spatial == 1,
        keyframe_start: predicted == 0 && spatial == 0,
        layer: layer_of(Codec::Vp9, &payload),
        payload: payload.to_vec().into(),
        ..video(1, seq, picture * 33)
    }
}

fn live(forwarder: &mut Forwarder, seq: u64) -> Option<Outgoing> {
    let packet = packet(seq);
    forwarder.live(&packet, packet.arrived)
}

/// One that got the first keyframe whole.
fn forwarder() -> Forwarder {
    let mut forwarder = Forwarder::new(100, 5000);
    forwarder.follow(SOURCE);
    assert_eq!(live(&mut forwarder, 0).map(|o| o.seq), Some(100));
    assert_eq!(live(&mut forwarder, 1).map(|o| o.seq), Some(101));
    forwarder
}

#[test]
fn what_is_left_out_leaves_no_gap_and_the_picture_its_end() {
    let mut forwarder = forwarder();
    forwarder.follow_part(rung(0));
    for seq in 2..20 {
        let out = live(&mut forwarder, seq).map(|o| (o.seq, o.marker, o.empty));
        let expected = (seq % 2 == 0).then_some((101 + seq / 2, true, false));
        assert_eq!(out, expected, "{seq}");
    }
    assert!(!forwarder.wants_keyframe());
}

#[test]
fn layers_come_back_with_a_keyframe_and_it_is_wanted_until_then() {
    let mut forwarder = forwarder();
    forwarder.follow_part(rung(0));
    live(&mut forwarder, 2);
    live(&mut forwarder, 3);
    forwarder.follow(SOURCE);
    assert!(forwarder.wants_keyframe());
    assert_eq!(live(&mut forwarder, 4).map(|o| o.seq), Some(103));
    assert_eq!(live(&mut forwarder, 5), None);
    for seq in 20..30 {
        let out = live(&mut forwarder, seq).expect("everything");
        assert_eq!(out.marker, seq % 2 == 1);
    }
    assert!(!forwarder.wants_keyframe());
}

#[test]
fn a_number_finds_what_went_out_under_it_before_and_after_the_cut() {
    let mut forwarder = forwarder();
    forwarder.follow_part(rung(0));
    let sent = (2..10).filter_map(|seq| live(&mut forwarder, seq));
    assert_eq!(sent.count(), 4);
    let found: Vec<_> = (100..106)
        .map(|number| forwarder.sent(number).expect("it was sent").source_seq)
        .collect();
    assert_eq!(found, [0, 1, 2, 4, 6, 8]);
    let sent = forwarder.sent(104).expect("it was sent");
    let again = forwarder.again(&sent, &packet(6)).expect("a kept packet");
    assert_eq!((again.seq, again.marker), (104, true));
    // Before the cut its picture ended with the publisher's marker.
    let sent = forwarder.sent(100).expect("it was sent");
    let again = forwarder.again(&sent, &packet(0)).expect("a kept packet");
    assert_eq!((again.seq, again.marker), (100, false));
}

#[test]
fn what_comes_late_and_is_left_out_is_filled_with_nothing() {
    let mut forwarder = forwarder();
    forwarder.follow_part(rung(0));
    live(&mut forwarder, 2);
    // 3 is late: nobody knows yet that it would be left out.
    assert_eq!(live(&mut forwarder, 4).map(|o| o.seq), Some(104));
    let filler = live(&mut forwarder, 3).expect("its number was passed over");
    assert_eq!(
        (filler.seq, filler.empty, filler.marker),
        (103, true, false)
    );
    assert_eq!(forwarder.sent(103), None);
}

#[test]
fn a_replay_leaves_out_the_same() {
    let mut gop = Gop::new(1 << 20, Duration::from_secs(10));
    (0..20).for_each(|seq| gop.push(&shared(packet(seq))));
    let mut forwarder = Forwarder::new(100, 5000);
    forwarder.follow_part(rung(0));
    assert!(forwarder.start_replay(&gop, at(1000)));
    let replayed: Vec<_> = std::iter::from_fn(|| forwarder.replay_next(&gop, at(1000))).collect();
    let numbers: Vec<u64> = replayed.iter().map(|(_, out)| out.seq).collect();
    assert_eq!(numbers, (100..110).collect::<Vec<u64>>());
    assert!(replayed.iter().all(|(packet, _)| packet.seq % 2 == 0));
    assert!(!forwarder.is_replaying());
    assert_eq!(live(&mut forwarder, 20).map(|o| o.seq), Some(110));
    assert_eq!(live(&mut forwarder, 22).map(|o| o.seq), Some(112));
    // Nobody knew that it would be left out.
    assert_eq!(live(&mut forwarder, 21).map(|o| o.empty), Some(true));
}

#[test]
fn limits_of_another_source_wait_for_it() {
    let mut forwarder = forwarder();
    forwarder.follow_part(Rung {
        source: SourceId(2),
        ..rung(0)
    });
    assert_eq!(live(&mut forwarder, 2).map(|o| o.seq), Some(102));
    assert_eq!(live(&mut forwarder, 3).map(|o| o.seq), Some(103));
    let other = |seq| Packet {
        source: SourceId(2),
        ..packet(seq)
    };
    let first = forwarder.live(&other(20), at(70)).expect("a start");
    assert_eq!((first.seq, first.marker), (104, true));
    assert_eq!(forwarder.live(&other(21), at(70)), None);
    // And what was sent before is still found.
    assert_eq!(forwarder.sent(103).map(|sent| sent.source_seq), Some(3));
}
