//! Which layer is chosen, whatever the estimate comes from.

mod world;

use sluice_media_core::downlink::{Choice, Downlink, Feedback, LayerRate};
use sluice_media_core::packet::SourceId;
use sluice_media_core::rung::Rung;
use world::at;
use world::sender::{AUDIO, HIGH, LOW, MIDDLE, Sender};
use world::viewing::{LOWEST, MID, TOP};

/// A viewer whose estimate is what it says.
struct Viewer {
    downlink: Downlink,
    layers: [LayerRate; 3],
}

impl Viewer {
    fn new(estimate: u64) -> Self {
        Viewer {
            downlink: Downlink::new(Feedback::Remb, estimate, at(0)),
            layers: Sender::layers(),
        }
    }

    fn choose(&mut self, ms: u64) -> Choice {
        self.downlink.choose(&self.layers, AUDIO, at(ms))
    }

    /// The receiver names a limit, while enough is sent for it to be believed.
    fn named(&mut self, rate: u64, ms: u64) -> Choice {
        for back in 0..10 {
            let bytes = (rate / 8 / 10) as usize;
            let when = at(ms.saturating_sub(1000) + back * 100);
            for _ in 0..1 + bytes / 15_000 {
                self.downlink.sent(0, bytes.min(15_000), when);
            }
        }
        self.downlink.remb(rate, at(ms));
        self.choose(ms)
    }
}

#[test]
fn the_beginning_is_the_lowest_unless_the_estimate_says_more() {
    assert_eq!(Viewer::new(50_000).choose(0), LOWEST);
    assert_eq!(Viewer::new(300_000).choose(0), LOWEST);
    assert_eq!(Viewer::new(800_000).choose(0), MID);
    assert_eq!(Viewer::new(5_000_000).choose(0), TOP);
}

#[test]
fn headers_and_sound_and_a_margin_count() {
    // 500 + 40 kbit/s, and 121 packets a second with 70 bytes around them; and 15 % of room.
    let need = (540_000 + 121 * 560) * 115 / 100;
    assert_eq!(Viewer::new(need - 2000).choose(0), LOWEST);
    assert_eq!(Viewer::new(need + 2000).choose(0), MID);
}

#[test]
fn without_layers_there_is_nothing() {
    let mut downlink = Downlink::new(Feedback::TransportWide, 300_000, at(0));
    assert_eq!(downlink.choose(&[], AUDIO, at(0)), Choice::Nothing);
    let mut off = Sender::layers();
    off.iter_mut().for_each(|layer| layer.active = false);
    assert_eq!(downlink.choose(&off, AUDIO, at(1)), Choice::Nothing);
    assert_eq!(downlink.choose(&Sender::layers(), AUDIO, at(2)), LOWEST);
}

#[test]
fn an_inactive_layer_is_not_chosen_and_one_that_becomes_so_is_left() {
    let mut viewer = Viewer::new(5_000_000);
    viewer.layers[2].active = false;
    assert_eq!(viewer.choose(0), MID);
    viewer.layers[2].active = true;
    assert_eq!(viewer.choose(100), TOP);
    viewer.layers[2].active = false;
    assert_eq!(viewer.choose(200), MID);
    viewer.layers[0].active = false;
    viewer.layers[1].active = false;
    viewer.layers[2].active = true;
    assert_eq!(viewer.choose(5000), TOP);
}

#[test]
fn a_single_layer_is_played_however_large() {
    let mut viewer = Viewer::new(50_000);
    let only = [viewer.layers[2]];
    assert_eq!(viewer.downlink.choose(&only, AUDIO, at(0)), TOP);
}

#[test]
fn a_pin_holds_while_its_layer_is_active() {
    let mut viewer = Viewer::new(5_000_000);
    viewer.downlink.pin(Some(LOW));
    assert_eq!(viewer.choose(0), LOWEST);
    viewer.downlink.pin(Some(HIGH));
    assert_eq!(viewer.choose(100), TOP);
    assert_eq!(viewer.named(100_000, 1200), TOP);
    viewer.layers[2].active = false;
    assert_eq!(viewer.choose(1300), LOWEST);
    viewer.layers[2].active = true;
    assert_eq!(viewer.choose(1400), TOP);
    viewer.downlink.pin(Some(Rung::plain(SourceId(99))));
    assert_eq!(viewer.choose(1500), LOWEST);
    viewer.downlink.pin(None);
    viewer.downlink.pin(Some(MIDDLE));
    assert_eq!(viewer.choose(1600), MID);
}

#[test]
fn nobody_probes_for_a_viewer_who_pinned() {
    let mut viewer = Viewer::new(300_000);
    viewer.downlink.pin(Some(LOW));
    for ms in (0..10_000).step_by(100) {
        viewer.downlink.sent(0, 1000, at(ms));
        viewer.downlink.remb(300_000, at(ms));
        viewer.choose(ms);
        assert_eq!(viewer.downlink.wake_at(), None);
    }
    assert_eq!(viewer.downlink.counters.probes, 0);
}

#[test]
fn a_limit_below_the_lowest_leaves_it_for_a_moment_and_then_only_sound() {
    let mut viewer = Viewer::new(300_000);
    assert_eq!(viewer.choose(0), LOWEST);
    let mut rate = 150_000;
    for ms in (1000..3000).step_by(100) {
        // Felt again and again.
        rate -= 100;
        let choice = viewer.named(rate, ms);
        assert_eq!(choice == Choice::AudioOnly, ms >= 2500, "{ms}");
    }
    assert_eq!(viewer.named(400_000, 8000), LOWEST);
}

#[test]
fn one_moment_below_the_lowest_takes_no_picture_away() {
    let mut viewer = Viewer::new(300_000);
    viewer.choose(0);
    viewer.named(150_000, 1000);
    for ms in (1100..20_000).step_by(100) {
        assert_eq!(viewer.choose(ms), LOWEST);
    }
}

#[test]
fn a_layer_that_failed_soon_waits_longer_each_time() {
    let mut viewer = Viewer::new(300_000);
    assert_eq!(viewer.choose(0), LOWEST);
    let mut up = 1000;
    let mut waits = Vec::new();
    assert_eq!(viewer.named(900_000, up), MID);
    for _ in 0..5 {
        let fell = up + 1000;
        assert_eq!(viewer.named(300_000, fell), LOWEST);
        up = fell + 100;
        while viewer.named(900_000, up) == LOWEST {
            up += 100;
        }
        waits.push((up - fell) / 1000);
    }
    assert_eq!(waits, [4, 8, 16, 30, 30]);
}
