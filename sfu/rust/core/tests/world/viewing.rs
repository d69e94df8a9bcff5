//! A viewer behind a link, for a while: what was chosen when, and how long packets waited.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::{Duration, Instant};

use sluice_media_core::downlink::{Choice, Downlink, Feedback};

use super::Dice;
use super::at;
use super::network::Link;
use super::receiver::{Lines, Receiver};
use super::sender::{AUDIO, HEADERS, HIGH, LOW, MIDDLE, Sender};

/// The way back takes so long.
const BACK: u64 = 20_000;
const IP_UDP: usize = 28;

pub struct Viewing {
    pub downlink: Downlink,
    pub link: Link,
    kind: Feedback,
    /// Of a thousand feedbacks, so many get lost.
    pub feedback_loss: u64,
    /// Between these times the receiver says nothing.
    pub silent: Option<(u64, u64)>,
    pub choice: Choice,
    /// When the choice changed, in ms, and to what.
    pub changes: Vec<(u64, Choice)>,
    /// The longest wait of each 100 ms, in ms.
    pub waits: Vec<u64>,
    pub estimates: Vec<u64>,
    sender: Sender,
    receiver: Receiver,
    dice: Dice,
    now: u64,
    number: u64,
    arrived: u64,
    sizes: BTreeMap<u64, usize>,
    on_the_way: BinaryHeap<Reverse<(u64, u64, u64, usize)>>,
    words: Vec<(u64, Words)>,
    resend: Vec<usize>,
    /// Bytes.
    may_resend: usize,
}

enum Words {
    Lines(Lines),
    Remb(u64),
    Report(f32),
}

impl Viewing {
    pub fn new(kind: Feedback, link: Link, seed: u64) -> Self {
        Self::of(Sender::new, kind, link, seed)
    }

    /// The replay begins with six packets at once.
    pub fn opened(link: Link, seed: u64) -> Self {
        let mut viewing = Self::new(Feedback::TransportWide, link, seed);
        viewing.downlink.open(at(0));
        for _ in 0..6 {
            viewing.send(1000, at(0));
        }
        viewing
    }

    /// Of layers inside one encoding.
    pub fn scalable(kind: Feedback, link: Link, seed: u64) -> Self {
        Self::of(Sender::scalable, kind, link, seed)
    }

    fn of(sender: fn(u64) -> Sender, kind: Feedback, link: Link, seed: u64) -> Self {
        let mut dice = Dice(seed);
        let mut sender = sender(dice.roll());
        sender.replay(dice.below(2000), 8_000_000);
        Viewing {
            downlink: Downlink::new(kind, 300_000, at(0)),
            link,
            kind,
            feedback_loss: 0,
            silent: None,
            choice: Choice::Nothing,
            changes: Vec::new(),
            waits: Vec::new(),
            estimates: Vec::new(),
            sender,
            receiver: Receiver::new(dice.roll()),
            dice,
            now: 0,
            number: 65_000,
            arrived: 0,
            sizes: BTreeMap::new(),
            on_the_way: BinaryHeap::new(),
            words: Vec::new(),
            resend: Vec::new(),
            may_resend: 0,
        }
    }

    /// Go on until this many milliseconds after the beginning.
    pub fn run(&mut self, until: u64) -> &mut Self {
        while self.now < until * 1000 {
            self.step();
            self.now += 1000;
        }
        self
    }

    /// What was chosen at a time.
    pub fn chosen(&self, ms: u64) -> Choice {
        let before = self.changes.iter().rfind(|(at, _)| *at <= ms);
        before.map_or(Choice::Nothing, |(_, choice)| *choice)
    }

    /// How often the choice changed between two times.
    pub fn changes_within(&self, from: u64, until: u64) -> usize {
        let within = |(at, _): &&(u64, Choice)| (from..until).contains(at);
        self.changes.iter().filter(within).count()
    }

    /// When the last change before a time was.
    pub fn settled(&self, until: u64) -> u64 {
        let before = self.changes.iter().rfind(|(at, _)| *at < until);
        before.map_or(0, |(at, _)| *at)
    }

    /// The longest wait between two times, in ms.
    pub fn longest_wait(&self, from: u64, until: u64) -> u64 {
        let waits = &self.waits[(from / 100) as usize..(until / 100) as usize];
        waits.iter().copied().max().unwrap_or(0)
    }

    /// The part of the time between two times that a picture was chosen at least this large.
    pub fn share(&self, least: Choice, from: u64, until: u64) -> f64 {
        let rank = |choice: Choice| match choice {
            Choice::Layer(rung) => rung.source.0,
            _ => 0,
        };
        let good = (from..until).filter(|ms| rank(self.chosen(*ms)) >= rank(least));
        good.count() as f64 / (until - from) as f64
    }

