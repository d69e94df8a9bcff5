//! Viewers that lie about what they received, and datagrams that come a second time.

mod world;

use std::time::{Duration, Instant};

use sluice_media_core::demux::{self, Kind};
use sluice_media_io::outbox::CloseReason;
use sluice_media_io::settings::Settings;
use world::client::media::contiguous;
use world::forger::{Forger, arrivals, nack, pli, remb, report};
use world::rubbish::Dice;
use world::{Who, World, settings};

fn as_it_is(offer: &str) -> String {
    offer.to_owned()
}

/// Without transport-wide numbers: what an old receiver offers, that estimates by itself.
fn with_remb_only(offer: &str) -> String {
    let transport =
        |line: &&str| !line.contains("transport-cc") && !line.contains("transport-wide");
    let lines = offer.lines().filter(transport);
    let changed = lines.map(|line| match line.strip_prefix("a=rtcp-fb:") {
        Some(rest) if rest.ends_with(" nack") => {
            let pt = rest.split(' ').next().expect("a payload type");
            format!("{line}\r\na=rtcp-fb:{pt} goog-remb\r\n")
        }
        _ => format!("{line}\r\n"),
    });
    changed.collect()
}

fn estimate(world: &World, who: Who) -> u64 {
    let stats = world.engine.stats(who.peer).expect("a peer");
    stats.estimate.expect("an estimate")
}

/// A publisher and a forger that is sent pictures and whose link is estimated.
fn watched(change: fn(&str) -> String) -> (World, Who, Forger) {
    let mut world = World::new();
    let publisher = world.publish("town");
    world.stream(publisher, 10, 10);
    let forger = Forger::watch(&mut world, "town", change);
    let known = |w: &World| w.engine.stats(forger.who.peer).and_then(|s| s.estimate);
    while known(&world).is_none() || forger.pictures().is_empty() {
        world.stream(publisher, 1, 0);
    }
    (world, publisher, forger)
}

/// Say something of its kind a thousand times while media flows; the highest estimate on the way.
fn highest(
    world: &mut World,
    publisher: Who,
    forger: &mut Forger,
    mut lie: impl FnMut(&Forger, u32) -> Vec<u8>,
) -> u64 {
    let mut highest = 0;
    for round in 0..200 {
        for part in 0..5 {
            let compound = lie(forger, round * 5 + part);
            forger.say(world, &compound);
        }
        world.stream(publisher, 1, 50);
        highest = highest.max(estimate(world, forger.who));
    }
    let all = world.count("reports_received");
    assert!(all >= 900, "{all} came");
    highest
}

#[test]
fn acknowledging_what_was_never_sent_gains_nothing_and_is_counted() {
    let (mut world, publisher, mut forger) = watched(as_it_is);
    let before = estimate(&world, forger.who);
    let media = forger.media();
    let after = highest(&mut world, publisher, &mut forger, |_, round| {
        // Far from any number that is in use.
        arrivals(media, 30_000, 500, round, round as u8)
    });
    assert!(after <= before, "{before} -> {after}");
    world.until("it is counted", |w| w.count("feedback_forged") > 100_000);
}

#[test]
fn acknowledging_twice_gains_nothing_and_is_counted() {
    let (mut world, publisher, mut forger) = watched(as_it_is);
    let newest = forger.heard().iter().filter_map(|h| h.number).max();
    let (media, newest) = (forger.media(), newest.expect("transport-wide numbers"));
    forger.say(&mut world, &arrivals(media, newest, 1, 0, 0));
    world.until("it was read", |w| w.count("reports_received") == 1);
    let before = estimate(&world, forger.who);
    let after = highest(&mut world, publisher, &mut forger, |_, round| {
        arrivals(media, newest, 1, 1, round as u8)
    });
    assert!(after <= before, "{before} -> {after}");
    world.until("it is counted", |w| w.count("feedback_forged") >= 900);
}

