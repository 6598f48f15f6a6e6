package lwp

import "math"

// Scales says how the scales of a tensor are written: bits 2 to 5 of its form.
type Scales struct {
	Granularity Granularity
	// Group counts the neighbours that share a scale, for the granularity [ByGroup].
	Group uint32
	// Wide says that scales are written as f32 and not as f16.
	Wide bool
	// Asymmetric says that each scale has a zero point.
	Asymmetric bool
}

// width gives the way to write a scale.
func (s *Scales) width() scaleWidth {
	if s.Wide {
		return wideScales
	}
	return narrowScales
}

// scaleWidth is one of the two ways to write a scale.
type scaleWidth struct {
	name     string
	size     int
	smallest float32 // the smallest normal number
	value    func([]byte) float32
}

var (
	narrowScales = scaleWidth{name: "f16", size: 2, smallest: smallestFloat16, value: float16FromBytes}
	wideScales   = scaleWidth{name: "f32", size: 4, smallest: 0x1p-126, value: float32FromBytes}
)

// The normal numbers of an f16.
const (
	smallestFloat16 = 0x1p-14
	largestFloat16  = 65504
)

// writable says whether a writer may have written the scale in this width: +0, or a positive normal
// number of at most 11 significant bits whose product with the largest level is finite. The product
// is exact if it is finite.
func (w scaleWidth) writable(scale, largestLevel float32) bool {
	const beyond11Bits = 0x1FFF
	bits := math.Float32bits(scale)
	if bits == 0 {
		return true
	}
	// A NaN is not at least anything; the product of an infinity is infinite.
	return scale >= w.smallest && bits&beyond11Bits == 0 && !isInfOrNaN(largestLevel*scale)
}

// fitsFloat16 says whether an f16 could have held a writable scale.
func fitsFloat16(scale float32) bool {
	return scale == 0 || scale >= smallestFloat16 && scale <= largestFloat16
}