    fn step(&mut self) {
        let now = self.instant();
        let layer = match self.choice {
            Choice::Layer(rung) => Some(rung),
            _ => None,
        };
        let mut due = self.sender.poll(layer, self.now);
        due.append(&mut self.resend);
        for bytes in due {
            self.send(bytes, now);
        }
        while self.downlink.wake_at().is_some_and(|at| at <= now) {
            let mut padding = self.downlink.padding(now);
            if padding == 0 {
                break;
            }
            while padding > 0 {
                let part = padding.min(1100);
                self.send(part + HEADERS, now);
                // Nobody asks for padding again.
                self.sizes.pop_last();
                padding -= part;
            }
        }
        self.deliver();
        self.speak();
        let heard = self.hear(now);
        if heard || self.now.is_multiple_of(100_000) {
            self.choose(now);
        }
        if self.now % 100_000 == 99_000 {
            self.waits
                .push(std::mem::take(&mut self.link.waited) / 1000);
            self.estimates.push(self.downlink.estimate());
        }
    }

    fn send(&mut self, bytes: usize, now: Instant) {
        self.downlink.sent(self.number as u16, bytes, now);
        self.may_resend = (self.may_resend + bytes * 15 / 100).min(20_000);
        self.sizes.insert(self.number, bytes);
        if self.sizes.len() > 4000 {
            self.sizes.pop_first();
        }
        if let Some(arrival) = self.link.send(self.now, bytes + IP_UDP) {
            let packet = (arrival, self.number, self.now, bytes);
            self.on_the_way.push(Reverse(packet));
        }
        self.number += 1;
    }

    fn deliver(&mut self) {
        while let Some(Reverse((arrival, number, sent, bytes))) = self.on_the_way.peek().copied() {
            if arrival > self.now {
                break;
            }
            self.on_the_way.pop();
            self.receiver.arrive(number, sent, arrival, bytes);
            self.arrived += 1;
        }
    }

    /// What the receiver says sets out on the way back.
    fn speak(&mut self) {
        let words = match self.kind {
            Feedback::TransportWide => self.receiver.feedback(self.now).map(Words::Lines),
            Feedback::Remb => self.receiver.remb(self.now).map(Words::Remb),
            Feedback::None => None,
        };
        let silent = self
            .silent
            .is_some_and(|(from, until)| (from..until).contains(&(self.now / 1000)));
        let lost = self.dice.below(1000) < self.feedback_loss;
        let report = self.kind != Feedback::TransportWide && self.now % 1_000_000 == 999_000;
        if report && !silent {
            let sent = self.number - 65_000 - self.on_the_way.len() as u64;
            let share = self.receiver.report(sent, self.arrived);
            self.words.push((self.now + BACK, Words::Report(share)));
        }
        if let Some(words) = words.filter(|_| !silent && !lost) {
            self.words.push((self.now + BACK, words));
        }
    }

    fn hear(&mut self, now: Instant) -> bool {
        let (due, later): (Vec<_>, Vec<_>) =
            self.words.drain(..).partition(|(at, _)| *at <= self.now);
        self.words = later;
        let heard = !due.is_empty();
        for (_, words) in due {
            match words {
                Words::Remb(rate) => self.downlink.remb(rate, now),
                Words::Report(lost) => {
                    self.downlink
                        .report(lost, Some(Duration::from_millis(40)), now);
                }
                Words::Lines(lines) => {
                    self.ask_again(&lines);
                    let lines = lines.into_iter().map(|(number, at)| (number as u16, at));
                    self.downlink.feedback(lines, now);
                }
            }
        }
        heard
    }

    /// Packets that are missing are sent once more, under new numbers, as far as they are a
    /// small part of what goes out.
    fn ask_again(&mut self, lines: &Lines) {
        for (number, arrived) in lines {
            if let Some(bytes) = self.sizes.remove(number)
                && arrived.is_none()
                && self.may_resend > bytes
            {
                self.may_resend -= bytes;
                self.resend.push(bytes);
            }
        }
    }

    fn choose(&mut self, now: Instant) {
        let choice = self.downlink.choose(&self.sender.rates(), AUDIO, now);
        if choice != self.choice {
            self.choice = choice;
            self.changes.push((self.now / 1000, choice));
        }
    }

    fn instant(&self) -> Instant {
        at(0) + Duration::from_micros(self.now)
    }
}

pub const LOWEST: Choice = Choice::Layer(LOW);
pub const MID: Choice = Choice::Layer(MIDDLE);
pub const TOP: Choice = Choice::Layer(HIGH);
