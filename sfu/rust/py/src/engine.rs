//! The engine as a Python class.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyOSError, PyValueError};
use pyo3::prelude::*;
use sluice_media_io::command::LayerWish;
use sluice_media_io::engine::{AcceptError, Accepted, Engine as Inner};
use sluice_media_io::offer::{MAX_MESSAGE, OfferError, usable_candidate};
use sluice_media_io::peer::Role;
use sluice_media_io::settings::Settings;

use crate::events::{Event, PeerStats, Unit};

create_exception!(
    _media,
    OfferRefused,
    PyException,
    "Arguments: code, detail."
);
create_exception!(_media, EngineBusy, PyException, "Argument: detail.");

/// A batch of access units of one tap: tap, units dropped so far, units.
type Batch = (u64, u64, Vec<Unit>);

/// A histogram's bounds, counts and sum.
type Buckets = (Vec<f64>, Vec<u64>, f64);

/// Peer, SDP answer, and our ICE ufrag and pwd.
type Answer = (u64, String, String, String);

#[pyclass(frozen, module = "sfu._media")]
pub struct Engine(Inner);

#[pymethods]
impl Engine {
    /// Bind the ports and start the media threads.
    #[new]
    #[pyo3(signature = (*, host, port, workers, tcp, public_addresses, keyframe_interval_ms,
        replay_max_ms, max_peers, half_open_max, half_open_timeout_ms, consent_timeout_ms))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of one constructor call in Python.
    fn new(
        py: Python<'_>,
        host: &str,
        port: u16,
        workers: usize,
        tcp: bool,
        public_addresses: Vec<String>,
        keyframe_interval_ms: u64,
        replay_max_ms: u64,
        max_peers: usize,
        half_open_max: usize,
        half_open_timeout_ms: u64,
        consent_timeout_ms: u64,
    ) -> PyResult<Self> {
        let address = |text: &str| {
            text.parse::<IpAddr>()
                .map_err(|_| PyValueError::new_err(format!("not an IP address: {text}")))
        };
        let settings = Settings {
            host: address(host)?,
            port,
            workers,
            tcp,
            public_addresses: public_addresses
                .iter()
                .map(|text| address(text))
                .collect::<PyResult<_>>()?,
            keyframe_interval: match keyframe_interval_ms {
                // Never of our own accord.
                0 => Duration::from_secs(u64::from(u32::MAX)),
                ms => Duration::from_millis(ms),
            },
            replay_span: Duration::from_millis(replay_max_ms),
            // Eight seconds of 8 Mbit/s; a layer that is larger starts its joiners at a keyframe.
            replay_bytes: 8 << 20,
            max_peers,
            max_half_open: half_open_max,
            demand_patience: Duration::from_secs(30),
            connect_timeout: Duration::from_millis(half_open_timeout_ms),
            consent_timeout: Duration::from_millis(consent_timeout_ms),
            message_bytes: MAX_MESSAGE as usize,
            messages_per_second: 20.0,
        };
        let started = py.detach(|| Inner::start(settings));
        Ok(Engine(started.map_err(PyOSError::new_err)?))
    }

    /// The announced addresses.
    fn candidates(&self) -> Vec<String> {
        self.0.candidates()
    }

    /// Answer a WHIP offer.
    fn add_publisher(&self, py: Python<'_>, channel: &str, offer: &str) -> PyResult<Answer> {
        py.detach(|| self.0.accept(Role::Publisher, channel, offer))
            .map(answer)
            .map_err(refused)
    }

    /// Answer a WHEP offer.
    fn add_viewer(&self, py: Python<'_>, channel: &str, offer: &str) -> PyResult<Answer> {
        py.detach(|| self.0.accept(Role::Viewer, channel, offer))
            .map(answer)
            .map_err(refused)
    }

    fn restart_ice(
        &self,
        py: Python<'_>,
        peer: u64,
        ufrag: &str,
        pwd: &str,
    ) -> Option<(String, String)> {
        let (ufrag, pwd) = (ufrag.to_owned(), pwd.to_owned());
        py.detach(|| self.0.restart_ice(peer, ufrag, pwd))
    }

    fn remove(&self, py: Python<'_>, peer: u64) -> bool {
        py.detach(|| self.0.remove(peer))
    }

    fn peer_stats(&self, py: Python<'_>, peer: u64) -> Option<PeerStats> {
        py.detach(|| self.0.stats(peer)).map(PeerStats::from)
    }

    /// Counters by name, number of peers, events that wait.
    fn totals(&self) -> (HashMap<&'static str, u64>, usize, usize) {
        let counters = self.0.counters().all().into_iter().collect();
        (counters, self.0.peers(), self.0.outbox().depth())
    }

    /// By name: upper bounds, counts (one more, not cumulative) and the sum.
    fn histograms(&self) -> HashMap<&'static str, Buckets> {
        let all = self.0.counters().histograms();
        all.into_iter()
            .map(|(name, h)| (name, (h.bounds().to_vec(), h.counts(), h.sum())))
            .collect()
    }

    /// Send a viewer the encoding with this rid; None: choose by bandwidth.
    #[pyo3(signature = (peer, rid, spatial, temporal, max_spatial, max_temporal))]
    #[allow(clippy::too_many_arguments)] // The fields of one wish.
    fn select_layer(
        &self,
        py: Python<'_>,
        peer: u64,
        rid: Option<String>,
        spatial: Option<u8>,
        temporal: Option<u8>,
        max_spatial: Option<u8>,
        max_temporal: Option<u8>,
    ) -> bool {
        let wish = LayerWish {
            rid,
            spatial: spatial.or(max_spatial),
            temporal: temporal.or(max_temporal),
        };
        py.detach(|| self.0.select_layer(peer, wish))
    }

    fn send_data(
        &self,
        py: Python<'_>,
        peer: u64,
        label: &str,
        payload: &[u8],
        binary: bool,
    ) -> bool {
        let (label, payload) = (label.to_owned(), payload.to_vec());
        py.detach(|| self.0.send_data(peer, label, payload, binary))
    }

    fn send_data_many(
        &self,
        py: Python<'_>,
        peers: Vec<u64>,
        label: &str,
        payload: &[u8],
        binary: bool,
    ) -> Vec<u64> {
        py.detach(|| self.0.send_data_many(&peers, label, payload, binary))
    }

    fn open_tap(&self, py: Python<'_>, channel: &str, limit: usize) -> u64 {
        py.detach(|| self.0.open_tap(channel, limit))
    }

    fn close_tap(&self, py: Python<'_>, channel: &str, tap: u64) {
        py.detach(|| self.0.close_tap(channel, tap));
    }

    fn want_keyframes(&self, py: Python<'_>, channel: &str) {
        py.detach(|| self.0.want_keyframes(channel));
    }

    /// The eventfd that is readable when `drain` has something.
    fn fileno(&self) -> i32 {
        self.0.outbox().fd()
    }

    /// Take all events and access units that wait.
    fn drain(&self, py: Python<'_>) -> (Vec<Event>, Vec<Batch>) {
        let (events, batches) = py.detach(|| self.0.outbox().drain());
        let events = events.into_iter().map(|e| Event::new(py, e)).collect();
        let batches = batches
            .into_iter()
            .map(|batch| {
                let units = batch.units.into_iter().map(|u| Unit::new(py, u)).collect();
                (batch.tap, batch.dropped, units)
            })
            .collect();
        (events, batches)
    }

    /// End every peer and join the threads. Idempotent.
    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.0.stop());
    }

    /// Whether a trickled candidate names an address that a packet could come from.
    #[staticmethod]
    fn usable_candidate(candidate: &str) -> bool {
        usable_candidate(candidate)
    }
}

fn answer(accepted: Accepted) -> Answer {
    (
        accepted.peer,
        accepted.answer,
        accepted.credentials.ufrag,
        accepted.credentials.pass,
    )
}

fn refused(error: AcceptError) -> PyErr {
    match error {
        AcceptError::Busy(detail) => EngineBusy::new_err(detail),
        AcceptError::Offer(OfferError::Malformed(detail)) => {
            OfferRefused::new_err(("malformed", detail))
        }
        AcceptError::Offer(OfferError::Unsupported(detail)) => {
            OfferRefused::new_err(("unsupported", detail))
        }
    }
}
