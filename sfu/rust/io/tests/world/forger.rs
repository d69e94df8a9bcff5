//! A viewer that makes its own RTCP: what it says need not be true.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use sluice_media_core::demux::{self, Kind};
use sluice_media_io::peer::Role;
use sluice_media_io::srtp::{OVERHEAD, Sealer, contexts};
use str0m::format::Codec;

use super::client::Client;
use super::{Who, World};

/// Our own SSRC, which means nothing to anybody.
const SENDER: u32 = 0x5eed;

pub struct Forger {
    pub who: Who,
    sealer: Sealer,
    to: SocketAddr,
    heard: Rc<RefCell<Vec<Heard>>>,
    picture: u8,
}

/// The clear part of a media packet that the viewer was sent.
#[derive(Clone, Copy, Debug)]
pub struct Heard {
    pub payload_type: u8,
    pub seq: u16,
    pub ssrc: u32,
    pub bytes: usize,
    /// Transport-wide.
    pub number: Option<u16>,
}

impl Forger {
    /// A connected viewer. `change` may change its offer.
    pub fn watch(world: &mut World, channel: &str, change: impl FnOnce(&str) -> String) -> Self {
        let mut client = Client::without_keys();
        client.change_offer(change);
        let heard = Rc::new(RefCell::new(Vec::new()));
        let ears = Rc::clone(&heard);
        client.swallow = Some(Box::new(move |datagram| {
            if demux::kind(datagram) == Kind::Rtp {
                ears.borrow_mut().push(Heard::read(datagram));
            }
            matches!(demux::kind(datagram), Kind::Rtp | Kind::Rtcp)
        }));
        let who = world.add(client, Role::Viewer, channel);
        world.until("it has its keys", |w| w[who].keying.is_some());
        let keying = world[who].keying.clone().expect("keys");
        let provider = str0m::crypto::from_feature_flags();
        let (sealer, _) = contexts(&keying, &provider).expect("good keys");
        world.until("it is connected", |w| {
            w.engine
                .stats(who.peer)
                .is_some_and(|stats| stats.connected)
        });
        let picture = *world[who].payload_type(world[who].video, Codec::Vp8);
        Forger {
            who,
            sealer,
            to: world.address("udp"),
            heard,
            picture,
        }
    }

    /// The media that came, resends too.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.borrow().clone()
    }

    pub fn pictures(&self) -> Vec<Heard> {
        let mut all = self.heard();
        all.retain(|heard| heard.payload_type == self.picture);
        all
    }

    /// The SSRC of the picture. It has begun.
    pub fn media(&self) -> u32 {
        self.pictures().first().expect("a picture").ssrc
    }

    /// Send RTCP; returns the datagram.
    pub fn say(&mut self, world: &mut World, compound: &[u8]) -> Vec<u8> {
        let datagram = self.seal(compound);
        self.repeat(world, &datagram);
        datagram
    }

    /// Seal RTCP, and do not send it.
    pub fn seal(&mut self, compound: &[u8]) -> Vec<u8> {
        let mut datagram = compound.to_vec();
        datagram.resize(compound.len() + OVERHEAD, 0);
        let length = self.sealer.rtcp(&mut datagram, compound.len());
        datagram.truncate(length.expect("a cipher that works"));
        datagram
    }

    /// Send a datagram as it is.
    pub fn repeat(&self, world: &mut World, datagram: &[u8]) {
        world[self.who].inject(datagram, self.to);
    }
}

impl Heard {
    fn read(datagram: &[u8]) -> Self {
        let be16 = |at: usize| u16::from_be_bytes([datagram[at], datagram[at + 1]]);
        let ssrc = [datagram[8], datagram[9], datagram[10], datagram[11]];
        let mut number = None;
        if datagram[0] & 0x10 != 0 && be16(12) == 0xbede {
            let mut at = 16;
            let end = at + 4 * usize::from(be16(14));
            while at < end {
                let (id, length) = (datagram[at] >> 4, usize::from(datagram[at] & 15) + 1);
                if id == TRANSPORT_NUMBER {
                    number = Some(be16(at + 1));
                }
                at += if id == 0 { 1 } else { 1 + length };
            }
        }
        Heard {
            payload_type: datagram[1] & 0x7f,
            seq: be16(2),
            ssrc: u32::from_be_bytes(ssrc),
            bytes: datagram.len(),
            number,
        }
    }
}

/// The id under which str0m offers the transport-wide number.
const TRANSPORT_NUMBER: u8 = 3;

/// A message of this packet type; `count` is a count or a format.
fn message(count: u8, kind: u8, body: &[u8]) -> Vec<u8> {
    let words = (body.len() / 4) as u16;
    let mut message = vec![0x80 | count, kind];
    message.extend_from_slice(&words.to_be_bytes());
    message.extend_from_slice(body);
    message
}

fn feedback(format: u8, kind: u8, media: u32, body: &[u8]) -> Vec<u8> {
    let head = [SENDER.to_be_bytes(), media.to_be_bytes()].concat();
    message(format, kind, &[&head[..], body].concat())
}

/// A receiver report with these losses.
pub fn report(media: u32, fraction: u8, cumulative: i32) -> Vec<u8> {
    let lost = cumulative.to_be_bytes();
    let mut body = [SENDER.to_be_bytes(), media.to_be_bytes()].concat();
    body.extend_from_slice(&[fraction, lost[1], lost[2], lost[3]]);
    body.resize(28, 0);
    message(1, 201, &body)
}

/// What the receiver thinks that it can take, in bit/s: 6 bits of exponent, 18 of mantissa.
pub fn remb(media: u32, exponent: u8, mantissa: u32) -> Vec<u8> {
    let rate = (1 << 24) | u32::from(exponent) << 18 | mantissa;
    let body = [*b"REMB", rate.to_be_bytes(), media.to_be_bytes()].concat();
    feedback(15, 206, 0, &body)
}

pub fn pli(media: u32) -> Vec<u8> {
    feedback(1, 206, media, &[])
}

/// Lost: each of these and the sixteen after it.
pub fn nack(media: u32, firsts: impl Iterator<Item = u16>) -> Vec<u8> {
    let words = firsts.flat_map(|first| {
        let [high, low] = first.to_be_bytes();
        [high, low, 0xff, 0xff]
    });
    feedback(1, 205, media, &words.collect::<Vec<u8>>())
}

/// Arrived: `count` packets from `base` on, each 250 microseconds after the one before.
pub fn arrivals(media: u32, base: u16, count: u16, reference: u32, serial: u8) -> Vec<u8> {
    assert!(count < 1 << 13);
    let mut body = [base.to_be_bytes(), count.to_be_bytes()].concat();
    body.extend_from_slice(&(reference << 8 | u32::from(serial)).to_be_bytes());
    // A run of small deltas.
    body.extend_from_slice(&(0x2000 | count).to_be_bytes());
    body.resize(body.len() + usize::from(count), 1);
    body.resize(body.len().next_multiple_of(4), 0);
    feedback(15, 205, media, &body)
}
