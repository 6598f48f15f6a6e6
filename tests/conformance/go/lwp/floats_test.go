package lwp

import "testing"

func TestFloatsAreFinite(t *testing.T) {
	for _, c := range []struct {
		name   string
		body   []byte
		offset int // from the payload
	}{
		{"f32 infinity", []byte{byte(F32), 0, 2, 0, 0, 0, 0, 0, 0, 0x80, 0x7F}, 4},
		{"f32 NaN", []byte{byte(F32), 0, 1, 1, 0, 0x80, 0xFF}, 0},
		{"f16 infinity", []byte{byte(F16), 0, 2, 0, 0, 0, 0xFC}, 2},
		{"f16 NaN", []byte{byte(F16), 0, 1, 1, 0x7C}, 0},
		{"bf16 infinity", []byte{byte(BF16), 0, 3, 0, 0, 0, 0, 0x80, 0xFF}, 4},
		{"bf16 NaN", []byte{byte(BF16), 0, 1, 0x81, 0x7F}, 0},
		{"fp8 NaN", []byte{byte(FP8), 0, 2, 0x7E, 0x7F}, 1},
		{"fp8 negative NaN", []byte{byte(FP8), 0, 1, 0xFF}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(withLatents(c.body...), RecommendedLimits())
			refused(t, err, LatentsValue, bodyAt+3+c.offset)
		})
	}
}
