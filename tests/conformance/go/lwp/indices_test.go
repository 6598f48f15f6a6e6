package lwp

import (
	"slices"
	"strings"
	"testing"
)

// book is a codebook's fingerprint.
var book = strings.Repeat("\x55", 16)

func TestIndices(t *testing.T) {
	for _, c := range []struct {
		name string
		body string // kind, form, extents, size, codebook, indices
		want []uint16
	}{
		{"of 1 bit", "\x09\x00\x03\x02" + book + "\x05", []uint16{1, 0, 1}},
		{"of 3 bits over a byte", "\x09\x00\x03\x05" + book + "\x1C\x01", []uint16{4, 3, 4}},
		{"of 16 bits", "\x09\x01\x02\x01\x80\x80\x04" + book + "\xFF\xFF\x00\x01", []uint16{65535, 256}},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, err := read(withLatents([]byte(c.body)...), RecommendedLimits())
			if err != nil || !slices.Equal(found.Indices, c.want) || found.Numbers != nil {
				t.Errorf("expected %v, found %v, %v", c.want, found, err)
			}
		})
	}
}

func TestIndicesRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		body   string
		id     ID
		offset int
	}{
		{"a codebook of 1", "\x09\x00\x03\x01" + book + "\x00", LatentsCodebook, 3},
		{"a codebook of 65537", "\x09\x00\x03\x81\x80\x04" + book + "\x00", LatentsCodebook, 3},
		{"no size", "\x09\x00\x03", FieldOverrun, 3},
		{"half a fingerprint", "\x09\x00\x03\x02" + book[:8], FieldOverrun, 4},
		{"an index beyond the codebook", "\x09\x00\x03\x05" + book + "\xEC\x01", LatentsIndex, 20},
		{"padding before an index", "\x09\x00\x01\x05" + book + "\x0D", LatentsPadding, 20},
		{"padding", "\x09\x00\x01\x05" + book + "\x0C", LatentsPadding, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(withLatents([]byte(c.body)...), RecommendedLimits())
			refused(t, err, c.id, bodyAt+c.offset)
		})
	}
}
