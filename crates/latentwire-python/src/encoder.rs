//! A stream of messages that differ in their latents alone: everything else is prepared once.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use latentwire::{
    EncodeOptions, Fingerprint, Header, Latents, Message, MessageId, Route, Shape, SpaceRef, Values,
};
use pyo3::exceptions::{PyOSError, PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::batch::{BLOCK, on_all_cores};
use crate::errors::raise;
use crate::new_bytes::NewBytes;
use crate::resources::Lossless;
use crate::route::{ModelTuple, PyRoute, model_ref};
use crate::write::{NumbersArgument, OptionsArgument};

/// Up to so many numbers are written in some 20 us, in which Python waits: letting it go and taking it
/// back would cost a short message more than it gives to others.
const FEW: u64 = 1 << 16;

/// Writes messages of one sender in one form.
#[pyclass(name = "PacketEncoder", module = "latentwire._native", frozen)]
pub(crate) struct PyPacketEncoder {
    sender: ModelTuple,
    receiver: Option<ModelTuple>,
    space: ([u8; 16], String),
    options: OptionsArgument,
    lossless: Lossless,
    route: Option<PyRoute>,
    numbers: Numbers,
}

#[pymethods]
impl PyPacketEncoder {
    #[new]
    #[pyo3(signature = (*, sender, receiver, space, options, lossless, route, number))]
    fn new(
        sender: ModelTuple,
        receiver: Option<ModelTuple>,
        space: ([u8; 16], String),
        options: OptionsArgument,
        lossless: Lossless,
        route: Option<PyRoute>,
        number: u32,
    ) -> Self {
        let numbers = Numbers { next: AtomicU64::new(number.into()) };
        Self { sender, receiver, space, options, lossless, route, numbers }
    }

    /// The packet of one more message.
    fn encode<'py>(
        &self,
        py: Python<'py>,
        latents: NumbersArgument<'py>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let shape = Shape::new(latents.shape()).map_err(|error| raise(py, &error))?;
        let numbers = latents.values()?;
        let (mut packet, random) = (Vec::new(), random().map_err(|failure| failure.raise(py))?);
        self.write(1, |writer| {
            let write = || writer.write(0, random, shape, numbers, &mut packet);
            let written = if shape.num_elements() > FEW { py.detach(write) } else { write() };
            written.map_err(|failure| failure.raise(py))
        })?;
        Ok(PyBytes::new(py, &packet))
    }

    /// The packets of more messages, one for each of `latents` [N, ...].
    fn encode_many<'py>(
        &self,
        py: Python<'py>,
        latents: NumbersArgument<'py>,
        threads: Option<usize>,
    ) -> PyResult<Vec<Py<PyBytes>>> {
        let [count, extents @ ..] = latents.shape() else {
            return Err(PyValueError::new_err("expected latents of at least two axes"));
        };
        if *count == 0 {
            return Ok(Vec::new());
        }
        let shape = Shape::new(extents).map_err(|error| raise(py, &error))?;
        let numbers = latents.values()?;
        let mut indices: Vec<u32> = (0..).take(*count).collect();
        self.write(*count, |writer| {
            let written = py.detach(|| {
                on_all_cores(&mut indices, threads, |block, out| {
                    writer.write_block(block, shape, &numbers, out)
                })
            });
            written.map_err(|failure| failure.raise(py))
        })
    }
}

impl PyPacketEncoder {
    /// Writes the next `count` messages. If that fails, others have their numbers.
    fn write<R>(
        &self,
        count: usize,
        write: impl FnOnce(&Writer<'_>) -> PyResult<R>,
    ) -> PyResult<R> {
        let route = self.route.as_ref().map(PyRoute::borrowed);
        let options = self.options.options(&self.lossless)?;
        let taken = route.is_some().then(|| self.numbers.take(count)).transpose()?;
        let header = Header {
            message_id: MessageId([0; 16]),
            sender: model_ref(&self.sender),
            receiver: self.receiver.as_ref().map(model_ref),
            space: SpaceRef { fingerprint: Fingerprint(self.space.0), name: &self.space.1 },
        };
        // Every number that is given out is below 2^32.
        let first_number = taken.as_ref().map_or(0, |taken| taken.start as u32);
        let written = write(&Writer { header, route, first_number, options });
        if let (Err(_), Some(taken)) = (&written, taken) {
            self.numbers.give_back(taken);
        }
        written
    }
}

/// The numbers of the messages on a route.
struct Numbers {
    /// Up to 2^32, which is one past the last.
    next: AtomicU64,
}

impl Numbers {
    fn take(&self, count: usize) -> PyResult<Range<u64>> {
        let after = |first: u64| first.checked_add(count as u64).filter(|&end| end <= 1 << 32);
        let first = self.next.fetch_update(Ordering::Relaxed, Ordering::Relaxed, after);
        first
            .map(|first| first..first + count as u64)
            .map_err(|_| PyOverflowError::new_err("the message numbers of the route are used up"))
    }

