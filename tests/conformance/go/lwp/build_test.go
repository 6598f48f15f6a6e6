package lwp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"
)

// framed puts a preamble before a header and sections, and their checksum behind them.
func framed(flags byte, content []byte) []byte {
	packet := append([]byte(magic), major, 0, flags)
	packet = binary.AppendUvarint(packet, uint64(len(content)+checksumBytes))
	return sealed(append(packet, content...))
}

// sealed appends the checksum.
func sealed(content []byte) []byte {
	return binary.LittleEndian.AppendUint32(content, crc32.Checksum(content, castagnoli))
}

// smallHeader is a header with the shortest names: from "a" to anyone in the space "s".
func smallHeader() []byte {
	header := make([]byte, 16)
	header = append(header, bytes.Repeat([]byte{0x11}, 16)...)
	header = append(header, 1, 'a', 0, receiverAnyone)
	header = append(header, bytes.Repeat([]byte{0x22}, 16)...)
	return append(header, 1, 's')
}

// sectionBytes is a section as it stands in a packet.
func sectionBytes(kind uint64, critical bool, body []byte) []byte {
	tag := kind << 1
	if critical {
		tag |= 1
	}
	s := binary.AppendUvarint(nil, tag)
	s = binary.AppendUvarint(s, uint64(len(body)))
	return append(s, body...)
}

// oneNumber is the body of the smallest latent section: one f32.
func oneNumber() []byte { return []byte{byte(F32), 0, 1, 0, 0, 0x80, 0x3F} }

// small is a packet with the small header and the given sections.
func small(sections ...[]byte) []byte {
	return framed(0, append(smallHeader(), bytes.Join(sections, nil)...))
}

// withLatents is a packet with this body as its only section.
func withLatents(body ...byte) []byte { return small(sectionBytes(typeLatents, true, body)) }

// read decodes a packet and its first tensor.
func read(packet []byte, limits Limits) (Values, error) {
	decoded, err := Decode(packet, limits)
	if err != nil {
		return Values{}, err
	}
	return decoded.Latents[0].Values(limits, Resources{})
}

// refused fails the test unless the error is this finding at this offset.
func refused(t *testing.T, err error, id ID, offset int) {
	t.Helper()
	var refusal *Error
	if !errors.As(err, &refusal) {
		t.Fatalf("expected %s, found %v", id, err)
	}
	if refusal.ID != id || refusal.Offset != offset {
		t.Errorf("expected %s at byte %d, found: %v", id, offset, refusal)
	}
}

// bodyAt is where the body of a packet made by withLatents begins.
var bodyAt = len(magic) + 4 + len(smallHeader()) + 2
