//! A stream of messages that differ in their latents alone: everything else is prepared once.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use latentwire::{
    EncodeOptions, Fingerprint, Header, Latents, Message, MessageId, Route, Shape, SpaceRef,
};
use numpy::{PyReadonlyArrayDyn, PyUntypedArrayMethods};
use pyo3::exceptions::{PyOSError, PyOverflowError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::batch::on_all_cores;
use crate::errors::raise;
use crate::resources::Lossless;
use crate::route::{ModelTuple, PyRoute, model_ref};
use crate::write::{OptionsArgument, elements};

/// Writes messages of one sender in one form.
#[pyclass(name = "PacketEncoder", module = "latentwire._native", frozen)]
pub(crate) struct PyPacketEncoder {
    sender: ModelTuple,
    receiver: Option<ModelTuple>,
    space: ([u8; 16], String),
    options: OptionsArgument,
    lossless: Lossless,
    route: Option<PyRoute>,
    /// Of the next message on the route.
    number: AtomicU32,
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
        let number = AtomicU32::new(number);
        Self { sender, receiver, space, options, lossless, route, number }
    }

    /// The packet of one more message.
    fn encode<'py>(
        &self,
        py: Python<'py>,
        latents: PyReadonlyArrayDyn<'py, f32>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let shape = Shape::new(latents.shape()).map_err(|error| raise(py, &error))?;
        let options = self.options.options(&self.lossless)?;
        let route = self.route.as_ref().map(PyRoute::borrowed);
        let header = self.header(route.as_ref())?;
        let packet = write(elements(&latents)?, shape, header, route.as_ref(), &options);
        packet.map(|packet| PyBytes::new(py, &packet)).map_err(|error| raise(py, &error))
    }

    /// The packets of more messages, one for each of `latents` [N, ...].
    fn encode_many<'py>(
        &self,
        py: Python<'py>,
        latents: PyReadonlyArrayDyn<'py, f32>,
        threads: Option<usize>,
    ) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let [count, extents @ ..] = latents.shape() else {
            return Err(PyValueError::new_err("expected latents of at least two axes"));
        };
        if *count == 0 {
            return Ok(Vec::new());
        }
        let shape = Shape::new(extents).map_err(|error| raise(py, &error))?;
        let options = self.options.options(&self.lossless)?;
        let route = self.route.as_ref().map(PyRoute::borrowed);
        let numbers = elements(&latents)?.chunks_exact(shape.num_elements() as usize);
        let messages = numbers.map(|numbers| Ok((numbers, self.header(route.as_ref())?)));
        let messages = messages.collect::<PyResult<Vec<_>>>()?;
        let encode =
            |&(numbers, header): &(_, _)| write(numbers, shape, header, route.as_ref(), &options);
        let mut packets = Vec::with_capacity(*count);
        // Block by block, so that the memory of one serves the next: it costs more than the codec.
        for block in messages.chunks(BLOCK) {
            let written = py
                .detach(|| on_all_cores(block, threads, encode))
                .map_err(|error| raise(py, &error))?;
            packets.extend(written.iter().map(|packet| PyBytes::new(py, packet)));
        }
        Ok(packets)
    }
}

/// Messages that are written before they are handed over.
const BLOCK: usize = 256;

fn write(
    numbers: &[f32],
    shape: Shape,
    header: Header<'_>,
    route: Option<&Route<'_>>,
    options: &EncodeOptions<'_>,
) -> latentwire::Result<Vec<u8>> {
    let latents = vec![Latents::new(shape, Cow::Borrowed(numbers))];
    let message = Message { header, latents, sections: Vec::new() };
    match route {
        Some(route) => message.encode_on(route, options),
        None => message.encode(options),
    }
}

impl PyPacketEncoder {
    /// The header of the next message.
    fn header<'a>(&'a self, route: Option<&Route<'a>>) -> PyResult<Header<'a>> {
        if let Some(route) = route {
            let next = |number: u32| number.checked_add(1);
            let number = self.number.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
            let number = number.map_err(|_| {
                PyOverflowError::new_err("the message numbers of the route are used up")
            })?;
            return Ok(route.header(number));
        }
        Ok(Header {
            message_id: new_message_id()?,
            sender: model_ref(&self.sender),
            receiver: self.receiver.as_ref().map(model_ref),
            space: SpaceRef { fingerprint: Fingerprint(self.space.0), name: &self.space.1 },
        })
    }
}

/// A message id of now.
fn new_message_id() -> PyResult<MessageId> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let random = getrandom::u64()
        .map_err(|error| PyOSError::new_err(format!("no random number for an id: {error}")))?;
    Ok(MessageId::v7(since.as_nanos() as u64, random))
}
