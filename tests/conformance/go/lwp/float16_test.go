package lwp

import (
	"encoding/binary"
	"math"
	"testing"
)

// By the definition of IEEE 754: every binary16 there is.
func TestFloat16(t *testing.T) {
	for bits := range 1 << 16 {
		exponent, fraction := bits>>10&0x1F, float64(bits&0x3FF)
		want := math.Ldexp(1024+fraction, exponent-25)
		switch {
		case exponent == 0:
			want = math.Ldexp(fraction, -24)
		case exponent == 0x1F && fraction == 0:
			want = math.Inf(1)
		case exponent == 0x1F:
			want = math.NaN()
		}
		if bits>>15 == 1 {
			want = math.Copysign(want, -1)
		}
		found := float16FromBytes(binary.LittleEndian.AppendUint16(nil, uint16(bits)))
		if math.IsNaN(want) {
			if found == found {
				t.Errorf("%04X: expected a NaN, found %v", bits, found)
			}
		} else if math.Float32bits(found) != math.Float32bits(float32(want)) {
			t.Errorf("%04X: expected %v, found %v", bits, want, found)
		}
	}
}
