package lwp

import (
	"fmt"
)

// magic begins every packet: a byte that no text begins with, then "LWP".
const magic = "\x89LWP"

// major is the version of the format that this package reads.
const major = 1

// lengthAt is where the length stands: behind magic, version and flags.
const lengthAt = len(magic) + 3

// Bits of the flags.
const (
	profileBits  = 0x03
	bareBit      = 0x04
	reservedBits = 0xF8
)

// Profiles of the header.
const (
	profileSelfContained = 0
	profileCompact       = 1
	profileEncrypted     = 2
)

// preamble is what stands before the header (section 3).
type preamble struct {
	minor    byte
	flags    byte
	flagsAt  int
	length   uint32 // bytes of the packet after this field
	lengthAt int
	end      int // where the header begins
}

// readPreamble is step 1 of section 8. Running out of bytes is packet.truncated here, since nothing
// says yet how many there should be.
func readPreamble(packet []byte) (preamble, error) {
	c := &cursor{bytes: packet, short: PacketTruncated}
	for i := range len(magic) {
		b, err := c.byte("magic")
		if err != nil {
			return preamble{}, err
		}
		if b != magic[i] {
			return preamble{}, refuse(PreambleMagic, i, fmt.Sprintf("%02X of the magic", magic[i]), "%02X", b)
		}
	}
	version, err := c.byte("major version")
	if err != nil {
		return preamble{}, err
	}
	if version != major {
		return preamble{}, refuse(PreambleMajor, c.offset()-1, fmt.Sprintf("major version %d", major),
			"%d", version)
	}
	var p preamble
	if p.minor, err = c.byte("minor version"); err != nil {
		return preamble{}, err
	}
	p.flagsAt = c.offset()
	if p.flags, err = c.byte("flags"); err != nil {
		return preamble{}, err
	}
	p.lengthAt = c.offset()
	if p.length, err = c.varint("length of the packet"); err != nil {
		return preamble{}, err
	}
	p.end = c.offset()
	return p, nil
}

// total is the length of the packet, held against the limit and against itself: the first half of
// step 2.
func (p *preamble) total(limits Limits) (uint64, error) {
	total := uint64(p.end) + uint64(p.length)
	if total > limits.TotalBytes {
		return 0, refuse(LimitTotalBytes, p.lengthAt, fmt.Sprintf("a packet of at most %d bytes", limits.TotalBytes),
			"%d", total)
	}
	if p.length < checksumBytes {
		return 0, refuse(PreambleLength, p.lengthAt, fmt.Sprintf("a length of at least %d", checksumBytes),
			"%d", p.length)
	}
	return total, nil
}

// checkLength is step 2: the length against the limit, against itself, against the bytes at hand.
func (p *preamble) checkLength(atHand int, limits Limits) error {
	total, err := p.total(limits)
	if err != nil {
		return err
	}
	if uint64(atHand) < total {
		return refuse(PacketTruncated, atHand, fmt.Sprintf("%d bytes", total), "%d", atHand)
	}
	if uint64(atHand) > total {
		return refuse(PacketTrailingBytes, int(total), fmt.Sprintf("%d bytes", total), "%d", atHand)
	}
	return nil
}

// checkFlags is step 4. It comes after the checksum: an unknown flag might have been a flipped bit.
func (p *preamble) checkFlags() error {
	if p.flags&reservedBits != 0 {
		return refuse(PreambleFlags, p.flagsAt, "flags with bits 3 to 7 clear", "%08b", p.flags)
	}
	switch profile := p.flags & profileBits; profile {
	case profileSelfContained:
		if p.bare() {
			return refuse(PreambleFlags, p.flagsAt, "a self-contained packet that is not bare", "%08b", p.flags)
		}
		return nil
	case profileCompact:
		return nil
	default: // encrypted, and there is no key; or reserved
		return refuse(PreambleProfile, p.flagsAt, "profile 0 or 1", "%d", profile)
	}
}

func (p *preamble) compact() bool { return p.flags&profileBits == profileCompact }

// bare says that the one tensor stands without the frame of a section.
func (p *preamble) bare() bool { return p.flags&bareBit != 0 }

// checkBare is the last of step 7: whether a compact packet is bare if and only if it can be.
func (p *preamble) checkBare(canBe bool) error {
	if p.compact() && p.bare() != canBe {
		return refuse(PreambleBare, p.flagsAt,
			"a compact packet that is bare if and only if it has a tensor without a name and nothing else",
			"%08b", p.flags)
	}
	return nil
}