    /// Has numbers that no message got given out again, unless another thread has taken later ones
    /// since: then they are left out.
    fn give_back(&self, taken: Range<u64>) {
        let (now, before) = (taken.end, taken.start);
        let _ = self.next.compare_exchange(now, before, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// Writes messages, from any thread.
struct Writer<'a> {
    /// Of all messages, but for their ids.
    header: Header<'a>,
    route: Option<Route<'a>>,
    /// On the route.
    first_number: u32,
    options: EncodeOptions<'a>,
}

/// The numbers of the message with this index, of many of one shape.
fn one_of<'a>(all: &'a Values<'_>, index: u32, shape: Shape) -> Values<'a> {
    let len = shape.num_elements() as usize;
    let range = index as usize * len..(index as usize + 1) * len;
    match all {
        Values::Numbers(all) => Values::Numbers(all.get(range).unwrap_or_default().into()),
        Values::Bf16(all) => Values::Bf16(all.get(range).unwrap_or_default().into()),
        Values::Codes { .. } => Values::Numbers([].as_slice().into()),
    }
}

/// Why a message could not be written.
enum Failure {
    Message(latentwire::Error),
    Random(getrandom::Error),
    Python(PyErr),
}

impl Failure {
    fn raise(self, py: Python<'_>) -> PyErr {
        match self {
            Self::Message(error) => raise(py, &error),
            Self::Python(error) => error,
            Self::Random(error) => {
                PyOSError::new_err(format!("no random number for an id: {error}"))
            }
        }
    }
}

impl Writer<'_> {
    /// Appends the packet of the message with this index; its id has these random bits.
    fn write(
        &self,
        index: u32,
        random: u64,
        shape: Shape,
        values: Values<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        let header = match &self.route {
            Some(route) => route.header(self.first_number + index),
            None => Header { message_id: message_id_of_now(random), ..self.header },
        };
        let latents = vec![Latents { name: "", shape, values }];
        let message = Message { header, latents, sections: Vec::new() };
        let written = match &self.route {
            Some(route) => message.encode_on_to(route, &self.options, out),
            None => message.encode_to(&self.options, out),
        };
        written.map_err(Failure::Message)
    }

    /// Writes a block of messages, from a thread that Python does not wait for. `out` is memory that the
    /// thread has used before.
    fn write_block(
        &self,
        indices: &[u32],
        shape: Shape,
        numbers: &Values<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Vec<Py<PyBytes>>, Failure> {
        // Asking the system for one id after another would take a call for each.
        let mut random = [0; BLOCK * size_of::<u64>()];
        getrandom::fill(&mut random).map_err(Failure::Random)?;
        out.clear();
        let mut sizes = Vec::with_capacity(indices.len());
        for (&index, random) in indices.iter().zip(random.as_chunks().0) {
            let (random, values) = (u64::from_ne_bytes(*random), one_of(numbers, index, shape));
            let start = out.len();
            self.write(index, random, shape, values, out)?;
            sizes.push(out.len() - start);
        }
        let new = Python::attach(|py| {
            sizes.iter().map(|&size| NewBytes::new(py, size)).collect::<PyResult<Vec<_>>>()
        });
        let mut rest = out.as_slice();
        let filled = new.map_err(Failure::Python)?.into_iter().map(|new| {
            let (packet, others) = rest.split_at(new.len());
            rest = others;
            new.fill(packet)
        });
        Ok(filled.collect())
    }
}

fn random() -> Result<u64, Failure> {
    getrandom::u64().map_err(Failure::Random)
}

fn message_id_of_now(random: u64) -> MessageId {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    MessageId::v7(since.as_nanos() as u64, random)
}

/// A new message id: a UUID of version 7, which sorts by time.
#[pyfunction]
pub(crate) fn new_message_id(py: Python<'_>) -> PyResult<Bound<'_, PyBytes>> {
    let random = random().map_err(|failure| failure.raise(py))?;
    Ok(PyBytes::new(py, &message_id_of_now(random).0))
}
