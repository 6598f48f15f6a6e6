package lwp

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// restoreZstd decompresses the frame that fills a payload (section 6.4); whatever is wrong with it is
// an error by the given id at the start of the payload. A dictionary may be nil. The decompressor would
// pass over a second frame or a skippable one, so the frame is measured first.
func restoreZstd(payload []byte, at int, length uint64, id ID, dictionary []byte) ([]byte, error) {
	frame, err := measureFrame(payload, at, id)
	if err != nil {
		return nil, err
	}
	if frame.size != len(payload) {
		return nil, refuse(id, at, "a zstd frame that fills the payload", "%d more bytes", len(payload)-frame.size)
	}
	if frame.contentSize != length {
		return nil, refuse(id, at, fmt.Sprintf("a zstd frame that declares %d bytes", length), "%d", frame.contentSize)
	}
	if frame.window > maxWindow {
		return nil, refuse(id, at, fmt.Sprintf("a zstd window of at most %d bytes", maxWindow), "%d", frame.window)
	}
	own := dictionaryID(dictionary)
	if frame.dictionary != 0 && frame.dictionary != own {
		return nil, refuse(id, at, "a zstd frame that names no dictionary but its own", "%d", frame.dictionary)
	}
	if own != 0 {
		payload = withDictionary(payload, frame, own)
	}
	decoder, err := zstdDecoder(dictionary)
	if err != nil {
		return nil, refuse(id, at, "a dictionary for zstd", "%v", err)
	}
	defer decoder.Close()
	content, err := decoder.DecodeAll(payload, make([]byte, 0, length))
	if err != nil {
		return nil, refuse(id, at, "a zstd frame that can be decompressed", "%v", err)
	}
	if uint64(len(content)) != length {
		return nil, refuse(id, at, fmt.Sprintf("%d bytes of content", length), "%d", len(content))
	}
	return content, nil
}

// zstdMagic begins a frame, as a little-endian number.
const zstdMagic = 0xFD2FB528

// maxWindow is the largest window of a frame.
const maxWindow = 1 << 18

// zstdFrame is what the outside of a frame says (RFC 8878, section 3.1.1).
type zstdFrame struct {
	size        int // bytes from its magic through its last block and checksum
	contentSize uint64
	window      uint64
	dictionary  uint64
	// The field with the id of the dictionary, which may have no bytes.
	dictionaryAt, dictionaryBytes int
	hasChecksum                   bool
}

// measureFrame walks over the frame that begins a payload without decompressing it.
func measureFrame(payload []byte, at int, id ID) (zstdFrame, error) {
	c := &cursor{bytes: payload, base: at, short: id}
	frame, err := readFrame(c)
	var refusal *Error
	if errors.As(err, &refusal) {
		refusal.Offset = at // the frame is one field
	}
	return frame, err
}

func readFrame(c *cursor) (zstdFrame, error) {
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

// declaredSize gives the content size that the frame at the start of a payload declares.
func declaredSize(payload []byte, at int, id ID) (uint64, error) {
	frame, err := readFrameHeader(&cursor{bytes: payload, base: at, short: id})
	var refusal *Error
	if errors.As(err, &refusal) {
		refusal.Offset = at
	}
	return frame.contentSize, err
}

func readFrameHeader(c *cursor) (zstdFrame, error) {
	at := c.offset()
	magic, err := c.littleEndian("zstd magic", 4)
	if err != nil {
		return zstdFrame{}, err
	}
	if magic != zstdMagic {
		return zstdFrame{}, refuse(c.short, at, fmt.Sprintf("zstd magic %08X", uint32(zstdMagic)),
			"%08X", magic)
	}
	at = c.offset()
	descriptor, err := c.byte("zstd frame header descriptor")
	if err != nil {
		return zstdFrame{}, err
	}
	if descriptor&0x08 != 0 {
		return zstdFrame{}, refuse(c.short, at, "a zstd frame without the reserved bit", "%08b", descriptor)
	}
	frame := zstdFrame{hasChecksum: descriptor&0x04 != 0}
	singleSegment := descriptor&0x20 != 0
	if !singleSegment {
		window, err := c.byte("zstd window descriptor")
		if err != nil {
			return zstdFrame{}, err
		}
		base := uint64(1) << (10 + window>>3)
		frame.window = base + base/8*uint64(window&7)
	}
	frame.dictionaryAt, frame.dictionaryBytes = c.next, [4]int{0, 1, 2, 4}[descriptor&0x03]
	if frame.dictionary, err = c.littleEndian("zstd dictionary id", uint64(frame.dictionaryBytes)); err != nil {
		return zstdFrame{}, err
	}
	size := [4]uint64{0, 2, 4, 8}[descriptor>>6]
	if size == 0 && singleSegment {
		size = 1
	}
	if size == 0 {
		return zstdFrame{}, refuse(c.short, at, "a zstd frame that declares its content size", "none")
	}
	if frame.contentSize, err = c.littleEndian("zstd content size", size); err != nil {
		return zstdFrame{}, err
	}
	if size == 2 { // smaller contents have the size of one byte
		frame.contentSize += 256
	}
	if singleSegment {
		frame.window = frame.contentSize
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
			return refuse(c.short, at, "a zstd block of a known type", "the reserved one")
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
