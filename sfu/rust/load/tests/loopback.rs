//! The whole load client against a small SFU over loopback.

mod world;

use sluice_media_load::{LoadConfig, LoadViewers};
use world::{Role, SmallSfu, join, wait_for};

fn load(config: LoadConfig) -> LoadViewers {
    LoadViewers::start(config).expect("a running load client")
}

#[test]
fn a_clean_network_shows_no_loss_and_what_was_sent_is_what_was_counted() {
    let sfu = SmallSfu::start(|_| false);
    let load = load(LoadConfig::default());
    join(&sfu, &load, 3);
    wait_for(&load, |report| {
        report.video.packets > 1500
            && report.join_keyframe_ms.len() == 3
            && report.echo_rtt.count == 3
    });
    let sent = sfu.stop();
    let report = wait_for(&load, |report| {
        report.video.packets >= sent.video && report.audio.packets >= sent.audio
    });
    assert_eq!(
        (report.video.packets, report.audio.packets),
        (sent.video, sent.audio)
    );
    assert_eq!((report.video.lost, report.audio.lost), (0, 0));
    assert_eq!((report.video.duplicates, report.video.restarts), (0, 0));
    assert_eq!(
        (report.rejected, report.unknown, report.client_drops),
        (0, 0, 0)
    );
    assert_eq!(
        (report.connected, report.with_media, report.verified),
        (3, 3, 3)
    );
    assert_eq!(
        (report.join_connected_ms.len(), report.join_packet_ms.len()),
        (3, 3)
    );
    assert_eq!(
        (report.panics, report.errors.len()),
        (0, 0),
        "{:?}",
        report.errors
    );
    assert!(report.video_latency.count > 0 && report.audio_latency.count > 0);
    assert!(report.video_latency.p50_ms > 0.0);
    assert!(report.video_latency.max_ms >= report.video_latency.p99_ms);
    load.stop().expect("a clean stop");
}

#[test]
fn injected_loss_is_repaired_by_retransmission() {
    let sfu = SmallSfu::start(|_| false);
    let load = load(LoadConfig {
        loss: 0.02,
        seed: 42,
        ..LoadConfig::default()
    });
    join(&sfu, &load, 2);
    let report = wait_for(&load, |report| {
        report.video.recovered > 20 && report.nacks > 0
    });
    assert!(report.injected_drops >= report.video.recovered);
    assert!(report.rtx_packets >= report.video.recovered);
    // A hole stays only where the retransmission fell to the same dice again and again.
    assert!(
        report.video.lost <= report.video.recovered / 10,
        "{:?}",
        report.video
    );
    assert_eq!(report.rejected, 0);
}

#[test]
fn a_packet_that_never_comes_is_lost_for_each_viewer() {
    // Every hundredth is not sent to anybody, so it is in nobody's retransmission cache.
    let sfu = SmallSfu::start(|sequence| sequence % 100 == 99);
    let load = load(LoadConfig::default());
    join(&sfu, &load, 2);
    let report = wait_for(&load, |report| report.video.lost >= 10);
    assert_eq!(report.video.recovered, 0);
    assert!(
        report.plis > 0,
        "a viewer that lost a packet for good asks for a keyframe"
    );
    let publisher = wait_for(&load, |report| report.publishers[0].keyframe_requests > 0);
    assert!(publisher.publishers[0].keyframes > 1);
}

#[test]
fn viewers_that_are_not_verified_count_from_clear_headers_and_stay_connected() {
    let sfu = SmallSfu::start(|_| false);
    let load = load(LoadConfig {
        verify_every: 3,
        gro: true,
        ..LoadConfig::default()
    });
    join(&sfu, &load, 4);
    wait_for(&load, |report| {
        report.video.packets > 1500 && report.echo_rtt.count == 4
    });
    let sent = sfu.stop();
    let report = wait_for(&load, |report| {
        report.video.packets >= sent.video && report.audio.packets >= sent.audio
    });
    assert_eq!(
        (report.verified, report.connected, report.with_media),
        (2, 4, 4)
    );
    assert_eq!(
        (report.video.packets, report.audio.packets),
        (sent.video, sent.audio)
    );
    assert_eq!((report.video.lost, report.rejected), (0, 0));
    assert_eq!(report.join_keyframe_ms.len(), 2);
}

