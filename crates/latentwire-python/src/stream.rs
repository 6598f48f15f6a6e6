//! Streams: Python's files as readers, packets and indexes as Python sees them.

use std::io::{self, Read, Seek, SeekFrom};

use latentwire::{
    Damage, Error, Family, IndexEntry, Limits, PacketId, PacketReader, Recovered, Recovery,
    StreamError, StreamIndex, StreamPacket,
};
use pyo3::exceptions::{PyIndexError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyInt};

use crate::errors::{class_name, exception, hint};
use crate::packet::PyLimits;

/// (first byte, one past the last byte, whether torn, what was found)
type DamageTuple = (u64, u64, bool, PyErr);
/// (offset, packet, None) or (offset, None, damage)
type PartTuple<'py> = (u64, Option<Bound<'py, PyBytes>>, Option<DamageTuple>);

/// A binary file object, read without the lock held in between.
struct PyFile(Py<PyAny>);

impl PyFile {
    /// Calls a method that may raise, as an error that [`raise`] turns back into the exception.
    fn call<T>(&self, call: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<T>) -> io::Result<T> {
        Python::attach(|py| call(self.0.bind(py)).map_err(io::Error::from))
    }
}

impl Read for PyFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.call(|file| {
            // `read` of a buffered file waits until all that was asked for is there; a pipe's
            // writer may be waiting for an answer to what has arrived.
            let buffered = file.hasattr("read1")?;
            let found =
                file.call_method1(if buffered { "read1" } else { "read" }, (buffer.len(),))?;
            if found.is_none() {
                return Ok(Err(io::ErrorKind::WouldBlock.into()));
            }
            let bytes = found.cast::<PyBytes>().map_err(|_| {
                PyTypeError::new_err("expected a binary file, whose read gives bytes")
            })?;
            let mut bytes = bytes.as_bytes();
            Ok(bytes.read(buffer))
        })?
    }
}

impl Seek for PyFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (offset, whence) = match to {
            SeekFrom::Start(offset) => (i128::from(offset), 0),
            SeekFrom::Current(offset) => (offset.into(), 1),
            SeekFrom::End(offset) => (offset.into(), 2),
        };
        self.call(|file| file.call_method1("seek", (offset, whence))?.extract())
    }
}

/// The exception for `error`: what a file raised, as it was raised; else one of our tree.
fn raise(py: Python<'_>, error: StreamError) -> PyErr {
    let (class, hint) = match &error {
        StreamError::Packet { error, .. } => (class_name(error.kind().family()), advice(error)),
        StreamError::Torn { .. } => ("TruncatedPacketError", None),
        _ => ("StreamIndexError", Some("open the stream again: the index is made anew")),
    };
    match error {
        StreamError::Io { source, .. } => source.into(),
        error => exception(py, class, &error.to_string(), error.id(), Some(error.offset()), hint),
    }
}

/// What the reader of an error can do about a packet of a stream.
fn advice(error: &Error) -> Option<&'static str> {
    match error.kind().family() {
        Family::Truncated => Some("a StreamWriter cuts a torn packet off"),
        Family::Checksum | Family::Malformed => Some("read_stream with on_damage passes over it"),
        _ => hint(error.kind()),
    }
}

fn damage_tuple(py: Python<'_>, damage: Damage) -> DamageTuple {
    let Damage { range, error, torn } = damage;
    (range.start, range.end, torn, raise(py, StreamError::Packet { offset: range.start, error }))
}

/// Packets one by one from a binary file: up to the first that is not sound, or past all damage.
#[pyclass(name = "PacketReader", module = "latentwire._native")]
pub(crate) struct PyPacketReader(Reader);

enum Reader {
    Strict(PacketReader<PyFile>),
    Recovering(Recovery<PyFile>),
}

#[pymethods]
impl PyPacketReader {
    #[new]
    fn new(file: Py<PyAny>, limits: PyLimits, recover: bool) -> Self {
        Self(if recover {
            Reader::Recovering(Recovery::new(PyFile(file), limits.0))
        } else {
            Reader::Strict(PacketReader::new(PyFile(file), limits.0))
        })
    }

    /// The next packet or damage; None at the end.
    fn next_part<'py>(&mut self, py: Python<'py>) -> PyResult<Option<PartTuple<'py>>> {
        let part = match &mut self.0 {
            Reader::Strict(reader) => {
                py.detach(|| reader.next_packet()).map(|packet| packet.map(Recovered::Packet))
            }
            Reader::Recovering(recovery) => py.detach(|| recovery.next_part()),
        };
        Ok(part.map_err(|error| raise(py, error))?.map(|part| match part {
            Recovered::Packet(packet) => {
                (packet.offset(), Some(PyBytes::new(py, packet.as_bytes())), None)
            }
            Recovered::Damage(damage) => (damage.range.start, None, Some(damage_tuple(py, damage))),
        }))
    }
}

