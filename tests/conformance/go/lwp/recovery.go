package lwp

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// Part is a sound packet of a stream or a damage: bytes that are no part of one (section 14.2).
type Part struct {
	Begin, End int
	// Damage is nil for a packet.
	Damage *Damage
}

// Damage says what is wrong where a packet should begin.
type Damage struct {
	// Err has the finding, whose offset counts from the beginning of the part.
	Err *Error
	// Torn says that the stream ends inside the packet that begins here: what a crash leaves.
	Torn bool
}

// Recover finds everything that is sound in a stream. It takes time in proportion to the length of the
// stream, whatever is in it.
func Recover(stream []byte, limits Limits) []Part {
	return recoverFrom(stream, 0, limits)
}

func recoverFrom(stream []byte, at int, limits Limits) []Part {
	var parts []Part
	var search *search
	for at < len(stream) {
		packet, err := sound(stream[at:], limits)
		part := Part{Begin: at, End: at + len(packet)}
		if err != nil {
			if search == nil {
				search = newSearch(stream, limits)
			}
			part.End = search.next(at + 1)
			part.Damage = &Damage{Torn: part.End == len(stream) && errors.Is(err, PacketTruncated)}
			errors.As(err, &part.Damage.Err)
		}
		parts = append(parts, part)
		at = part.End
	}
	return parts
}

// search finds the next sound packet.
type search struct {
	stream []byte
	ranges *ranges
	limits Limits
}

func newSearch(stream []byte, limits Limits) *search {
	return &search{stream, newRanges(stream), limits}
}

// next is the first place from at on where a sound packet begins, or the end of the stream.
func (s *search) next(at int) int {
	for {
		distance := bytes.Index(s.stream[at:], []byte(magic))
		if distance < 0 {
			return len(s.stream)
		}
		at += distance
		if s.soundAt(at) {
			return at
		}
		at++
	}
}

// soundAt says whether a sound packet begins here, without summing what it claims to be.
func (s *search) soundAt(at int) bool {
	total, err := frameLength(s.stream[at:], s.limits)
	if err != nil || total > len(s.stream)-at {
		return false
	}
	end := at + total - checksumBytes
	return s.ranges.checksum(at, end) == binary.LittleEndian.Uint32(s.stream[end:])
}
