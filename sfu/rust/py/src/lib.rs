//! `sfu._media`: the media engine for Python. Only `sfu/native.py` imports it.
//!
//! Every call that may wait releases the GIL, and no media thread ever takes it: Python fetches
//! what happened when the eventfd of [`engine::Engine`] says so.

use pyo3::prelude::*;

mod engine;
mod events;
mod load;

#[pymodule]
fn _media(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let py = module.py();
    module.add_class::<engine::Engine>()?;
    module.add_class::<events::Event>()?;
    module.add_class::<events::Layer>()?;
    module.add_class::<events::Unit>()?;
    module.add_class::<events::PeerStats>()?;
    module.add_class::<load::LoadViewers>()?;
    module.add_class::<load::LoadReport>()?;
    module.add_class::<load::StreamTotals>()?;
    module.add_class::<load::LatencySummary>()?;
    module.add_class::<load::PublisherReport>()?;
    module.add("OfferRefused", py.get_type::<engine::OfferRefused>())?;
    module.add("EngineBusy", py.get_type::<engine::EngineBusy>())?;
    Ok(())
}
