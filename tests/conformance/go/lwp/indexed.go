package lwp

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// What an index and its stream have to do with each other (section 14.4).

// Extend adds the sound packets of a stream behind those that the index has.
func (x Index) Extend(stream []byte, limits Limits) Index {
	for _, part := range recoverFrom(stream, int(min(x.end(), uint64(len(stream)))), limits) {
		if part.Damage == nil {
			x = append(x, entryOf(part.Begin, stream[part.Begin:part.End]))
		}
	}
	return x
}

// entryOf is what an index says of a sound packet.
func entryOf(at int, packet []byte) IndexedPacket {
	preamble, err := readPreamble(packet)
	if err != nil { // it is sound
		panic(err)
	}
	entry := IndexedPacket{
		Offset:   uint64(at),
		Rest:     preamble.length,
		Checksum: binary.LittleEndian.Uint32(packet[len(packet)-checksumBytes:]),
		Flags:    preamble.flags,
	}
	copy(entry.ID[:entry.shown()], packet[preamble.end:])
	return entry
}

// Check is for taking up an index: whether its last packet lies where it says, by what frames it. An
// error is always an [*Error], whose offset counts from the start of the stream.
func (x Index) Check(stream []byte) error {
	if len(x) == 0 {
		return nil
	}
	last := &x[len(x)-1]
	packet := last.in(stream)
	if !last.frames(packet) {
		return last.stale("its preamble", "others")
	}
	at := int(last.total()) - checksumBytes
	expected := fmt.Sprintf("checksum %08X", last.Checksum)
	if len(packet) < at+checksumBytes {
		return refuse(IndexStale, int(last.Offset)+at, expected, "the end")
	}
	if found := binary.LittleEndian.Uint32(packet[at:]); found != last.Checksum {
		return refuse(IndexStale, int(last.Offset)+at, expected, "%08X", found)
	}
	return nil
}

// Read gives the packet of an entry. An error is always an [*Error], whose offset counts from the start
// of the stream.
func (e *IndexedPacket) Read(stream []byte, limits Limits) ([]byte, error) {
	if e.total() > limits.TotalBytes {
		return nil, refuse(LimitTotalBytes, int(e.Offset), fmt.Sprintf("at most %d bytes", limits.TotalBytes), "%d", e.total())
	}
	bytes := e.in(stream)
	if !e.frames(bytes) {
		return nil, e.stale("its preamble", "another")
	}
	packet, err := sound(bytes, limits)
	if err != nil {
		var finding *Error
		if errors.As(err, &finding) {
			finding.Offset += int(e.Offset) // where the packet begins
		}
		return nil, err
	}
	if found := entryOf(int(e.Offset), packet); found != *e {
		return nil, e.stale("its checksum and id", "%+v", found)
	}
	return packet, nil
}

// in is what the stream has in the place of the packet.
func (e *IndexedPacket) in(stream []byte) []byte {
	length := uint64(len(stream))
	return stream[min(e.Offset, length):min(e.end(), length)]
}

// frames says whether these bytes begin with the preamble of the packet, in whatever minor version.
func (e *IndexedPacket) frames(bytes []byte) bool {
	preamble, err := readPreamble(bytes)
	return err == nil && preamble.flags == e.Flags && preamble.length == e.Rest
}

func (e *IndexedPacket) stale(expected, found string, args ...any) error {
	return refuse(IndexStale, int(e.Offset), expected, found, args...)
}
