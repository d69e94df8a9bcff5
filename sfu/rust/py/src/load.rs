//! The load client as Python classes.

use std::io;
use std::net::IpAddr;

use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use sluice_media_load as load;

/// Many WebRTC viewers, and publishers, in this process.
#[pyclass(frozen, module = "sfu._media")]
pub struct LoadViewers(load::LoadViewers);

#[pymethods]
impl LoadViewers {
    #[new]
    #[pyo3(signature = (*, bind = "127.0.0.1", max_viewers = 5000, verify_every = 1, loss = 0.0,
        seed = 1, pli_per_second = 0.0, data_channel = true, twcc = true, gro = false,
        publisher_bitrate = 2_500_000, publisher_layers = 1))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of one constructor call in Python.
    fn new(
        bind: &str,
        max_viewers: usize,
        verify_every: u32,
        loss: f64,
        seed: u64,
        pli_per_second: f64,
        data_channel: bool,
        twcc: bool,
        gro: bool,
        publisher_bitrate: u32,
        publisher_layers: u8,
    ) -> PyResult<Self> {
        let bind: IpAddr = bind
            .parse()
            .map_err(|_| PyValueError::new_err(format!("not an IP address: {bind}")))?;
        let mut config = load::LoadConfig {
            bind,
            max_viewers,
            verify_every,
            loss,
            seed,
            pli_per_second,
            data_channel,
            twcc,
            gro,
            ..load::LoadConfig::default()
        };
        config.publisher.bitrate = publisher_bitrate;
        config.publisher.layers = publisher_layers;
        load::LoadViewers::start(config)
            .map(LoadViewers)
            .map_err(failed)
    }

    /// A new viewer: its number and its SDP offer.
    fn offer(&self, py: Python<'_>) -> PyResult<(u32, String)> {
        let (viewer, offer) = py.detach(|| self.0.offer()).map_err(failed)?;
        Ok((viewer.0, offer))
    }

    fn answer(&self, py: Python<'_>, viewer: u32, sdp: &str) -> PyResult<()> {
        py.detach(|| self.0.answer(load::ViewerIndex(viewer), sdp))
            .map_err(PyValueError::new_err)
    }

    /// A new viewer for a server that makes the offers: its number and its SDP answer.
    fn accept(&self, py: Python<'_>, sdp: &str) -> PyResult<(u32, String)> {
        let (viewer, answer) = py
            .detach(|| self.0.accept(sdp))
            .map_err(PyValueError::new_err)?;
        Ok((viewer.0, answer))
    }

    fn remove(&self, py: Python<'_>, viewer: u32) -> PyResult<bool> {
        py.detach(|| self.0.remove(load::ViewerIndex(viewer)))
            .map_err(failed)
    }

    fn publisher_offer(&self, py: Python<'_>) -> PyResult<(u32, String)> {
        let (publisher, offer) = py.detach(|| self.0.publisher_offer()).map_err(failed)?;
        Ok((publisher.0, offer))
    }

    fn publisher_answer(&self, py: Python<'_>, publisher: u32, sdp: &str) -> PyResult<()> {
        py.detach(|| {
            self.0
                .publisher_answer(load::PublisherIndex(publisher), sdp)
        })
        .map_err(PyValueError::new_err)
    }

    fn remove_publisher(&self, py: Python<'_>, publisher: u32) -> bool {
        py.detach(|| self.0.remove_publisher(load::PublisherIndex(publisher)))
    }

    fn report(&self, py: Python<'_>) -> PyResult<LoadReport> {
        let report = py.detach(|| self.0.report()).map_err(failed)?;
        Ok(LoadReport::from(report))
    }

    /// Forget the latencies so far: a new measuring window.
    fn reset_latency(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.reset_latency()).map_err(failed)
    }

    fn stop(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.stop()).map_err(failed)
    }
}

fn failed(error: io::Error) -> PyErr {
    match error.kind() {
        io::ErrorKind::InvalidInput => PyValueError::new_err(error.to_string()),
        _ => PyOSError::new_err(error.to_string()),
    }
}

/// A frozen class with the same fields as the load client's own struct.
macro_rules! mirror {
    ($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),+ $(,)? }) => {
        $(#[$doc])*
        #[pyclass(frozen, get_all, module = "sfu._media", skip_from_py_object)]
        #[derive(Clone)]
        pub struct $name { $($field: $type),+ }

        impl From<load::$name> for $name {
            fn from(of: load::$name) -> Self {
                $name { $($field: of.$field.convert()),+ }
            }
        }
    };
}

/// From the load client's values to Python's.
trait Convert<T> {
    fn convert(self) -> T;
}

impl<T> Convert<T> for T {
    fn convert(self) -> T {
        self
    }
}

mirror! {
    /// Packets of one kind of media.
    StreamTotals {
        packets: u64, bytes: u64, lost: u64, reordered: u64, recovered: u64, duplicates: u64,
        restarts: u64,
    }
}

mirror! {
    /// A distribution in milliseconds.
    LatencySummary { count: u64, p50_ms: f64, p95_ms: f64, p99_ms: f64, max_ms: f64 }
}

mirror! {
    /// One synthetic publisher.
    PublisherReport {
        connected: bool, closed: bool, video_packets: u64, audio_packets: u64, bytes: u64,
        keyframes: u64, keyframe_requests: u64, nacks: u64, send_errors: u64,
        worst_lateness_ms: f64, cpu_s: f64, error: Option<String>,
    }
}

impl Convert<StreamTotals> for load::StreamTotals {
    fn convert(self) -> StreamTotals {
        self.into()
    }
}

impl Convert<LatencySummary> for load::LatencySummary {
    fn convert(self) -> LatencySummary {
        self.into()
    }
}

impl Convert<Vec<PublisherReport>> for Vec<load::PublisherReport> {
    fn convert(self) -> Vec<PublisherReport> {
        self.into_iter().map(PublisherReport::from).collect()
    }
}

mirror! {
    /// A snapshot of a run.
    LoadReport {
        offered: u64, alive: u64, connected: u64, with_media: u64, receiving: u64, verified: u64,
        closed: u64, panics: u64, video: StreamTotals, audio: StreamTotals, rtx_packets: u64,
        rejected: u64, unknown: u64, client_drops: u64, injected_drops: u64, send_errors: u64,
        nacks: u64, plis: u64, keyframes: u64, join_connected_ms: Vec<f64>,
        join_packet_ms: Vec<f64>, join_keyframe_ms: Vec<f64>, video_latency: LatencySummary,
        audio_latency: LatencySummary, echo_rtt: LatencySummary, replayed: u64, cpu_s: f64,
        publishers: Vec<PublisherReport>, errors: Vec<String>,
    }
}
