//! What the engine asks of a worker.

use std::sync::Arc;

use crossbeam_channel::Sender;
use str0m::IceCreds;

use crate::peer::{Peer, PeerStats};

/// What a viewer asks for. All None: the best that its link carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerWish {
    /// The simulcast encoding.
    pub rid: Option<String>,
    /// Highest layers inside one encoding (SVC), as the codec numbers them.
    pub spatial: Option<u8>,
    pub temporal: Option<u8>,
}

/// Each is answered on its `done`, where it has one.
pub enum Command {
    Add {
        peer: Box<Peer>,
        ufrag: String,
        done: Sender<()>,
    },
    Remove {
        peer: u64,
        done: Sender<bool>,
    },
    RestartIce {
        peer: u64,
        remote: IceCreds,
        done: Sender<Option<IceCreds>>,
    },
    Stats {
        peer: u64,
        done: Sender<Option<PeerStats>>,
    },
    /// False: the publisher sends nothing of that rid.
    SelectLayer {
        peer: u64,
        wish: LayerWish,
        done: Sender<bool>,
    },
    SendData {
        peer: u64,
        label: String,
        payload: Vec<u8>,
        binary: bool,
        done: Sender<bool>,
    },
    /// Answered with those that did not take it.
    SendDataMany {
        peers: Vec<u64>,
        label: Arc<str>,
        payload: Arc<[u8]>,
        binary: bool,
        done: Sender<Vec<u64>>,
    },
    OpenTap {
        channel: String,
        tap: u64,
    },
    CloseTap {
        channel: String,
        tap: u64,
    },
    /// A reader can begin only with a keyframe, of each layer.
    WantKeyframes {
        channel: String,
    },
    Poison {
        peer: u64,
    },
    Stop {
        done: Sender<()>,
    },
}
