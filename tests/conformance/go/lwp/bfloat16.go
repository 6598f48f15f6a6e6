package lwp

import (
	"encoding/binary"
	"math"
)

// bfloat16FromBytes reads the upper 2 bytes of a binary32.
func bfloat16FromBytes(b []byte) float32 {
	return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16)
}
