//! Commands of the engine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sluice_media_core::broadcast::Settings as BroadcastSettings;
use str0m::{IceCreds, Input};

use super::Worker;
use crate::channel::Channel;
use crate::command::Command;
use crate::feed::{self, Feed};
use crate::outbox::CloseReason;
use crate::peer::{Part, Peer, PeerStats};
use crate::question::Credentials;

/// Between two requests to a publisher for a keyframe of its largest layer, and of another.
const KEYFRAME_GAP: Duration = Duration::from_secs(1);
const LOWER_KEYFRAME_GAP: Duration = Duration::from_millis(500);
/// Between two wishes for a layer's keyframe that a worker passes to the channel's home.
const RELAY_GAP: Duration = Duration::from_millis(50);

impl Worker {
    pub(super) fn command(&mut self, command: Command, now: Instant) {
        match command {
            Command::Add { peer, ufrag, done } => {
                self.add(peer, &ufrag, now);
                let _ = done.send(());
            }
            Command::Remove { peer, done } => {
                let was = self.peers.contains_key(&peer);
                self.close(peer, CloseReason::Removed, String::new());
                let _ = done.send(was);
            }
            Command::RestartIce { peer, remote, done } => {
                let _ = done.send(self.restart_ice(peer, remote));
            }
            Command::Stats { peer, done } => {
                let _ = done.send(self.stats(peer));
            }
            Command::SelectLayer { peer, wish, done } => {
                let _ = done.send(self.select_layer(peer, wish, now));
            }
            Command::SendData {
                peer,
                label,
                payload,
                binary,
                done,
            } => {
                let _ = done.send(self.send_data(peer, &label, binary, &payload, now));
            }
            Command::SendDataMany {
                mut peers,
                label,
                payload,
                binary,
                done,
            } => {
                peers.retain(|peer| !self.send_data(*peer, &label, binary, &payload, now));
                let _ = done.send(peers);
            }
            Command::OpenTap { channel, tap } => {
                let channel = self.channel(&channel);
                channel.taps.push(tap);
                channel.broadcast.set_tapped(true);
                // Whoever reads wants to begin: so does its decoder.
                if let Some(video) = channel.broadcast.video() {
                    channel.broadcast.want_keyframe(video);
                }
            }
            Command::CloseTap { channel: name, tap } => {
                if let Some(channel) = self.channels.get_mut(&*name) {
                    channel.taps.retain(|t| *t != tap);
                    if channel.taps.is_empty() {
                        channel.broadcast.set_tapped(false);
                    }
                }
                self.drop_if_empty(&name);
            }
            Command::WantKeyframes { channel } => {
                if let Some(channel) = self.channels.get_mut(&*channel) {
                    channel.broadcast.want_keyframes();
                }
            }
            Command::Poison { peer } => {
                if let Some(peer) = self.peers.get_mut(&peer) {
                    peer.poisoned = true;
                }
            }
            Command::Stop { done } => {
                let all: Vec<u64> = self.peers.keys().copied().collect();
                for id in all {
                    self.close(id, CloseReason::Stopped, String::new());
                }
                self.net.flush();
                self.stopped = true;
                let _ = done.send(());
            }
        }
    }

    fn send_data(
        &mut self,
        peer: u64,
        label: &str,
        binary: bool,
        payload: &[u8],
        now: Instant,
    ) -> bool {
        let mut sent = false;
        self.drive(peer, None, now, |peer, _| {
            sent = peer.send_message(label, binary, payload);
            peer.rtc.handle_input(Input::Timeout(now))
        });
        sent
    }

    fn add(&mut self, mut peer: Box<Peer>, ufrag: &str, now: Instant) {
        let id = peer.id;
        self.net.counters.peers_opened.add(1);
        self.net.routes.add_ufrag(ufrag, id);
        let connect = self.shared.settings.connect_timeout;
        self.consent.set(id, now + connect);
        let name = peer.channel.clone();
        let before = self.channel(&name).publisher;
        match &mut peer.part {
            Part::Publisher(_) => {
                if let Some(old) = before {
                    self.close(
                        old,
                        CloseReason::Replaced,
                        "the channel was published anew".into(),
                    );
                }
                self.channel(&name).publisher = Some(id);
            }
            Part::Viewer(_) => self.channel(&name).viewers.push(id),
        }
        self.peers.insert(id, peer);
        self.drive(id, None, now, |peer, _| {
            peer.rtc.handle_input(Input::Timeout(now))
        });
    }

    fn restart_ice(&mut self, id: u64, remote: IceCreds) -> Option<IceCreds> {
        let peer = self.peers.get_mut(&id)?;
        let local = IceCreds::new();
        // An ICE-lite agent makes no checks, so all that a restart changes here is which checks
        // it answers. The old path carries media until a check on a new one is answered.
        let mut direct = peer.rtc.direct_api();
        direct.set_local_ice_credentials(local.clone());
        direct.set_remote_ice_credentials(remote.clone());
        peer.credentials = Credentials {
            local: local.clone(),
            remote,
        };
        self.net.routes.add_ufrag(&local.ufrag, id);
        Some(local)
    }

    fn stats(&self, id: u64) -> Option<PeerStats> {
        let peer = self.peers.get(&id)?;
        Some(peer.stats(self.channels.get(&*peer.channel)))
    }

    /// The channel, with a beginning here when it has none yet.
    pub(super) fn channel(&mut self, name: &str) -> &mut Channel {
        let home = feed::home(name, self.workers.len());
        let is_home = home == self.index;
        let settings = &self.shared.settings;
        let (workers, index) = (&self.workers, self.index);
        if !self.channels.contains_key(name) {
            let name: Arc<str> = name.into();
            // Home decides; two gates one after the other would make a joiner wait twice.
            let gap = |home| if is_home { home } else { RELAY_GAP };
            let broadcast = BroadcastSettings {
                replay_bytes: settings.replay_bytes,
                replay_span: settings.replay_span,
                keyframe_gap: gap(KEYFRAME_GAP),
                lower_keyframe_gap: gap(LOWER_KEYFRAME_GAP),
                keyframe_age: match is_home {
                    true => settings.keyframe_interval,
                    // Home asks of its own accord; we ask home for our viewers.
                    false => Duration::MAX,
                },
                silence: Duration::from_millis(500),
            };
            if !is_home {
                workers[home].send(Feed::Subscribe {
                    channel: Arc::clone(&name),
                    worker: index,
                });
            }
            let channel = Channel::new(Arc::clone(&name), is_home, broadcast);
            self.channels.insert(name.clone(), channel);
        }
        self.channels
            .get_mut(name)
            .expect("it was put there a line ago")
    }
}
