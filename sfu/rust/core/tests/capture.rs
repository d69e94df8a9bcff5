//! When a packet was captured, on our own clock.

mod world;

use std::time::{Duration, Instant};

use sluice_media_core::capture::{CaptureClock, TrackClock};
use world::{Dice, at};

/// The publisher's wall clock at the beginning of our time: any number.
const NTP: Duration = Duration::from_secs(3_900_000_000);

/// A publisher with two tracks whose RTP times begin somewhere.
struct Publisher {
    clock: CaptureClock,
    video: TrackClock,
    audio: TrackClock,
    video_start: u64,
    audio_start: u64,
}

impl Publisher {
    fn new() -> Self {
        Publisher {
            clock: CaptureClock::new(at(0)),
            video: TrackClock::new(90_000),
            audio: TrackClock::new(48_000),
            video_start: 4_000_000_000,
            audio_start: 77,
        }
    }

    fn picture(&mut self, captured: u64, arrived: u64) -> Instant {
        let rtp = self.video_start + captured * 90;
        self.clock.captured(&mut self.video, rtp, at(arrived))
    }

    fn sound(&mut self, captured: u64, arrived: u64) -> Instant {
        let rtp = self.audio_start + captured * 48;
        self.clock.captured(&mut self.audio, rtp, at(arrived))
    }

    fn reports(&mut self, sent: u64, arrived: u64) {
        let ntp = NTP + Duration::from_millis(sent);
        let (video, audio) = (self.video_start + sent * 90, self.audio_start + sent * 48);
        self.clock.report(&mut self.video, ntp, video, at(arrived));
        self.clock.report(&mut self.audio, ntp, audio, at(arrived));
    }
}

#[test]
fn before_the_first_report_a_track_is_timed_by_its_fastest_packet() {
    let mut publisher = Publisher::new();
    assert_eq!(publisher.picture(100, 150), at(150));
    // Slower by 20 ms than the one before.
    assert_eq!(publisher.picture(200, 270), at(250));
    // Faster by 30 ms: now this is the measure.
    assert_eq!(publisher.picture(300, 320), at(320));
    assert_eq!(publisher.picture(400, 430), at(420));
}

#[test]
fn reports_bring_sound_and_picture_to_one_clock_in_spite_of_jitter() {
    let mut publisher = Publisher::new();
    let mut dice = Dice(7);
    // Pictures always come 200 ms later than sound.
    for second in 0..40 {
        let sent = second * 1000;
        publisher.reports(sent, sent + 30 + dice.below(10));
        for step in 0..10 {
            let captured = sent + 20 + step * 90;
            let picture = publisher.picture(captured, captured + 240 + dice.below(80));
            let sound = publisher.sound(captured, captured + 40 + dice.below(80));
            // The two clocks round differently.
            let apart = picture.max(sound) - picture.min(sound);
            assert!(
                apart <= Duration::from_micros(30),
                "{apart:?} at {captured}"
            );
        }
    }
}

#[test]
fn both_tracks_agree_to_the_microsecond_once_reports_are_faster_than_packets() {
    let mut publisher = Publisher::new();
    publisher.reports(0, 10);
    for captured in [100, 250, 1000, 20_000] {
        let picture = publisher.picture(captured, captured + 300);
        let sound = publisher.sound(captured, captured + 30);
        assert_eq!(picture, at(captured + 10));
        assert_eq!(sound, at(captured + 10));
    }
}

#[test]
fn the_fastest_recent_report_counts_and_old_ones_are_forgotten() {
    let mut publisher = Publisher::new();
    publisher.reports(0, 5);
    publisher.reports(1000, 1100);
    assert_eq!(publisher.picture(1500, 2000), at(1505));
    // The route is slower by 45 ms now; two tracks report, so 16 rounds fill the window.
    for second in 2..18 {
        publisher.reports(second * 1000, second * 1000 + 50);
    }
    assert_eq!(publisher.picture(20_000, 20_500), at(20_050));
}

#[test]
fn nothing_is_captured_after_it_arrived_or_absurdly_long_before() {
    let mut publisher = Publisher::new();
    let mut dice = Dice(1);
    for _ in 0..10_000 {
        let arrived = dice.below(1_000_000);
        if dice.below(5) == 0 {
            let ntp = Duration::from_millis(dice.roll());
            let rtp = dice.roll();
            publisher
                .clock
                .report(&mut publisher.video, ntp, rtp, at(arrived));
        }
        let captured = publisher.clock.captured(
            &mut publisher.video,
            dice.roll() << dice.below(8),
            at(arrived),
        );
        assert!(captured <= at(arrived));
        assert!(at(arrived) - captured <= Duration::from_secs(10));
    }
}

#[test]
fn a_report_may_have_been_unwrapped_on_the_other_side_of_a_wrap_around() {
    let mut publisher = Publisher::new();
    // Packets have passed 2^32; the first report's time counts from zero again.
    publisher.video_start = (1 << 32) + 1000;
    publisher.picture(0, 200);
    publisher
        .clock
        .report(&mut publisher.video, NTP, 1000, at(10));
    assert_eq!(publisher.picture(500, 700), at(510));
    // And the other way round: the report is ahead of a packet that has not wrapped.
    let mut publisher = Publisher::new();
    publisher.video_start = (1 << 32) - 90 * 100;
    publisher.picture(0, 200);
    publisher.clock.report(
        &mut publisher.video,
        NTP + Duration::from_millis(200),
        90 * 100,
        at(210),
    );
    assert_eq!(publisher.picture(300, 700), at(310));
}