/// Where every packet of a stream lies.
#[pyclass(name = "StreamIndex", module = "latentwire._native")]
pub(crate) struct PyStreamIndex(StreamIndex);

impl PyStreamIndex {
    fn at(&self, number: usize) -> PyResult<&IndexEntry> {
        let found = self.0.entries().get(number);
        found.ok_or_else(|| PyIndexError::new_err(format!("the stream has no packet {number}")))
    }
}

#[pymethods]
impl PyStreamIndex {
    #[new]
    fn new() -> Self {
        Self(StreamIndex::new())
    }

    /// The most bytes that the index of a stream of so many bytes has.
    #[staticmethod]
    fn max_bytes(stream_bytes: u64) -> u64 {
        StreamIndex::bytes_len(stream_bytes / StreamPacket::MIN_BYTES)
    }

    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        py.detach(|| StreamIndex::from_bytes(data)).map(Self).map_err(|error| raise(py, error))
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &py.detach(|| self.0.to_bytes()))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    /// Where the last packet ends.
    #[getter]
    fn end(&self) -> u64 {
        self.0.end()
    }

    /// First and one past the last byte of everything before and between the packets.
    #[getter]
    fn gaps(&self) -> Vec<(u64, u64)> {
        self.0.damage().map(|gap| (gap.start, gap.end)).collect()
    }

    /// Offset and length of a packet.
    fn place(&self, number: usize) -> PyResult<(u64, u64)> {
        self.at(number).map(|entry| (entry.offset(), entry.len()))
    }

    /// The message id of a packet: 16 bytes, a number if it is compact, None if it shows none.
    fn message_id<'py>(
        &self,
        py: Python<'py>,
        number: usize,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        Ok(match self.at(number)?.id() {
            Some(PacketId::Message(id)) => Some(PyBytes::new(py, &id.0).into_any()),
            Some(PacketId::Short(id)) => Some(PyInt::new(py, id).into_any()),
            _ => None,
        })
    }

    /// The first packet from `start` on with this message id.
    fn find(&self, id: &Bound<'_, PyAny>, start: usize) -> PyResult<Option<usize>> {
        let id = if let Ok(bytes) = id.cast::<PyBytes>() {
            let Ok(bytes) = bytes.as_bytes().try_into() else { return Ok(None) };
            PacketId::Message(latentwire::MessageId(bytes))
        } else {
            PacketId::Short(id.extract()?)
        };
        let mut rest = self.0.entries().iter().enumerate().skip(start);
        Ok(rest.find(|(_, entry)| entry.id() == Some(id)).map(|(number, _)| number))
    }

    /// Check the last packet, or all, against a file that can be sought in.
    fn check(&self, py: Python<'_>, file: Py<PyAny>, all: bool) -> PyResult<()> {
        let mut file = PyFile(file);
        let check = || if all { self.0.check_all(&mut file) } else { self.0.check(&mut file) };
        py.detach(check).map_err(|error| raise(py, error))
    }

    /// Check that `data` is the packet that was indexed.
    fn check_packet(
        &self,
        py: Python<'_>,
        number: usize,
        data: &[u8],
        limits: PyLimits,
    ) -> PyResult<()> {
        let entry = self.at(number)?;
        py.detach(|| entry.check(data, &limits.0).map(drop)).map_err(|error| raise(py, error))
    }

    /// Another index, with the packets of a file that stands at the end of this one; and what
    /// follows the last of them.
    fn extended(
        &self,
        py: Python<'_>,
        file: Py<PyAny>,
        limits: PyLimits,
    ) -> PyResult<(Self, Option<DamageTuple>)> {
        let mut index = self.0.clone();
        let tail = py
            .detach(|| index.extend(PyFile(file), &limits.0))
            .map_err(|error| raise(py, error))?;
        Ok((Self(index), tail.damage.map(|damage| damage_tuple(py, damage))))
    }

    /// Add the packet that `data` is, at the end.
    fn push(&mut self, py: Python<'_>, data: &[u8]) -> PyResult<()> {
        let end = self.0.end();
        let any_size = Limits::default().with_total_bytes(usize::MAX);
        let entry =
            py.detach(|| StreamPacket::new(end, data, &any_size).map(|packet| packet.entry()));
        entry
            .map_err(|error| StreamError::Packet { offset: end, error })
            .and_then(|entry| self.0.push(entry))
            .map_err(|error| raise(py, error))
    }

    /// Forget the packets from `number` on.
    fn truncate(&mut self, number: usize) {
        self.0.truncate(number);
    }
}