#[test]
fn removed_viewers_leave_their_counts_and_stop_ends_everything() {
    let sfu = SmallSfu::start(|_| false);
    let load = load(LoadConfig {
        max_viewers: 2,
        ..LoadConfig::default()
    });
    join(&sfu, &load, 1);
    let (second, _) = load.offer().expect("an offer");
    assert!(
        load.offer()
            .is_err_and(|error| error.to_string().contains("max_viewers"))
    );
    let before = wait_for(&load, |report| report.video.packets > 100);
    assert_eq!((before.offered, before.alive), (2, 2));
    assert!(load.remove(second).expect("an answer"));
    assert!(!load.remove(second).expect("an answer"));
    assert!(load.answer(second, "v=0").is_err());
    let after = load.report().expect("a report");
    assert_eq!((after.offered, after.alive, after.closed), (2, 1, 0));
    assert!(after.video.packets >= before.video.packets);
    load.stop().expect("a clean stop");
    load.stop().expect("stopping twice is fine");
    assert!(load.offer().is_err());
    assert!(load.report().is_err());
    sfu.stop();
}

#[test]
fn a_server_that_closes_is_noticed_and_named() {
    let sfu = SmallSfu::start(|_| false);
    let load = load(LoadConfig::default());
    join(&sfu, &load, 2);
    wait_for(&load, |report| {
        report.echo_rtt.count == 2 && report.publishers[0].connected
    });
    sfu.hang_up();
    let report = wait_for(&load, |report| {
        report.closed == 2 && report.publishers[0].closed
    });
    assert_eq!(
        (report.alive, report.connected, report.receiving),
        (0, 0, 0)
    );
    assert_eq!(report.errors, ["the server closed the session"]);
    assert!(report.publishers[0].error.is_some());
}

#[test]
fn a_bad_answer_is_refused_and_spends_the_offer() {
    let sfu = SmallSfu::start(|_| false);
    let load = load(LoadConfig::default());
    let (viewer, offer) = load.offer().expect("an offer");
    let answer = sfu.answer(Role::Viewer, &offer);
    let large = "x".repeat(70_000);
    assert!(
        load.answer(viewer, &large)
            .is_err_and(|text| text.contains("70000"))
    );
    assert!(load.answer(viewer, "not an SDP").is_err());
    assert!(
        load.answer(viewer, &answer)
            .is_err_and(|text| text.contains("already"))
    );
    sfu.stop();
}

#[test]
fn settings_that_cannot_be_are_refused_by_name() {
    for (config, name) in [
        (
            LoadConfig {
                loss: 1.0,
                ..LoadConfig::default()
            },
            "loss",
        ),
        (
            LoadConfig {
                max_viewers: 0,
                ..LoadConfig::default()
            },
            "max_viewers",
        ),
        (
            LoadConfig {
                pli_per_second: -1.0,
                ..LoadConfig::default()
            },
            "pli_per_second",
        ),
    ] {
        let refused = LoadViewers::start(config).expect_err("a refusal");
        assert!(refused.to_string().contains(name), "{refused}");
    }
}

#[test]
fn a_viewer_takes_an_offer_too_here_that_of_the_publisher_itself() {
    let load = load(LoadConfig::default());
    let (publisher, offer) = load.publisher_offer().expect("an offer");
    let (_, answer) = load.accept(&offer).expect("an answer");
    load.publisher_answer(publisher, &answer)
        .expect("a fitting answer");
    let report = wait_for(&load, |report| {
        report.video.packets > 500 && report.join_keyframe_ms.len() == 1
    });
    assert_eq!((report.connected, report.verified), (1, 1));
    assert_eq!((report.video.lost, report.rejected), (0, 0));
    assert!(report.video_latency.count > 0);
    assert!(load.accept("not an SDP").is_err());
    assert_eq!(load.report().expect("a report").alive, 1);
}

#[test]
fn a_publisher_of_three_encodings_sends_each_with_its_rid() {
    let sfu = SmallSfu::start(|_| false);
    let mut config = LoadConfig::default();
    config.publisher.layers = 3;
    let load = load(config);
    let (publisher, offer) = load.publisher_offer().expect("an offer");
    assert!(offer.contains("a=simulcast:send q;h;f"), "{offer}");
    load.publisher_answer(publisher, &sfu.answer(Role::Publisher, &offer))
        .expect("a fitting answer");
    // Keyframes of all three encodings, at the start and two seconds later.
    let report = wait_for(&load, |report| report.publishers[0].keyframes >= 6);
    assert_eq!(report.publishers[0].send_errors, 0);
    sfu.stop();
}
