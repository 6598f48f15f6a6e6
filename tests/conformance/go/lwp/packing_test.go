package lwp

import (
	"fmt"
	"slices"
	"testing"
)

// Bit by bit, as the specification puts it.
func TestPacking(t *testing.T) {
	for bits := 1; bits <= 16; bits++ {
		t.Run(fmt.Sprintf("%d bits", bits), func(t *testing.T) {
			want := make([]uint16, 11)
			row := make([]byte, packedRow(uint64(len(want)), bits))
			for i := range want {
				want[i] = uint16(i*0x9E37+i) & (1<<bits - 1)
				for bit := range bits {
					place := i*bits + bit
					row[place/8] |= byte(want[i]>>bit&1) << (place % 8)
				}
			}
			found := make([]uint16, len(want))
			unpack(found, row, bits)
			if !slices.Equal(found, want) {
				t.Errorf("expected %v, found %v", want, found)
			}
			packed := make([]byte, len(row))
			if pack(packed, want, bits); !slices.Equal(packed, row) {
				t.Errorf("expected % X, packed % X", row, packed)
			}
		})
	}
}

func TestPadding(t *testing.T) {
	r := raw{at: 100}
	for codes := 1; codes <= 8; codes++ {
		row := []byte{0xFF >> (8 - codes)}
		if err := checkPadding(r, 7, row, codes, 1); err != nil {
			t.Errorf("%d codes of 1 bit: %v", codes, err)
		}
		if codes < 8 {
			row[0] |= 0x80
			refused(t, checkPadding(r, 7, row, codes, 1), LatentsPadding, 107)
		}
	}
}
