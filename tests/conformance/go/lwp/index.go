package lwp

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"strings"
)

// indexMagic begins every index, and ends in its version.
const (
	indexMagic   = "\x89LWI"
	indexVersion = 1
)

// Lengths of the parts of an index.
const (
	indexFrontBytes = len(indexMagic) + 1
	entryBytes      = 33
)

// IndexedPacket is what an index says of a packet (section 14.4).
type IndexedPacket struct {
	Offset   uint64
	Rest     uint32 // bytes after the preamble
	Checksum uint32
	Flags    byte
	ID       [16]byte
}

// Index says where every sound packet of a stream lies.
type Index []IndexedPacket

// ParseIndex reads an index. An error is always an [*Error], whose offset counts from the start of the
// index.
func ParseIndex(index []byte) (Index, error) {
	magic := index[:min(len(index), len(indexMagic))]
	if string(magic) != indexMagic[:len(magic)] {
		return nil, refuse(IndexMagic, 0, fmt.Sprintf("% X", indexMagic), "% X", magic)
	}
	if len(index) > len(indexMagic) && index[len(indexMagic)] != indexVersion {
		return nil, refuse(IndexVersion, len(indexMagic), "version 1", "%d", index[len(indexMagic)])
	}
	length := len(index) - indexFrontBytes - checksumBytes
	if length < 0 || length%entryBytes != 0 {
		return nil, refuse(IndexLength, len(index), "9 bytes and 33 for each packet", "%d bytes", len(index))
	}
	content, written := index[:len(index)-checksumBytes], index[len(index)-checksumBytes:]
	if computed := crc32.Checksum(content, castagnoli); computed != binary.LittleEndian.Uint32(written) {
		return nil, refuse(IndexChecksum, len(content), fmt.Sprintf("CRC-32C %08X", computed), "% X", written)
	}
	var entries Index
	for at := indexFrontBytes; at < len(content); at += entryBytes {
		entry := readEntry(content[at : at+entryBytes])
		if rule := entry.breaks(entries.end()); rule != "" {
			return nil, refuse(IndexEntry, at, rule, "%+v", entry)
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

func readEntry(bytes []byte) IndexedPacket {
	entry := IndexedPacket{
		Offset:   binary.LittleEndian.Uint64(bytes),
		Rest:     binary.LittleEndian.Uint32(bytes[8:]),
		Checksum: binary.LittleEndian.Uint32(bytes[12:]),
		Flags:    bytes[16],
	}
	copy(entry.ID[:], bytes[17:])
	return entry
}

// breaks gives the rule that an entry behind packets that end here breaks.
func (e *IndexedPacket) breaks(end uint64) string {
	switch {
	case e.Offset < end:
		return "a packet that begins where the one before it ends, or after"
	case e.Offset > math.MaxUint64-e.total():
		return "a packet that ends before 2^64"
	case e.Rest < checksumBytes:
		return "a packet with room for its checksum"
	case strings.Trim(string(e.ID[e.shown():]), "\x00") != "":
		return "zeros where no id is shown"
	}
	return ""
}

// total is the length of the packet.
func (e *IndexedPacket) total() uint64 {
	length := binary.AppendUvarint(nil, uint64(e.Rest))
	return uint64(lengthAt+len(length)) + uint64(e.Rest)
}

// end is where the packet ends.
func (e *IndexedPacket) end() uint64 { return e.Offset + e.total() }

// shown is how many bytes of its id the packet shows.
func (e *IndexedPacket) shown() int {
	shown := map[byte]int{profileSelfContained: 16, profileCompact: 4}[e.Flags&profileBits]
	if uint64(e.Rest) < uint64(shown)+checksumBytes {
		return 0
	}
	return shown
}

// end is where the last packet ends.
func (x Index) end() uint64 {
	if len(x) == 0 {
		return 0
	}
	return x[len(x)-1].end()
}

// Bytes writes the index.
func (x Index) Bytes() []byte {
	bytes := append([]byte(indexMagic), indexVersion)
	for _, e := range x {
		bytes = binary.LittleEndian.AppendUint64(bytes, e.Offset)
		bytes = binary.LittleEndian.AppendUint32(bytes, e.Rest)
		bytes = binary.LittleEndian.AppendUint32(bytes, e.Checksum)
		bytes = append(append(bytes, e.Flags), e.ID[:]...)
	}
	return appendChecksum(bytes)
}
