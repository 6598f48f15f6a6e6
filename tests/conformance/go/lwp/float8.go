package lwp

import "math"

// float8FromBytes reads an E4M3 of the OCP 8-bit Floating Point Specification: bias 7, no infinities,
// and NaN where the other bits are all set.
func float8FromBytes(b []byte) float32 {
	sign := uint32(b[0]>>7) << 31
	exponent := uint32(b[0]>>3) & 0x0F
	fraction := uint32(b[0]) & 0x07
	switch {
	case exponent == 0: // zero and subnormal: fraction x 2^-9
		magnitude := float32(fraction) * 0x1p-9
		return math.Float32frombits(sign | math.Float32bits(magnitude))
	case exponent == 0x0F && fraction == 0x07:
		return float32(math.NaN())
	default: // the bias of a binary32 is 127
		return math.Float32frombits(sign | (exponent+127-7)<<23 | fraction<<20)
	}
}
