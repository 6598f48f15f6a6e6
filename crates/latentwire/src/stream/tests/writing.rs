//! Appending, and appending again after a crash.

use std::io::Write;

use super::*;

#[test]
fn packets_are_appended_whole_and_counted() {
    let mut writer = PacketWriter::new(Vec::new());
    let mut index = StreamIndex::new();
    for bytes in three() {
        index.push(writer.append(&bytes).unwrap()).unwrap();
    }
    writer.flush().unwrap();
    let stream = three().concat();
    assert_eq!((writer.packets(), writer.offset()), (3, stream.len() as u64));
    assert_eq!(writer.get_ref(), &stream);
    assert_eq!(StreamIndex::scan(&*stream, &limits()).unwrap().0, index);
}

#[test]
fn what_is_not_one_packet_is_refused_before_anything_is_written() {
    let mut writer = PacketWriter::resume(Vec::new(), 100);
    let good = packet(1, 4);
    let mut flipped = good.clone();
    flipped[20] ^= 1;
    let cases: [(&[u8], &str); 5] = [
        (b"", "packet.truncated"),
        (b"text", "preamble.magic"),
        (&good[..good.len() - 1], "packet.truncated"),
        (&three().concat(), "packet.trailing_bytes"),
        (&flipped, "checksum.mismatch"),
    ];
    for (bytes, id) in cases {
        assert_eq!(writer.append(bytes).unwrap_err().id(), id);
    }
    assert!(writer.get_ref().is_empty() && !writer.is_torn());
    assert_eq!(writer.append(&good).unwrap().offset(), 100);
}

/// A writer is not held to the limits of a reader.
#[test]
fn a_packet_of_any_size_is_appended() {
    let large = packet(1, 17 << 20);
    let mut writer = PacketWriter::new(io::sink());
    assert_eq!(writer.append(&large).unwrap().len(), large.len() as u64);
}

/// A disk with so much room, which takes a few bytes at a time.
struct Disk {
    bytes: Vec<u8>,
    room: usize,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = bytes.len().min(7).min(self.room - self.bytes.len());
        if len == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.bytes.extend(&bytes[..len]);
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn after_a_write_that_failed_half_way_nothing_is_appended() {
    let [a, b, _] = three();
    for room in a.len()..a.len() + b.len() {
        let mut writer = PacketWriter::new(Disk { bytes: Vec::new(), room });
        writer.append(&a).unwrap();
        let error = writer.append(&b).unwrap_err();
        assert_eq!((error.id(), error.offset()), ("stream.io", room as u64));
        assert_eq!(writer.is_torn(), room > a.len());
        assert_eq!((writer.packets(), writer.offset()), (1, a.len() as u64));
        let again = writer.append(&b).unwrap_err();
        let expected = if room > a.len() { "stream.torn" } else { "stream.io" };
        assert_eq!(again.id(), expected);
        // The owner makes room, cuts the stream where it is told to, and goes on.
        let mut disk = Disk { room: usize::MAX, ..writer.into_inner() };
        disk.bytes.truncate(a.len());
        let mut writer = PacketWriter::resume(disk, a.len() as u64);
        writer.append(&b).unwrap();
        assert_eq!(writer.into_inner().bytes, [&*a, &*b].concat());
    }
}

#[test]
fn a_crash_at_any_byte_loses_the_packet_that_was_being_written() {
    let [a, b, c] = three();
    let (whole, stream) = ([&*a, &*b].concat(), three().concat());
    for len in whole.len()..=stream.len() {
        let mut file = stream[..len].to_vec();
        let (index, tail) = StreamIndex::scan(&*file, &limits()).unwrap();
        let kept = if len == stream.len() { &stream } else { &whole };
        assert_eq!((index.end(), tail.end), (kept.len() as u64, kept.len() as u64));
        assert_eq!(tail.damage.is_some(), len > kept.len());
        assert!(tail.damage.is_none_or(|damage| damage.torn));
        file.truncate(tail.end as usize);
        let mut writer = PacketWriter::resume(file, tail.end);
        writer.append(&c).unwrap();
        let file = writer.into_inner();
        assert_eq!(file, [&kept[..], &c].concat());
        assert!(StreamIndex::scan(&*file, &limits()).unwrap().1.damage.is_none());
    }
}
