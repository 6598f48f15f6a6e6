//! Indexes, and what a reader of their streams makes of each.

use std::io::Cursor;
use std::ops::Range;
use std::path::Path;

use latentwire::{Limits, StreamError, StreamIndex};
use serde_json::{Value, json};

use crate::bytes::{flip_last, summed};
use crate::{Failure, Files};

/// Where the fields of an entry stand.
const OFFSET: usize = 0;
const REST_LENGTH: usize = 8;
const CHECKSUM: usize = 12;
const FLAGS: usize = 16;
const ID: usize = 17;
const ENTRY: usize = 33;
/// Where the entries begin.
const ENTRIES: usize = 5;

struct Index {
    name: &'static str,
    bytes: Vec<u8>,
    /// Of which stream it is taken to be.
    stream: &'static str,
    refused: Option<&'static str>,
}

/// Every index, as the manifest describes it; `files` has the streams and the indexes that are theirs.
pub(crate) fn describe(files: &mut Files) -> Result<Vec<Value>, Failure> {
    let every = Base::of("every-profile", files)?;
    let mut indexes = malformed(&every);
    indexes.extend(lying(&every));
    indexes.extend(of_other_streams(&every, files)?);
    indexes.into_iter().map(|index| describe_index(index, files)).collect()
}

/// The bytes of a right index.
struct Base {
    stream: &'static str,
    bytes: Vec<u8>,
}

impl Base {
    fn of(stream: &'static str, files: &Files) -> Result<Self, Failure> {
        let name = format!("streams/{stream}.lwp.idx");
        let bytes = files.get(Path::new(&name)).cloned();
        Ok(Self { stream, bytes: bytes.ok_or_else(|| format!("there is no {name}"))? })
    }

    /// With other bytes in a range, and its checksum made right.
    fn with(&self, range: Range<usize>, bytes: &[u8]) -> Vec<u8> {
        let mut changed = self.bytes.clone();
        changed.splice(range, bytes.iter().copied());
        summed(&changed)
    }

    /// With other bytes in an entry.
    fn with_field(&self, entry: usize, at: usize, bytes: &[u8]) -> Vec<u8> {
        let at = ENTRIES + entry * ENTRY + at;
        self.with(at..at + bytes.len(), bytes)
    }

    fn with_flipped(&self, entry: usize, at: usize) -> Vec<u8> {
        let byte = self.bytes.get(ENTRIES + entry * ENTRY + at).copied().unwrap_or_default();
        self.with_field(entry, at, &[byte ^ 1])
    }

    /// The first entries only.
    fn first(&self, entries: usize) -> Vec<u8> {
        self.with(ENTRIES + entries * ENTRY..self.bytes.len() - 4, &[])
    }

    fn index(&self, name: &'static str, refused: &'static str, bytes: Vec<u8>) -> Index {
        Index { name, bytes, stream: self.stream, refused: Some(refused) }
    }
}

fn malformed(every: &Base) -> Vec<Index> {
    let end = every.bytes.len();
    let cut = |len: usize| every.bytes.get(..len).unwrap_or_default().to_vec();
    let mut flipped = every.bytes.clone();
    flip_last(&mut flipped);
    let (length, entry) = ("index.length", "index.entry");
    // The largest packet, at the place from which it would end at 2^64.
    let last_place = (u64::MAX - (7 + 5 + u64::from(u32::MAX)) + 1).to_le_bytes();
    let beyond = [&last_place[..], &[0xFF; 4], &[0; 4], &[3], &[0; 16]].concat();
    vec![
        every.index("other-magic", "index.magic", every.with(3..4, b"P")),
        every.index("other-version", "index.version", every.with(4..5, &[2])),
        every.index("empty", length, Vec::new()),
        every.index("cut-in-magic", length, cut(2)),
        every.index("cut-before-checksum", length, cut(8)),
        every.index("cut-in-an-entry", length, cut(end - 1)),
        every.index("trailing-byte", length, [&every.bytes[..], &[0]].concat()),
        every.index("flipped-bit", "index.checksum", flipped),
        every.index("overlap", entry, every.with_field(1, OFFSET, &[0; 8])),
        every.index("twice", entry, {
            let first = every.bytes.get(ENTRIES..ENTRIES + ENTRY).unwrap_or_default();
            every.with(ENTRIES..ENTRIES, first)
        }),
        every.index(
            "no-room-for-a-checksum",
            entry,
            every.with_field(0, REST_LENGTH, &[3, 0, 0, 0]),
        ),
        every.index("end-beyond-64-bits", entry, every.with(ENTRIES..end - 4, &beyond)),
        every.index("id-of-an-encrypted-packet", entry, every.with_field(2, ID, &[1])),
        every.index("id-too-long-for-a-compact-packet", entry, every.with_field(1, ID + 4, &[1])),
    ]
}

