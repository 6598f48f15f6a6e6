//! Reading many packets at once, and doing anything on all cores.

use std::num::NonZero;
use std::thread;

use latentwire::{Limits, Packet, Resources, Shape};
use numpy::{PyArray1, PyArrayDyn, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyBytesMethods};

use crate::errors::raise;
use crate::packet::PyLimits;
use crate::resources::Lossless;

/// Decode the first tensor of many packets, each within the limits: float32 arrays.
#[pyfunction]
#[pyo3(signature = (packets, *, limits, lossless, threads))]
pub(crate) fn decode_many<'py>(
    py: Python<'py>,
    packets: Vec<Bound<'py, PyBytes>>,
    limits: PyLimits,
    lossless: Lossless,
    threads: Option<usize>,
) -> PyResult<Vec<Bound<'py, PyArrayDyn<f32>>>> {
    let packets: Vec<&[u8]> = packets.iter().map(PyBytesMethods::as_bytes).collect();
    let decoded = py
        .detach(|| {
            let resources = lossless.resources();
            on_all_cores(&packets, threads, |bytes| decode_first(bytes, &resources, &limits.0))
        })
        .map_err(|error| raise(py, &error))?;
    let arrays = decoded.into_iter().map(|(shape, numbers)| {
        let shape: Vec<usize> = shape.extents().iter().map(|&extent| extent as usize).collect();
        PyArray1::from_vec(py, numbers).reshape(shape)
    });
    arrays.collect()
}

fn decode_first(
    bytes: &[u8],
    resources: &Resources<'_>,
    limits: &Limits,
) -> latentwire::Result<(Shape, Vec<f32>)> {
    let packet = Packet::parse(bytes, limits)?;
    let Some(info) = packet.latents().first() else { unreachable!("a packet has latents") };
    Ok((info.shape, info.decode_with(bytes, resources, limits)?))
}

/// Does the same with every item, in as many threads as there are cores or as are asked for. The
/// first failure by order of items is the one reported.
pub(crate) fn on_all_cores<T: Sync, U: Send>(
    items: &[T],
    threads: Option<usize>,
    work: impl Fn(&T) -> latentwire::Result<U> + Sync,
) -> latentwire::Result<Vec<U>> {
    let threads =
        threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get));
    let share = items.len().div_ceil(threads.max(1)).max(1);
    if share >= items.len() {
        return items.iter().map(work).collect();
    }
    let parts = thread::scope(|scope| {
        let workers: Vec<_> = items
            .chunks(share)
            .map(|part| {
                scope.spawn(|| part.iter().map(&work).collect::<latentwire::Result<Vec<U>>>())
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect::<Vec<_>>()
    });
    let mut done = Vec::with_capacity(items.len());
    for part in parts {
        done.extend(part?);
    }
    Ok(done)
}
