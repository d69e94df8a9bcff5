//! What the load client itself costs. Run it in release:
//! `cargo test --release --test capacity -- --ignored --nocapture`.

mod world;

use std::time::{Duration, Instant};

use sluice_media_load::{LoadConfig, LoadViewers};
use world::{SmallSfu, join, wait_for};

const VIEWERS: usize = 100;
const WINDOW: Duration = Duration::from_secs(5);

#[test]
#[ignore = "it measures for a quarter of a minute"]
fn a_hundred_viewers_at_two_and_a_half_megabit_cost_far_less_than_a_core() {
    for (name, verify_every, gro) in [
        ("all verified", 1, false),
        ("1 in 20", 20, false),
        ("1 in 20, GRO", 20, true),
    ] {
        let sfu = SmallSfu::start(|_| false);
        let config = LoadConfig {
            verify_every,
            gro,
            ..LoadConfig::default()
        };
        let load = LoadViewers::start(config).expect("a running load client");
        join(&sfu, &load, VIEWERS);
        wait_for(&load, |report| report.with_media == VIEWERS as u64);
        load.reset_latency().expect("a running load client");
        let before = load.report().expect("a report");
        let start = Instant::now();
        std::thread::sleep(WINDOW);
        let after = load.report().expect("a report");
        let seconds = start.elapsed().as_secs_f64();
        let packets = after.video.packets + after.audio.packets
            - (before.video.packets + before.audio.packets);
        let cpu = after.cpu_s - before.cpu_s;
        println!(
            "{name}: {:.0} packets/s, {:.2} us of CPU a packet, {:.0} % of a core, latency {:?}",
            packets as f64 / seconds,
            cpu / packets as f64 * 1e6,
            cpu / seconds * 100.0,
            after.video_latency,
        );
        assert_eq!(
            (after.client_drops, after.rejected, after.panics),
            (0, 0, 0)
        );
        assert!(cpu < seconds / 2.0);
    }
}