#[test]
fn absurd_limits_gain_nothing_where_limits_are_believed() {
    let (mut world, publisher, mut forger) = watched(with_remb_only);
    assert!(forger.heard().iter().all(|heard| heard.number.is_none()));
    let media = forger.media();
    let begin = (Instant::now(), forger.heard().len());
    // 2**63 and more, nothing, and everything between.
    let after = highest(&mut world, publisher, &mut forger, |_, round| {
        match round % 3 {
            0 => remb(media, 63, 0x3_ffff),
            1 => remb(media, 46, 1 << 17),
            _ => remb(media, (round % 64) as u8, 1 << 16),
        }
    });
    let bytes: usize = forger.heard()[begin.1..].iter().map(|h| h.bytes + 28).sum();
    let sent = bytes as f64 * 8.0 / begin.0.elapsed().as_secs_f64();
    // What is sent goes up and down; a limit is believed to 1.5 times of that.
    assert!(
        (after as f64) < 4.0 * sent.max(300_000.0),
        "{after} of {sent}"
    );
}

#[test]
fn absurd_limits_are_no_news_from_a_viewer_that_tells_of_every_packet() {
    let (mut world, publisher, mut forger) = watched(as_it_is);
    let before = estimate(&world, forger.who);
    let media = forger.media();
    let after = highest(&mut world, publisher, &mut forger, |_, _| {
        remb(media, 63, 0x3_ffff)
    });
    assert!(after <= before, "{before} -> {after}");
}

#[test]
fn extreme_losses_raise_nothing_and_break_nothing() {
    let (mut world, publisher, mut forger) = watched(as_it_is);
    let honest = world.watch("town");
    let before = estimate(&world, forger.who);
    let media = forger.media();
    let after = highest(&mut world, publisher, &mut forger, |_, round| {
        let cumulative = [i32::MIN, i32::MAX, -1, 0x7f_ffff, -0x80_0000][round as usize % 5];
        report(media, [255, 0][round as usize % 2], cumulative)
    });
    assert!(after <= before, "{before} -> {after}");
    let figures = world.engine.stats(forger.who.peer).expect("a peer").figures;
    assert!(figures.lost <= 0x7f_ffff, "{figures:?}");
    assert_eq!(world.count("errors_panic") + world.count("errors_peer"), 0);
    assert!(contiguous(&world[honest].picture_numbers()));
    assert_eq!(
        (world.closed(honest), world.closed(forger.who)),
        (None, None)
    );
}

#[test]
fn everything_asked_for_all_the_time_is_a_bounded_share_and_nobody_elses_loss() {
    let (mut world, publisher, mut forger) = watched(as_it_is);
    let honest = world.watch("town");
    let media = forger.media();
    let ask = |world: &mut World, forger: &mut Forger| {
        let newest = forger.pictures().last().expect("a picture").seq;
        let firsts = (0..12).map(|back| newest.wrapping_sub(17 * back + 16));
        forger.say(world, &nack(media, firsts));
    };
    let resent = |world: &World| world.count("resent_bytes");
    // First what may be resent at once is used up.
    while resent(&world) < 120_000 {
        ask(&mut world, &mut forger);
        world.stream(publisher, 2, 50);
    }
    let (begin, count) = (resent(&world), forger.pictures().len());
    for _ in 0..400 {
        ask(&mut world, &mut forger);
        world.stream(publisher, 2, 50);
    }
    let again = (resent(&world) - begin) as f64;
    let heard = forger.heard();
    let sound: usize = heard
        .iter()
        .filter(|h| h.ssrc != media)
        .map(|h| h.bytes)
        .sum();
    let pictures: usize = forger.pictures()[count..].iter().map(|h| h.bytes).sum();
    let share = again / (pictures + sound) as f64;
    assert!((0.01..=0.15).contains(&share), "{share}");
    assert!(world.count("nacks_ignored") > 10_000);
    let sent = world[publisher].sent.len();
    let numbers = |w: &World| w[honest].picture_numbers();
    world.until("the other has it all", |w| {
        numbers(w).len() >= sent - 60 && contiguous(&numbers(w))
    });
    assert_eq!(
        (world.closed(honest), world.closed(forger.who)),
        (None, None)
    );
}

