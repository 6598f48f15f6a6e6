package lwp

import "fmt"

// Granularity says which numbers share a scale: bits 2 and 3 of the form. Those that do are a block.
type Granularity byte

// The granularities of section 6.3.
const (
	ByRow     Granularity = 0
	ByTensor  Granularity = 1
	ByChannel Granularity = 2
	ByGroup   Granularity = 3
)

// String gives the name that the specification uses.
func (g Granularity) String() string {
	names := [...]string{ByRow: "row", ByTensor: "tensor", ByChannel: "channel", ByGroup: "group"}
	if int(g) < len(names) {
		return names[g]
	}
	return fmt.Sprintf("granularity %d", byte(g))
}

// blocks says how the blocks of a tensor lie in its rows. Within a row, neighbours of one block are
// a run.
type blocks struct {
	count uint64 // of the tensor
	run   uint64 // numbers in a run; divides a row
	// within says that no block reaches from one row into another.
	within bool
}

func (l *Latents) blocks() blocks {
	row, rows := l.row(), l.rows()
	switch l.Scales.Granularity {
	case ByTensor:
		return blocks{count: 1, run: row}
	case ByChannel:
		return blocks{count: row, run: 1}
	case ByGroup:
		group := uint64(l.Scales.Group)
		return blocks{count: saturatingMul(rows, row/group), run: group, within: true}
	default:
		return blocks{count: rows, run: row, within: true}
	}
}

// of gives the block of a run, both counted from 0, in a row that has so many runs.
func (b blocks) of(row, run, runs int) int {
	if b.within {
		return row*runs + run
	}
	return run
}
