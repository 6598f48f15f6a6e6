package lwp

import (
	"fmt"
	"math/bits"
)

// Sizes of a codebook.
const (
	smallestCodebook = 2
	largestCodebook  = 65536
)

// Codebook is what the indices of the encoding codes choose from (section 6.5).
type Codebook struct {
	// Size counts its entries.
	Size uint32
	// Fingerprint is nil in a compact packet: its route names the codebook.
	Fingerprint *Fingerprint
}

// readCodebook reads the size of a codebook and, in a self-contained packet, its fingerprint.
func readCodebook(c *cursor, selfContained bool) (*Codebook, error) {
	at := c.offset()
	size, err := c.varint("size of the codebook")
	if err != nil {
		return nil, err
	}
	if size < smallestCodebook || size > largestCodebook {
		return nil, refuse(LatentsCodebook, at,
			fmt.Sprintf("a codebook of %d to %d entries", smallestCodebook, largestCodebook), "%d", size)
	}
	codebook := &Codebook{Size: size}
	if selfContained {
		codebook.Fingerprint = new(Fingerprint)
		if err := c.copy("fingerprint of the codebook", codebook.Fingerprint[:]); err != nil {
			return nil, err
		}
	}
	return codebook, nil
}

// indexBits is what the largest index takes.
func (b *Codebook) indexBits() int { return bits.Len32(b.Size - 1) }

// indices is the codec of the encoding codes.
type indices struct{}

func (indices) scaled() bool { return false }

func (indices) zeroPoints() bool { return false }

func (indices) rawLength(l *Latents) uint64 {
	return saturatingMul(l.rows(), packedRow(l.row(), l.Codebook.indexBits()))
}

func (indices) coded(l *Latents) *coded {
	return &coded{symbols: int(l.Codebook.Size), bits: l.Codebook.indexBits()}
}

func (indices) decode(l *Latents, raw raw) (Values, error) {
	found := make([]uint16, l.elements())
	length, bits := int(l.row()), l.Codebook.indexBits()
	packed := int(packedRow(l.row(), bits))
	for row := range int(l.rows()) {
		at := row * packed
		bytes := raw.bytes[at : at+packed]
		codes := found[row*length : (row+1)*length]
		if err := checkPadding(raw, at, bytes, length, bits); err != nil {
			return Values{}, err
		}
		unpack(codes, bytes, bits)
		for i, code := range codes {
			if uint32(code) >= l.Codebook.Size {
				return Values{}, refuse(LatentsIndex, raw.offset(at+i*bits/8),
					fmt.Sprintf("an index below %d", l.Codebook.Size), "%d", code)
			}
		}
	}
	return Values{Indices: found}, nil
}