#[test]
fn replayed_media_of_a_publisher_is_delivered_no_second_time() {
    let mut world = World::new();
    let publisher = world.publish("town");
    let viewer = world.watch("town");
    world[publisher].record = Some(Vec::new());
    world.stream(publisher, 100, 20);
    let sent = world[publisher].record.take().expect("a record");
    world.until("all came", |w| {
        w[viewer].pictures.len() == 100 && w[viewer].sounds.len() == 100
    });
    let (media, to) = (world.count("received_packets"), world.address("udp"));
    for round in 0..10 {
        for datagram in &sent {
            if matches!(demux::kind(datagram), Kind::Rtp | Kind::Rtcp) {
                world[publisher].inject(datagram, to);
            }
        }
        world.stream(publisher, 1, 0);
        let all = 101 + round;
        world.until("the next came", |w| w[viewer].pictures.len() == all);
    }
    assert_eq!(world.count("received_packets"), media + 20);
    assert_eq!(world[viewer].picture_payloads(), world[publisher].sent);
    assert_eq!(world[viewer].sound_payloads(), world[publisher].sent_sound);
    assert!(world.count("drops_no_media") >= 2000);
    assert_eq!(world.closed(publisher), None);
}

#[test]
fn replayed_and_forged_reports_have_no_effect_and_are_counted() {
    let (mut world, _, mut forger) = watched(as_it_is);
    let media = forger.media();
    let before = world.count("keyframe_requests_from_viewers");
    let good = forger.say(&mut world, &pli(media));
    assert_eq!(demux::kind(&good), Kind::Rtcp);
    let asked = |w: &World| w.count("keyframe_requests_from_viewers");
    world.until("it is heard", |w| asked(w) == before + 1);
    for _ in 0..500 {
        forger.repeat(&mut world, &good);
        world.turn();
    }
    world.until("all are refused", |w| w.count("drops_replayed") == 500);
    let mut dice = Dice(1);
    for _ in 0..500 {
        let mut bad = forger.seal(&pli(media));
        // Not its first bytes, which say that it is RTCP.
        let at = 4 + dice.below(bad.len() - 4);
        bad[at] ^= 1 << dice.below(8);
        forger.repeat(&mut world, &bad);
        world.turn();
    }
    world.until("all are refused", |w| {
        w.count("drops_srtp") + w.count("drops_replayed") == 1000
    });
    assert!(world.count("drops_srtp") > 400);
    assert_eq!(asked(&world), before + 1);
    assert_eq!(world.closed(forger.who), None);
    // And its next word is heard.
    forger.say(&mut world, &pli(media));
    world.until("it is heard", |w| asked(w) == before + 2);
}

#[test]
fn what_anybody_could_have_sent_keeps_no_viewer_alive() {
    let mut world = World::with(Settings {
        consent_timeout: Duration::from_millis(1500),
        ..settings()
    });
    let publisher = world.publish("town");
    world.stream(publisher, 10, 10);
    let mut forger = Forger::watch(&mut world, "town", as_it_is);
    while forger.pictures().is_empty() {
        world.stream(publisher, 1, 10);
    }
    let media = forger.media();
    let good = forger.say(&mut world, &pli(media));
    world.until("it is heard", |w| w.count("reports_received") == 1);
    // It is gone: no checks come any more, only what somebody else makes at its address.
    world[forger.who].frozen = true;
    let since = Instant::now();
    let mut dice = Dice(2);
    let record = [22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 30];
    while world.closed(forger.who).is_none() {
        forger.repeat(&mut world, &good);
        let forged = dice.spoil(&good);
        forger.repeat(&mut world, &forged);
        let dtls = [&record[..], &dice.bytes(30)].concat();
        forger.repeat(&mut world, &dtls);
        world.stream(publisher, 1, 10);
        assert!(
            since.elapsed() < Duration::from_secs(20),
            "it lives for ever"
        );
    }
    assert_eq!(world.closed(forger.who), Some(CloseReason::Timeout));
    assert_eq!(world.closed(publisher), None);
    assert!(world.count("drops_replayed") > 0 && world.count("drops_srtp") > 0);
}
