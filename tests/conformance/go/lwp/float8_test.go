package lwp

import (
	"math"
	"testing"
)

// By the definition of E4M3: every one there is.
func TestFloat8(t *testing.T) {
	for bits := range 1 << 8 {
		exponent, fraction := bits>>3&0x0F, float64(bits&0x07)
		want := math.Ldexp(8+fraction, exponent-10)
		if exponent == 0 {
			want = math.Ldexp(fraction, -9)
		}
		if bits>>7 == 1 {
			want = math.Copysign(want, -1)
		}
		found := float8FromBytes([]byte{byte(bits)})
		if bits&0x7F == 0x7F {
			if found == found {
				t.Errorf("%02X: expected a NaN, found %v", bits, found)
			}
		} else if math.Float32bits(found) != math.Float32bits(float32(want)) {
			t.Errorf("%02X: expected %v, found %v", bits, want, found)
		}
	}
	if largest := float8FromBytes([]byte{0x7E}); largest != 448 {
		t.Errorf("expected 448 as the largest, found %v", largest)
	}
}
