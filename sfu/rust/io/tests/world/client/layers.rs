//! A client that publishes the same picture in three encodings (simulcast).

use std::time::Instant;

use str0m::format::Codec;
use str0m::media::{Direction, Rid, Simulcast, SimulcastLayer};
use str0m::rtp::{RtpPacket, RtpWrite};

use super::{Client, Link, config};

/// From the smallest to the full picture, as browsers name them, with their bytes a picture.
const LAYERS: [(&str, usize); 3] = [("q", 100), ("h", 300), ("f", 900)];

/// One encoding and what was sent of it.
pub struct Layer {
    rid: Rid,
    number: u64,
    bytes: usize,
    sent: u64,
}

/// What a picture says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub rid: char,
    pub seq: u64,
    pub time: u32,
    pub id: u16,
    pub tl0: u8,
    pub keyframe: bool,
}

impl Client {
    pub fn simulcast() -> Self {
        Self::simulcast_of(LAYERS)
    }

    /// With this many bytes a picture.
    pub fn simulcast_of(layers: [(&str, usize); 3]) -> Self {
        let send = layers.map(|(rid, _)| SimulcastLayer::new(rid));
        let simulcast = Simulcast {
            send: send.into(),
            recv: Vec::new(),
        };
        let link = Link::udp();
        let mut client = Self::open(config(), link, Direction::SendOnly, None, Some(simulcast));
        let layers = layers.iter().zip(0..);
        client.layers = layers
            .map(|((rid, bytes), number)| Layer {
                rid: Rid::from(*rid),
                number,
                bytes: *bytes,
                sent: 0,
            })
            .collect();
        client
    }

    /// One picture in each encoding.
    pub fn picture_in_all(&mut self, keyframe: bool) {
        for place in 0..self.layers.len() {
            self.picture_in(place, keyframe);
        }
    }

    /// One picture in one of them: 0 is the smallest.
    pub fn picture_in(&mut self, place: usize, keyframe: bool) {
        let layer = &mut self.layers[place];
        let (rid, number, sent) = (layer.rid, layer.number, layer.sent);
        layer.sent += 1;
        // Each counts from a place of its own.
        let id = (0x7ff0 + 1000 * number + sent) as u16 | 0x8000;
        let mut payload = vec![0x90, 0xe0];
        payload.extend(id.to_be_bytes());
        payload.extend([(50 * number + sent) as u8, 0]);
        if keyframe {
            let (width, height) = (320u16 << number, 180u16 << number);
            payload.extend([0x10, 2, 0, 0x9d, 1, 0x2a]);
            payload.extend(width.to_le_bytes());
            payload.extend(height.to_le_bytes());
        } else {
            payload.push(0x11);
        }
        payload.resize(layer.bytes.max(32), rid.as_bytes()[0]);
        let (mid, seq) = (self.video, 1000 + 10_000 * number + sent);
        let time = 500_000 * number + 3000 * sent;
        let rid = Some(rid);
        let pt = self.payload_type(mid, Codec::Vp8);
        let packet = RtpWrite::new(pt, seq.into(), time as u32, Instant::now(), payload);
        self.write(mid, rid, packet.marker(true).nackable(true));
    }

    /// The pictures that arrived, in the order of their numbers.
    pub fn seen(&self) -> Vec<Seen> {
        let mut seen: Vec<Seen> = self.pictures.iter().map(seen).collect();
        seen.sort_by_key(|picture| picture.seq);
        seen
    }

    /// The rid of the newest picture.
    pub fn sees(&self) -> Option<char> {
        Some(self.seen().last()?.rid)
    }
}

fn seen(packet: &RtpPacket) -> Seen {
    let payload = &packet.payload;
    Seen {
        rid: char::from(payload[payload.len() - 1]),
        seq: *packet.seq_no,
        time: packet.header.timestamp,
        id: u16::from_be_bytes([payload[2], payload[3]]) & 0x7fff,
        tl0: payload[4],
        keyframe: payload[6] & 1 == 0,
    }
}