/// Well-formed, but the stream is another.
fn lying(every: &Base) -> Vec<Index> {
    let stale = "index.stale";
    let flipped = |entry, at| every.with_flipped(entry, at);
    let last = (every.bytes.len() - 9) / ENTRY - 1;
    // A packet that is larger than allowed: there is no need to look for it.
    let huge = [&[0; 8][..], &[0xFF; 4], &[0; 4], &[3], &[0; 16]].concat();
    // In front of the others there is nothing left.
    let shifted = every.bytes.get(ENTRIES..).map(|entries| {
        let (entries, _) = entries.as_chunks::<ENTRY>();
        let shift = |entry: &[u8; ENTRY]| {
            let (offset, rest) = entry.split_first_chunk().unwrap_or((&[0; 8], &[]));
            [&(u64::from_le_bytes(*offset) + 1).to_le_bytes()[..], rest].concat()
        };
        entries.iter().flat_map(shift).collect::<Vec<_>>()
    });
    let shifted = every.with(ENTRIES..every.bytes.len() - 4, &shifted.unwrap_or_default());
    vec![
        every.index("last-checksum", stale, flipped(last, CHECKSUM)),
        every.index("last-length", stale, flipped(last, REST_LENGTH)),
        every.index("last-flags", stale, flipped(last, FLAGS)),
        every.index("all-shifted", stale, shifted),
        every.index("first-checksum", stale, flipped(0, CHECKSUM)),
        every.index("first-flags", stale, every.with_field(0, FLAGS, &[0x80])),
        every.index("first-id", stale, flipped(0, ID)),
        every.index("first-length", stale, every.with_field(0, REST_LENGTH, &[20, 0, 0, 0])),
        every.index(
            "larger-than-allowed",
            stale,
            every.with(ENTRIES..every.bytes.len() - 4, &huge),
        ),
    ]
}

fn of_other_streams(every: &Base, files: &Files) -> Result<Vec<Index>, Failure> {
    let twice = Base::of("the-same-packet-twice", files)?;
    let none = Base::of("no-packet", files)?;
    let damaged = Base::of("damaged-in-the-middle", files)?;
    let fits = |name, stream, bytes| Index { name, bytes, stream, refused: None };
    let stale = |name, stream, bytes| Index { name, bytes, stream, refused: Some("index.stale") };
    // The stream as it was before a bit of its second packet was flipped: the last one is still there.
    let before = {
        let first = damaged.bytes.get(ENTRIES..ENTRIES + ENTRY).unwrap_or_default();
        let second = every.bytes.get(ENTRIES..ENTRIES + ENTRY).unwrap_or_default();
        let (_, rest) = second.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
        let offset = packet_len(first);
        let entry = [&offset.to_le_bytes()[..], rest].concat();
        damaged.with(ENTRIES + ENTRY..ENTRIES + ENTRY, &entry)
    };
    Ok(vec![
        fits("of-nothing-yet", every.stream, none.bytes),
        fits("before-an-append", every.stream, every.first(2)),
        fits("up-to-date", every.stream, every.bytes.clone()),
        fits("packet-left-out", every.stream, every.with(ENTRIES..ENTRIES + ENTRY, &[])),
        fits("before-a-torn-packet", "torn-in-header", every.first(1)),
        stale("stream-cut", "one-packet", every.bytes.clone()),
        stale("stream-emptied", "no-packet", twice.bytes),
        stale("last-packet-torn", "torn-in-checksum", every.first(2)),
        damaged.index("before-damage", "checksum.mismatch", before),
    ])
}

/// Bytes of the packet of an entry that is shorter than 128.
fn packet_len(entry: &[u8]) -> u64 {
    entry.get(REST_LENGTH).map_or(0, |&rest| 8 + u64::from(rest))
}

fn describe_index(index: Index, files: &mut Files) -> Result<Value, Failure> {
    let file = format!("indexes/{}.idx", index.name);
    let stream_file = format!("streams/{}.lwp", index.stream);
    let stream = files.get(Path::new(&stream_file)).cloned().unwrap_or_default();
    let found = read(&index.bytes, &stream);
    if found.as_ref().err().map(StreamError::id) != index.refused {
        return Err(format!("{file}: expected {:?}, found {found:?}", index.refused).into());
    }
    files.insert(file.clone().into(), index.bytes);
    let (extended, error) = match found {
        Ok(extended) => (Some(extended), None),
        Err(error) => (None, Some(error)),
    };
    let by_bytes = |bytes| {
        let own = [format!("{stream_file}.idx"), file.clone()];
        let name = own.into_iter().find(|name| files.get(Path::new(name)) == Some(&bytes));
        name.ok_or_else(|| {
            format!("{file}: neither that of the stream when extended, nor as it was")
        })
    };
    Ok(json!({
        "file": file,
        "stream": stream_file,
        "extended": extended.map(by_bytes).transpose()?,
        "error": error.as_ref().map(StreamError::id),
        "offset": error.as_ref().map(StreamError::offset),
    }))
}

/// Takes up the index of a stream, reads every packet by it, and extends it by those that follow.
fn read(bytes: &[u8], stream: &[u8]) -> Result<Vec<u8>, StreamError> {
    let (limits, mut buffer, mut stream) = (Limits::default(), Vec::new(), Cursor::new(stream));
    let mut index = StreamIndex::from_bytes(bytes)?;
    index.check(&mut stream)?;
    for entry in index.entries() {
        entry.read_from(&mut stream, &limits, &mut buffer)?;
    }
    index.update(&mut stream, &limits)?;
    Ok(index.to_bytes())
}
