package lwp

import (
	"math"
	"math/bits"
)

// saturated stands for every size from there on. A few varints can stand for 2^128 numbers: sizes stop
// instead of wrapping around to a small one.
const saturated = math.MaxUint64

func saturatingMul(a, b uint64) uint64 {
	high, low := bits.Mul64(a, b)
	if high != 0 {
		return saturated
	}
	return low
}

func saturatingAdd(a, b uint64) uint64 {
	sum, carry := bits.Add64(a, b, 0)
	if carry != 0 {
		return saturated
	}
	return sum
}

// product is that of all extents, each at least 1, and 1 for none.
func product(extents []uint32) uint64 {
	total := uint64(1)
	for _, extent := range extents {
		total = saturatingMul(total, uint64(extent))
	}
	return total
}
