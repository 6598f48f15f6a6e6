//! Tests of streams: reading, recovery, writing and the index; what holds for all of them in
//! `properties`.
//!
//! Packets are framed by hand here, since a stream looks at nothing inside.

mod index;
mod properties;
mod reading;
mod recovering;
mod writing;

use std::io::{self, Read};

use super::*;
use crate::checksum;
use crate::error::{ErrorKind, Family};
use crate::limits::Limits;
use crate::wire::MAGIC;

/// A packet with these flags and these bytes after its preamble.
fn framed(flags: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = claim(flags, content.len() as u32 + 4);
    bytes.extend(content);
    let sum = checksum::of(&bytes);
    bytes.extend(sum.to_le_bytes());
    bytes
}

/// A preamble that says that `rest_len` bytes follow.
fn claim(flags: u8, mut rest_len: u32) -> Vec<u8> {
    let mut bytes = [&MAGIC[..], &[1, 0, flags]].concat();
    while rest_len >= 0x80 {
        bytes.push(rest_len as u8 | 0x80);
        rest_len >>= 7;
    }
    bytes.push(rest_len as u8);
    bytes
}

/// A self-contained packet of `16 + len` bytes of content, unlike others of another `number`.
fn packet(number: u8, len: usize) -> Vec<u8> {
    let filling = (0..len).map(|at| (at as u8).wrapping_mul(13) ^ number);
    framed(0, &[number; 16].into_iter().chain(filling).collect::<Vec<_>>())
}

/// Three packets of different lengths.
fn three() -> [Vec<u8>; 3] {
    [packet(1, 10), packet(2, 200), packet(3, 33)]
}

/// Gives at most `step` bytes at a time, and fails before each of them, first in a way that a
/// reader passes over, then in one that it must report.
struct Trickle<'a> {
    bytes: &'a [u8],
    step: usize,
    calls: usize,
}

impl<'a> Trickle<'a> {
    fn new(bytes: &'a [u8], step: usize) -> Self {
        Self { bytes, step, calls: 0 }
    }
}

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.calls += 1;
        match self.calls % 3 {
            1 => Err(io::ErrorKind::Interrupted.into()),
            2 => Err(io::ErrorKind::WouldBlock.into()),
            _ => {
                let step = self.step.min(buffer.len());
                self.bytes.read(&mut buffer[..step])
            }
        }
    }
}

/// Calls until the stream does not fail.
fn insist<T>(mut call: impl FnMut() -> Result<T, StreamError>) -> Result<T, StreamError> {
    loop {
        match call() {
            Err(StreamError::Io { .. }) => {}
            other => return other,
        }
    }
}

/// A part of a stream, owned.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Packet(u64, Vec<u8>),
    Damage(Damage),
}

/// All parts of a stream.
fn parts(stream: impl Read, limits: &Limits) -> Vec<Part> {
    let mut recovery = Recovery::new(stream, *limits);
    let mut parts = Vec::new();
    loop {
        let part = loop {
            // Not `insist`, which cannot give what is borrowed.
            match recovery.next_part() {
                Err(StreamError::Io { .. }) => {}
                Err(error) => panic!("{error}"),
                Ok(None) => return parts,
                Ok(Some(Recovered::Packet(packet))) => {
                    break Part::Packet(packet.offset(), packet.as_bytes().to_vec());
                }
                Ok(Some(Recovered::Damage(damage))) => break Part::Damage(damage),
            }
        };
        parts.push(part);
    }
}

fn limits() -> Limits {
    Limits::default()
}
