package lwp

import (
	"encoding/binary"
	"math"
)

// float32FromBytes reads a binary32.
func float32FromBytes(b []byte) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(b))
}
