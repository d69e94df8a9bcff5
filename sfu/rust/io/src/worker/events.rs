//! What peers tell: their media, their wishes, their messages and their figures.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Instant, SystemTime};

use sluice_media_core::broadcast::TappedUnit;
use sluice_media_core::packet::SourceId;
use sluice_media_core::rate::Steady;
use str0m::channel::ChannelData;
use str0m::{Event as RtcEvent, Input};

use super::Worker;
use crate::feed::{Feed, Started};
use crate::outbox::{CloseReason, Event, Unit};
use crate::peer::{Figures, Message, Part};
use crate::publisher::Received;
use crate::shared::Shared;

impl Worker {
    pub(super) fn events(&mut self, id: u64, events: Vec<RtcEvent>, now: Instant) {
        let mut touched = false;
        for event in events {
            match event {
                RtcEvent::Connected => self.connected(id, now),
                RtcEvent::RtpPacket(rtp) => self.packet(id, rtp, now),
                RtcEvent::SenderFeedback(feedback) => {
                    if let Some(Part::Publisher(publisher)) =
                        self.peers.get_mut(&id).map(|p| &mut p.part)
                    {
                        publisher.report(&feedback);
                    }
                }
                RtcEvent::ChannelOpen(data, label) => {
                    if let Some(peer) = self.peers.get_mut(&id)
                        && !peer.open_data(data, label)
                    {
                        peer.rtc.direct_api().close_data_channel(data);
                        touched = true;
                    }
                }
                RtcEvent::ChannelClose(data) => {
                    if let Some(peer) = self.peers.get_mut(&id) {
                        peer.close_data(data);
                    }
                }
                RtcEvent::ChannelData(data) => {
                    self.message(id, data, now);
                    touched = true;
                }
                RtcEvent::Closed => return self.close(id, CloseReason::Left, String::new()),
                other => self.figures(id, other),
            }
        }
        if touched {
            self.drive(id, None, now, |peer, _| {
                peer.rtc.handle_input(Input::Timeout(now))
            });
        }
    }

    fn connected(&mut self, id: u64, now: Instant) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        if !peer.connected {
            peer.connected = true;
            self.shared.half_open.fetch_sub(1, Ordering::Relaxed);
        }
        self.consent
            .set(id, now + self.shared.settings.consent_timeout);
        self.shared.outbox.event(Event::PeerConnected { peer: id });
        if matches!(peer.part, Part::Viewer(_)) {
            self.begin(id, now);
        }
    }

    fn packet(&mut self, id: u64, rtp: str0m::rtp::RtpPacket, now: Instant) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let Part::Publisher(publisher) = &mut peer.part else {
            // A viewer that sends media was not asked to.
            return self.net.counters.drops_refused.add(1);
        };
        let Some(channel) = self.channels.get_mut(&*peer.channel) else {
            return;
        };
        let sources = &self.shared.sources;
        let ssrc = *rtp.header.ssrc;
        let mut new_source = || SourceId(sources.fetch_add(1, Ordering::Relaxed));
        let Some(received) = publisher.receive(&mut peer.rtc, rtp, &mut new_source) else {
            return self.net.counters.drops_refused.add(1);
        };
        let mut started = false;
        let packet = match received {
            Received::Packet(packet) => packet,
            Received::Started { packet, replaces } => {
                // Streams that it no longer sends would add up.
                self.senders
                    .retain(|ssrc, sender| *sender != id || publisher.sends(*ssrc));
                self.senders.insert(ssrc, id);
                if let Some(track) = publisher.track(packet.source) {
                    let began = Started {
                        source: packet.source,
                        rid: track.rid.as_ref().map_or("", |rid| rid).to_owned(),
                        spec: track.spec,
                        codec: track.codec,
                        replaces,
                        steady: Steady::default(),
                    };
                    channel.start_source(&began, now);
                    for worker in channel.subscribers.keys() {
                        self.workers[*worker].send(Feed::Started {
                            channel: Arc::clone(&channel.name),
                            started: began.clone(),
                        });
                    }
                    started = true;
                }
                packet
            }
        };
        let counters = &self.net.counters;
        counters.received_packets.add(1);
        counters.received_bytes.add(packet.payload.len() as u64);
        let packet = Arc::new(packet);
        let mut units = Vec::new();
        channel.broadcast.packet(&packet, now, &mut units);
        if started && !packet.keyframe_start {
            channel.broadcast.want_keyframe(packet.source);
        }
        deliver(&self.shared, &channel.taps, id, units);
        if channel.burst.is_empty() {
            self.dirty.push(channel.name.clone());
        }
        channel.burst.push(packet);
        if started {
            let name = channel.name.clone();
            if !std::mem::replace(&mut channel.started, true) {
                self.shared.outbox.event(Event::MediaStarted {
                    channel: name.to_string(),
                    peer: id,
                });
            }
            self.lead(&name, now);
        }
    }

    fn message(&mut self, id: u64, data: ChannelData, now: Instant) {
        let counters = Arc::clone(&self.net.counters);
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        counters.data_messages.add(1);
        match peer.message(data, self.shared.settings.message_bytes, now) {
            Message::Answered => {}
            Message::Given(label, data) => self.shared.outbox.event(Event::DataMessage {
                peer: id,
                label,
                payload: data.data,
                binary: data.binary,
            }),
            Message::Refused => counters.drops_data_message.add(1),
        }
    }

    fn figures(&mut self, id: u64, event: RtcEvent) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        match event {
            RtcEvent::PeerStats(stats) => peer.rtt = stats.rtt.or(peer.rtt),
            RtcEvent::MediaIngressStats(stats) => {
                let sent = stats.remote.as_ref().map_or(0, |r| r.packets);
                peer.rtt = stats.rtt.or(peer.rtt);
                peer.figures.insert(
                    (stats.mid, stats.rid),
                    Figures {
                        packets: stats.packets,
                        bytes: stats.bytes,
                        lost: sent.saturating_sub(stats.packets),
                        resent: 0,
                        nacks: stats.nacks,
                        plis: stats.plis,
                    },
                );
            }
            _ => {}
        }
    }
}

/// Hand access units to the channel's readers.
fn deliver(shared: &Shared, taps: &[u64], publisher: u64, units: Vec<TappedUnit>) {
    let (instant, wall) = shared.epoch;
    for tapped in units {
        let at = wall + tapped.captured.saturating_duration_since(instant);
        let unix = at
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let unit = Unit {
            publisher,
            codec: tapped.codec,
            layer: tapped.rid,
            keyframe: tapped.unit.keyframe,
            captured_ms: unix.as_millis() as i64,
            rtp_time: tapped.unit.time,
            payload: tapped.unit.payload.into(),
        };
        shared.outbox.unit(taps, &unit);
    }
}
