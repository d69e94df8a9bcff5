//! What Python reads: plain, frozen values.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use sluice_media_io::outbox;
use sluice_media_io::peer;

/// One encoding of a publisher.
#[pyclass(frozen, get_all, module = "sfu._media", skip_from_py_object)]
#[derive(Clone)]
pub struct Layer {
    rid: String,
    codec: &'static str,
    bitrate: u64,
    width: u16,
    height: u16,
    active: bool,
}

impl From<&outbox::Layer> for Layer {
    fn from(layer: &outbox::Layer) -> Self {
        Layer {
            rid: layer.rid.clone(),
            codec: layer.codec.name(),
            bitrate: layer.bitrate,
            width: layer.width,
            height: layer.height,
            active: layer.active,
        }
    }
}

/// What happened. `kind` is the name of the class in `sfu/engine.py`; fields that the kind does
/// not have are empty.
#[pyclass(frozen, get_all, module = "sfu._media")]
#[derive(Default)]
pub struct Event {
    kind: &'static str,
    peer: u64,
    channel: String,
    reason: &'static str,
    detail: String,
    label: String,
    payload: Option<Py<PyBytes>>,
    binary: bool,
    layers: Vec<Layer>,
}

impl Event {
    pub fn new(py: Python<'_>, event: outbox::Event) -> Self {
        let none = Event::default();
        match event {
            outbox::Event::PeerConnected { peer } => Event {
                kind: "PeerConnected",
                peer,
                ..none
            },
            outbox::Event::PeerClosed {
                peer,
                reason,
                detail,
            } => Event {
                kind: "PeerClosed",
                peer,
                reason: reason.name(),
                detail,
                ..none
            },
            outbox::Event::LayersChanged { channel, layers } => Event {
                kind: "LayersChanged",
                channel,
                layers: layers.iter().map(Layer::from).collect(),
                ..none
            },
            outbox::Event::MediaStarted { channel, peer } => Event {
                kind: "MediaStarted",
                channel,
                peer,
                ..none
            },
            outbox::Event::MediaStalled { channel } => Event {
                kind: "MediaStalled",
                channel,
                ..none
            },
            outbox::Event::MediaResumed { channel } => Event {
                kind: "MediaResumed",
                channel,
                ..none
            },
            outbox::Event::LayerSwitched { peer, rid } => Event {
                kind: "LayerSwitched",
                peer,
                detail: match rid {
                    Some(_) => "video".to_owned(),
                    None => "audio-only".to_owned(),
                },
                label: rid.unwrap_or_default(),
                ..none
            },
            outbox::Event::DataMessage {
                peer,
                label,
                payload,
                binary,
            } => Event {
                kind: "DataMessage",
                peer,
                label,
                payload: Some(PyBytes::new(py, &payload).unbind()),
                binary,
                ..none
            },
        }
    }
}

/// An access unit.
#[pyclass(frozen, get_all, module = "sfu._media")]
pub struct Unit {
    publisher: u64,
    codec: &'static str,
    layer: String,
    keyframe: bool,
    captured_ms: i64,
    rtp_time: u64,
    payload: Py<PyBytes>,
}

impl Unit {
    pub fn new(py: Python<'_>, unit: outbox::Unit) -> Self {
        Unit {
            publisher: unit.publisher,
            codec: unit.codec.name(),
            layer: unit.layer,
            keyframe: unit.keyframe,
            captured_ms: unit.captured_ms,
            rtp_time: unit.rtp_time,
            payload: PyBytes::new(py, &unit.payload).unbind(),
        }
    }
}

/// One peer's figures.
#[pyclass(frozen, get_all, module = "sfu._media")]
pub struct PeerStats {
    peer: u64,
    channel: String,
    publisher: bool,
    connected: bool,
    address: String,
    packets: u64,
    bytes: u64,
    packets_lost: u64,
    packets_resent: u64,
    nacks: u64,
    plis: u64,
    rtt_ms: Option<f64>,
    join_ms: Option<f64>,
    layers: Vec<Layer>,
    layer: String,
    audio_only: bool,
    estimate_bps: Option<u64>,
    switches: u64,
    drops: u64,
}

impl From<peer::PeerStats> for PeerStats {
    fn from(stats: peer::PeerStats) -> Self {
        let millis = |time: std::time::Duration| time.as_secs_f64() * 1000.0;
        PeerStats {
            peer: stats.peer,
            channel: stats.channel,
            publisher: stats.role == peer::Role::Publisher,
            connected: stats.connected,
            address: stats.address,
            packets: stats.figures.packets,
            bytes: stats.figures.bytes,
            packets_lost: stats.figures.lost,
            packets_resent: stats.figures.resent,
            nacks: stats.figures.nacks,
            plis: stats.figures.plis,
            rtt_ms: stats.rtt.map(millis),
            join_ms: stats.join.map(millis),
            layers: stats.layers.iter().map(Layer::from).collect(),
            layer: stats.layer,
            audio_only: stats.audio_only,
            estimate_bps: stats.estimate,
            switches: stats.switches,
            drops: stats.drops,
        }
    }
}
