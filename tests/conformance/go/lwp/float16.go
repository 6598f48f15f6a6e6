package lwp

import (
	"encoding/binary"
	"math"
)

// float16FromBytes reads a binary16. Every one of them is a binary32 exactly.
func float16FromBytes(b []byte) float32 {
	bits := binary.LittleEndian.Uint16(b)
	sign := uint32(bits>>15) << 31
	exponent := uint32(bits>>10) & 0x1F
	fraction := uint32(bits) & 0x3FF
	switch exponent {
	case 0: // zero and subnormal: fraction x 2^-24
		magnitude := float32(fraction) * 0x1p-24
		return math.Float32frombits(sign | math.Float32bits(magnitude))
	case 0x1F: // infinity and NaN
		return math.Float32frombits(sign | 0x7F80_0000 | fraction<<13)
	default: // the bias of a binary32 is 127, that of a binary16 15
		return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
	}
}
