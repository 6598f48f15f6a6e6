package lwp

import (
	"math"
	"slices"
	"testing"
)

func TestQuantized(t *testing.T) {
	const tiny = 0x1p-126
	for _, c := range []struct {
		name string
		body string // kind, form, extents, group, scales, zero points, codes
		want []float32
	}{
		{"int8 by row", "\x04\x01\x02\x02" + "\x00\x3C\x00\x04" + "\x7F\xFD\x81\x00",
			[]float32{127, -3, -127 * 0x1p-14, 0}},
		{"int8 under 0", "\x04\x01\x01\x02" + "\x00\x00" + "\x00\x00", []float32{0, 0}},
		{"int8 under the smallest and the largest scale",
			"\x04\x11\x02\x02" + "\x00\x00\x80\x00\x00\x00\x01\x7C" + "\x01\x7F\x7F\x00",
			[]float32{tiny, 127 * tiny, 127 * math.Float32frombits(0x7C01_0000), 0}},
		{"int8 by tensor, which may lack its largest level", "\x04\x05\x02\x02" + "\x00\x3C" + "\x01\x02\x03\x04",
			[]float32{1, 2, 3, 4}},
		{"int8 by channel", "\x04\x09\x02\x02" + "\x00\x3C\x00\x40" + "\x01\x02\x03\x04", []float32{1, 4, 3, 8}},
		{"int8 by group", "\x04\x0D\x01\x04\x02" + "\x00\x3C\x00\x40" + "\x7F\x02\x03\x7F", []float32{127, 2, 6, 254}},
		{"int8 with zero points", "\x04\x21\x02\x02" + "\x00\x3C\x00\x40" + "\x00\xFF" + "\x00\xFF\xFF\x00",
			[]float32{0, 255, 0, -510}},
		{"int4 with padding", "\x06\x01\x02\x03" + "\x00\x3C\x00\x00" + "\xE0\x08" + "\x77\x07",
			[]float32{-7, 7, 1, 0, 0, 0}},
		{"int4 with a zero point", "\x06\x20\x02" + "\x00\x3C" + "\x0F" + "\xF0", []float32{-15, 0}},
		{"int2", "\x07\x00\x05" + "\x00\x3C" + "\xE4\x03", []float32{-3, -1, 1, 3, 3}},
		{"int2 under 0", "\x07\x00\x02" + "\x00\x00" + "\x0A", []float32{0, 0}},
		{"int2 with a zero point under 0", "\x07\x20\x02" + "\x00\x00" + "\x00" + "\x00", []float32{0, 0}},
		{"sign", "\x08\x00\x09" + "\x00\x3C" + "\x55\x01", []float32{1, -1, 1, -1, 1, -1, 1, -1, 1}},
		{"sign under 0", "\x08\x00\x02" + "\x00\x00" + "\x03", []float32{0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := read(withLatents([]byte(c.body)...), RecommendedLimits())
			if err != nil || !slices.Equal(found.Numbers, c.want) {
				t.Fatalf("expected %v, found %v, %v", c.want, found.Numbers, err)
			}
			for i, number := range found.Numbers {
				if number == 0 && math.Signbit(float64(number)) {
					t.Errorf("number %d is -0", i)
				}
			}
		})
	}
}

func TestQuantizedRefusals(t *testing.T) {
	const one = "\x00\x3C" // 1 in f16
	for _, c := range []struct {
		name   string
		body   string
		id     ID
		offset int
	}{
		{"narrow -0", "\x04\x00\x01\x00\x80\x00", LatentsScale, 3},
		{"narrow negative", "\x04\x00\x01\x00\xBC\x7F", LatentsScale, 3},
		{"narrow subnormal", "\x04\x00\x01\xFF\x03\x7F", LatentsScale, 3},
		{"narrow infinity", "\x04\x00\x01\x00\x7C\x7F", LatentsScale, 3},
		{"narrow NaN", "\x04\x00\x01\x00\x7E\x7F", LatentsScale, 3},
		{"wide -0", "\x04\x10\x01\x00\x00\x00\x80\x00", LatentsScale, 3},
		{"wide subnormal", "\x04\x10\x01\x00\x00\x40\x00\x7F", LatentsScale, 3},
		{"wide of 12 bits", "\x04\x10\x01\x00\x10\x80\x00\x7F", LatentsScale, 3},
		{"wide NaN", "\x04\x10\x01\x00\x00\xC0\x7F\x7F", LatentsScale, 3},
		{"infinite 127-fold", "\x04\x10\x01\x00\x20\x01\x7C\x7F", LatentsScale, 3},
		{"infinite 255-fold", "\x04\x30\x01\x00\xA0\x80\x7B\x00\x00", LatentsScale, 3},
		{"wide without need", "\x04\x11\x02\x01\x00\x00\x00\x00\x00\x00\x80\x3F\x00\x7F", LatentsScale, 4},
		{"every scale before zero points", "\x04\x21\x02\x01" + one + "\x00\x80" + "\x00\x01" + "\x00\x00", LatentsScale, 6},
		{"a zero point under 0", "\x04\x21\x02\x01" + one + "\x00\x00" + "\xFF\x01" + "\x00\x00", LatentsZeroPoint, 9},
		{"a zero point beyond the codes", "\x06\x20\x01" + one + "\x10" + "\x1F", LatentsZeroPoint, 5},
		{"every scale before codes", "\x04\x01\x02\x01" + one + "\x00\x80" + "\x80\x00", LatentsScale, 6},
		{"codes before the width", "\x04\x10\x01\x00\x00\x80\x3F\x01", LatentsQuantum, 7},
		{"padding before the codes of its row", "\x06\x00\x01" + one + "\x1F", LatentsPadding, 5},
		{"codes of a row before the padding of the next", "\x06\x01\x02\x01" + one + one + "\x0F\x1E", LatentsQuantum, 8},
		{"-128, at the first code of its block", "\x04\x00\x02" + one + "\x7F\x80", LatentsQuantum, 5},
		{"-128 by tensor", "\x04\x04\x02" + one + "\x00\x80", LatentsQuantum, 5},
		{"15 in int4", "\x06\x00\x02" + one + "\xFE", LatentsQuantum, 5},
		{"no largest level in a row", "\x04\x00\x02" + one + "\x7E\x82", LatentsQuantum, 5},
		{"no largest level in a group", "\x04\x0C\x04\x02" + one + one + "\x7F\x00\x7E\x00", LatentsQuantum, 10},
		{"no largest level in int2", "\x07\x00\x02" + one + "\x09", LatentsQuantum, 5},
		{"a code under 0", "\x04\x00\x02\x00\x00\x00\x01", LatentsQuantum, 5},
		{"a code under 0 in int2", "\x07\x00\x02\x00\x00\x0B", LatentsQuantum, 5},
		{"a code under 0 in sign", "\x08\x00\x02\x00\x00\x01", LatentsQuantum, 5},
		{"a code under 0 with a zero point", "\x07\x20\x02\x00\x00\x00\x04", LatentsQuantum, 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(withLatents([]byte(c.body)...), RecommendedLimits())
			refused(t, err, c.id, bodyAt+c.offset)
		})
	}
}
