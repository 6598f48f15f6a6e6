//! Reading many packets at once, and doing anything on all cores.

use std::num::NonZero;
use std::sync::{Mutex, PoisonError};
use std::thread;

use latentwire::{LatentsInfo, Limits, Packet, Resources};
use numpy::{PyArrayDyn, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyBytesMethods};

use crate::errors::raise;
use crate::packet::{PyLimits, new_array};
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
    let (limits, resources) = (&limits.0, lossless.resources());
    let mut packets: Vec<&[u8]> = packets.iter().map(PyBytesMethods::as_bytes).collect();
    let decoded = decode_all(py, &mut packets, &resources, limits, threads)?;
    // Of the packets that are refused, by whichever step, the first is reported.
    decoded.map_err(|error| {
        let first = packets.iter().find_map(|bytes| {
            let info = first_tensor(bytes, limits);
            info.and_then(|info| info.decode_with(bytes, &resources, limits)).err()
        });
        raise(py, &first.unwrap_or(error))
    })
}

/// Checks all packets, makes arrays for them, and decodes into those.
fn decode_all<'py>(
    py: Python<'py>,
    packets: &mut [&[u8]],
    resources: &Resources<'_>,
    limits: &Limits,
    threads: Option<usize>,
) -> PyResult<latentwire::Result<Vec<Bound<'py, PyArrayDyn<f32>>>>> {
    let infos = py.detach(|| {
        on_all_cores(packets, threads, |packets, (): &mut ()| {
            packets.iter().map(|bytes| first_tensor(bytes, limits)).collect()
        })
    });
    let infos: Vec<LatentsInfo> = match infos {
        Ok(infos) => infos,
        Err(error) => return Ok(Err(error)),
    };
    let arrays = infos.iter().map(|info| new_array(py, info)).collect::<PyResult<Vec<_>>>()?;
    let mut contents: Vec<_> = arrays.iter().map(PyArrayMethods::readwrite).collect();
    let mut tensors = Vec::with_capacity(arrays.len());
    for ((bytes, info), contents) in packets.iter().zip(&infos).zip(&mut contents) {
        tensors.push((*bytes, info, contents.as_slice_mut()?));
    }
    let decoded = py.detach(|| {
        on_all_cores(&mut tensors, threads, |tensors, (): &mut ()| {
            let decode = |(bytes, info, numbers): &mut (&[u8], &LatentsInfo, &mut [f32])| {
                info.decode_into(bytes, resources, limits, numbers)
            };
            tensors.iter_mut().map(decode).collect::<latentwire::Result<Vec<()>>>()
        })
    });
    drop(contents);
    Ok(decoded.map(|_| arrays))
}

fn first_tensor(bytes: &[u8], limits: &Limits) -> latentwire::Result<LatentsInfo> {
    let packet = Packet::parse(bytes, limits)?;
    let Some(info) = packet.latents().first() else { unreachable!("a packet has latents") };
    info.check_limits(limits).map(|()| *info)
}

/// Items that a thread takes at a time: few, so that threads that are interrupted do not keep the
/// others waiting at the end, and enough to ask Python seldom.
pub(crate) const BLOCK: usize = 32;

/// Does the same with every block of `items`, in as many threads as there are cores or as are asked
/// for, and puts together what comes out. Each thread has a `State` that it uses again. Of failures
/// the one of the first block is reported.
pub(crate) fn on_all_cores<T: Send, State: Default, U: Send, E: Send>(
    items: &mut [T],
    threads: Option<usize>,
    work: impl Fn(&mut [T], &mut State) -> Result<Vec<U>, E> + Sync,
) -> Result<Vec<U>, E> {
    let threads =
        threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get));
    let count = items.len();
    let others = threads.min(count.div_ceil(BLOCK)).saturating_sub(1);
    let blocks = Mutex::new(items.chunks_mut(BLOCK).enumerate());
    let next = || blocks.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work_on = || {
        let (mut done, mut state) = (Vec::new(), State::default());
        while let Some((index, block)) = next() {
            let result = work(block, &mut state);
            let has_failed = result.is_err();
            done.push((index, result));
            if has_failed {
                // Nobody needs the blocks that nobody has begun.
                while next().is_some() {}
            }
        }
        done
    };
    let mut done = thread::scope(|scope| {
        let workers: Vec<_> = (0..others).map(|_| scope.spawn(work_on)).collect();
        let mut done = work_on();
        for worker in workers {
            let part = worker.join();
            done.extend(part.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|&(index, _)| index);
    let mut all = Vec::with_capacity(count);
    for (_, block) in done {
        all.extend(block?);
    }
    Ok(all)
}
