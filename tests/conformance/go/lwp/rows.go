package lwp

import (
	"crypto/sha256"
	"slices"

	"lukechampine.com/blake3"
)

// link is a hash of a row and of all rows after it (section 13.1.2).
type link [32]byte

// rows are those of a stored payload by which a packet is cut.
type rows struct {
	// shared has the scales and the zero points that belong to no row.
	shared []byte
	// planes have what rows have of their own: scales, zero points, codes. Each is as long for every row.
	planes [][]byte
	count  uint32
}

// cutRows is how many rows latents can be cut by: what the first extent says, and 1 for one axis.
func (l *Latents) cutRows() uint32 {
	if len(l.Shape) == 1 {
		return 1
	}
	return l.Shape[0]
}

// splitRows takes a stored payload apart.
func (l *Latents) splitRows() rows {
	split := rows{count: l.cutRows()}
	if l.Scales == nil {
		split.planes = [][]byte{l.payload}
		return split
	}
	blocks := l.blocks()
	scales := int(blocks.count) * l.Scales.width().size
	codes := scales
	if l.Scales.Asymmetric {
		codes += int(blocks.count)
	}
	if blocks.within {
		split.planes = [][]byte{l.payload[:scales], l.payload[scales:codes], l.payload[codes:]}
	} else {
		split.shared, split.planes = l.payload[:codes], [][]byte{l.payload[codes:]}
	}
	return split
}

// row has the bytes of one row as they are hashed.
func (r *rows) row(i int) []byte {
	var row []byte
	for _, plane := range r.planes {
		length := len(plane) / int(r.count)
		row = append(row, plane[i*length:(i+1)*length]...)
	}
	return row
}

// first is the link of the first row, where what follows the last one has a link already.
func (r *rows) first(after link, algorithm SealAlgorithm) link {
	for i := int(r.count) - 1; i >= 0; i-- {
		after = algorithm.hash(slices.Concat([]byte("latentwire:rows1"), r.row(i), after[:]))
	}
	return after
}

// hash is the one that belongs to an algorithm. It has no key.
func (a SealAlgorithm) hash(bytes []byte) [32]byte {
	if a == KeyedBLAKE3 {
		return blake3.Sum256(bytes)
	}
	return sha256.Sum256(bytes)
}
