//! One data channel message for many peers.

use std::sync::Arc;

use crossbeam_channel::bounded;

use super::{Engine, PATIENCE};
use crate::command::Command;

impl Engine {
    /// The same message to many peers; those that did not take it. All workers send at once.
    pub fn send_data_many(
        &self,
        peers: &[u64],
        label: &str,
        payload: &[u8],
        binary: bool,
    ) -> Vec<u64> {
        let label: Arc<str> = label.into();
        let payload: Arc<[u8]> = payload.into();
        let count = self.workers.len() as u64;
        let mut asked = Vec::with_capacity(self.workers.len());
        for (worker, number) in self.workers.iter().zip(0..) {
            let own = |peer: &u64| peer % count == number;
            let peers: Vec<u64> = peers.iter().copied().filter(own).collect();
            if peers.is_empty() {
                continue;
            }
            let (done, wait) = bounded(1);
            let sent = worker.send(Command::SendDataMany {
                peers: peers.clone(),
                label: label.clone(),
                payload: payload.clone(),
                binary,
                done,
            });
            asked.push((peers, sent.then_some(wait)));
        }
        let mut refused = Vec::new();
        for (peers, wait) in asked {
            let answer = wait.and_then(|wait| wait.recv_timeout(PATIENCE).ok());
            refused.extend(answer.unwrap_or(peers));
        }
        refused
    }
}
