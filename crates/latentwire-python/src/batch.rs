//! Many messages at once, on all cores.

use std::borrow::Cow;
use std::num::NonZero;
use std::thread;

use latentwire::{
    Fingerprint, Header, Latents, Limits, Message, MessageId, Packet, Resources, Shape, SpaceRef,
};
use numpy::{PyArray1, PyArrayDyn, PyArrayMethods, PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyBytesMethods};

use crate::errors::raise;
use crate::packet::PyLimits;
use crate::resources::Lossless;
use crate::route::{ModelTuple, model_ref};
use crate::write::{OptionsArgument, elements};

/// Messages that are written before they are handed over.
const BLOCK: usize = 256;

/// Write the messages of one sender: `latents` [N, ...] are those of message `message_ids[n]`.
#[pyfunction]
#[pyo3(signature = (latents, *, message_ids, sender, receiver, space, options, lossless, threads))]
#[allow(clippy::too_many_arguments, reason = "keyword-only in Python: one a field of the header")]
pub(crate) fn encode_many<'py>(
    py: Python<'py>,
    latents: PyReadonlyArrayDyn<'py, f32>,
    message_ids: Vec<[u8; 16]>,
    sender: ModelTuple,
    receiver: Option<ModelTuple>,
    space: ([u8; 16], String),
    options: OptionsArgument,
    lossless: Lossless,
    threads: Option<usize>,
) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    let [count, extents @ ..] = latents.shape() else {
        return Err(PyValueError::new_err("expected latents of at least two axes"));
    };
    if *count != message_ids.len() {
        let text = format!("{} message ids for {count} messages", message_ids.len());
        return Err(PyValueError::new_err(text));
    }
    if *count == 0 {
        return Ok(Vec::new());
    }
    let shape = Shape::new(extents).map_err(|error| raise(py, &error))?;
    let options = options.options(&lossless)?;
    let rows: Vec<_> =
        elements(&latents)?.chunks_exact(shape.num_elements() as usize).zip(message_ids).collect();
    let encode = |(numbers, message_id): &(&[f32], [u8; 16])| {
        Message {
            header: Header {
                message_id: MessageId(*message_id),
                sender: model_ref(&sender),
                receiver: receiver.as_ref().map(model_ref),
                space: SpaceRef { fingerprint: Fingerprint(space.0), name: &space.1 },
            },
            latents: vec![Latents::new(shape, Cow::Borrowed(*numbers))],
            sections: Vec::new(),
        }
        .encode(&options)
    };
    let mut packets = Vec::with_capacity(*count);
    // Block by block, so that the memory of one serves the next: it costs more than the codec.
    for block in rows.chunks(BLOCK) {
        let written = py
            .detach(|| on_all_cores(block, threads, encode))
            .map_err(|error| raise(py, &error))?;
        packets.extend(written.iter().map(|packet| PyBytes::new(py, packet)));
    }
    Ok(packets)
}

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
fn on_all_cores<T: Sync, U: Send>(
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
