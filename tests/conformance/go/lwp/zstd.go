package lwp

import (
	"encoding/binary"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// restoreZstd is the zstd stage (section 6.4). Its decompressor would pass over a second frame or a
// skippable one, so the frame is measured first.
func restoreZstd(payload []byte, at int, length uint64) ([]byte, error) {
	frame, err := measureFrame(payload, at)
	if err != nil {
		return nil, err
	}
	if frame.size != len(payload) {
		return nil, refuse(LatentsCompressed, at+frame.size, "the end of the payload after the zstd frame",
			"%d more bytes", len(payload)-frame.size)
	}
	if !frame.hasContentSize || frame.contentSize != length {
		return nil, refuse(LatentsCompressed, at, fmt.Sprintf("a zstd frame that declares %d bytes", length),
			"%v", frame)
	}
	if frame.dictionary != 0 {
		return nil, refuse(LatentsCompressed, at, "a zstd frame without dictionary", "dictionary %d", frame.dictionary)
	}
	content, err := zstdDecoder().DecodeAll(payload, make([]byte, 0, length))
	if err != nil {
		return nil, refuse(LatentsCompressed, at, "a zstd frame that can be decompressed", "%v", err)
	}
	if uint64(len(content)) != length {
		return nil, refuse(LatentsCompressed, at, fmt.Sprintf("%d bytes of content", length), "%d", len(content))
	}
	return content, nil
}

// zstdDecoder is shared, as making one is dear. It writes only into the capacity that it is given.
var zstdDecoder = sync.OnceValue(func() *zstd.Decoder {
	decoder, err := zstd.NewReader(nil, zstd.WithDecodeAllCapLimit(true))
	if err != nil { // the options are constant: no packet has a say in this
		panic(err)
	}
	return decoder
})

// zstdMagic begins a frame, as a little-endian number.
const zstdMagic = 0xFD2FB528

// zstdFrame is what the outside of a frame says (RFC 8878, section 3.1.1).
type zstdFrame struct {
	size           int // bytes from its magic through its last block and checksum
	hasContentSize bool
	contentSize    uint64
	dictionary     uint64
	hasChecksum    bool
}

// String says what a frame declares.
func (f zstdFrame) String() string {
	if !f.hasContentSize {
		return "one without content size"
	}
	return fmt.Sprintf("one that declares %d", f.contentSize)
}

// measureFrame walks over the frame that begins a payload without decompressing it.
func measureFrame(payload []byte, at int) (zstdFrame, error) {
	c := &cursor{bytes: payload, base: at, short: LatentsCompressed}
	frame, err := readFrameHeader(c)
	if err != nil {
		return zstdFrame{}, err
	}
	if err := skipBlocks(c); err != nil {
		return zstdFrame{}, err
	}
	if frame.hasChecksum {
		if _, err := c.take("zstd checksum", 4); err != nil {
			return zstdFrame{}, err
		}
	}
	frame.size = c.next
	return frame, nil
}

func readFrameHeader(c *cursor) (zstdFrame, error) {
	at := c.offset()
	magic, err := c.littleEndian("zstd magic", 4)
	if err != nil {
		return zstdFrame{}, err
	}
	if magic != zstdMagic {
		return zstdFrame{}, refuse(LatentsCompressed, at, fmt.Sprintf("zstd magic %08X", uint32(zstdMagic)),
			"%08X", magic)
	}
	at = c.offset()
	descriptor, err := c.byte("zstd frame header descriptor")
	if err != nil {
		return zstdFrame{}, err
	}
	if descriptor&0x08 != 0 {
		return zstdFrame{}, refuse(LatentsCompressed, at, "a zstd frame without the reserved bit", "%08b", descriptor)
	}
	frame := zstdFrame{hasChecksum: descriptor&0x04 != 0}
	singleSegment := descriptor&0x20 != 0
	if !singleSegment {
		if _, err := c.byte("zstd window descriptor"); err != nil {
			return zstdFrame{}, err
		}
	}
	if frame.dictionary, err = c.littleEndian("zstd dictionary id", [4]uint64{0, 1, 2, 4}[descriptor&0x03]); err != nil {
		return zstdFrame{}, err
	}
	size := [4]uint64{0, 2, 4, 8}[descriptor>>6]
	if size == 0 && singleSegment {
		size = 1
	}
	frame.hasContentSize = size > 0
	if frame.contentSize, err = c.littleEndian("zstd content size", size); err != nil {
		return zstdFrame{}, err
	}
	if size == 2 { // smaller contents have the size of one byte
		frame.contentSize += 256
	}
	return frame, nil
}

// Types of zstd blocks.
const (
	blockRLE      = 1
	blockReserved = 3
)

// skipBlocks passes over the blocks of a frame up to the last one.
func skipBlocks(c *cursor) error {
	for {
		at := c.offset()
		header, err := c.littleEndian("zstd block header", 3)
		if err != nil {
			return err
		}
		last, kind, size := header&1 == 1, header>>1&3, header>>3
		if kind == blockReserved {
			return refuse(LatentsCompressed, at, "a zstd block of a known type", "the reserved one")
		}
		if kind == blockRLE { // the size is that of its content, one byte repeated
			size = 1
		}
		if _, err := c.take("zstd block", size); err != nil {
			return err
		}
		if last {
			return nil
		}
	}
}

// littleEndian reads a number of at most 8 bytes.
func (c *cursor) littleEndian(field string, size uint64) (uint64, error) {
	taken, err := c.take(field, size)
	if err != nil {
		return 0, err
	}
	var number [8]byte
	copy(number[:], taken)
	return binary.LittleEndian.Uint64(number[:]), nil
}
