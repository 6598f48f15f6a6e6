package lwp

import (
	"slices"
	"testing"
)

// even gives so many symbols frequencies that differ as little as they can.
func even(symbols int) []uint16 {
	frequencies := slices.Repeat([]uint16{uint16(totalFrequency / symbols)}, symbols)
	frequencies[0] += uint16(totalFrequency % symbols)
	return frequencies
}

// likely gives nearly all of the frequency to one of the symbols.
func likely(symbols, symbol int) []uint16 {
	frequencies := slices.Repeat([]uint16{1}, symbols)
	frequencies[symbol] += uint16(totalFrequency - symbols)
	return frequencies
}

// tensorOf decodes a packet with this latent section whose raw payload is coded with the tables.
func tensorOf(t *testing.T, front, payload []byte) *Latents {
	t.Helper()
	front = slices.Concat(front, []byte(book))
	front[0] |= byte(Entropy) << stageShift
	decoded, err := Decode(withLatents(append(front, payload...)...), RecommendedLimits())
	if err != nil {
		t.Fatal(err)
	}
	return decoded.Latents[0]
}

// having are resources with these tables for every fingerprint that the tests use.
func having(tables *Tables) Resources {
	return Resources{Tables: map[Fingerprint]*Tables{Fingerprint([]byte(book)): tables}}
}

// What the coder restores is what the same tensor has stored.
func TestEntropy(t *testing.T) {
	const rows, row = 3, 67 // rows of 1, 2, 3 and 4 bits a code have padding
	long := []byte{0x80, 0x20}
	for _, c := range []struct {
		name    string
		front   []byte
		scales  []byte
		symbols int
		code    func(symbol int) uint16 // nil: the symbol
	}{
		{"int8", []byte{byte(Int8), 0x05, rows, row}, []byte{0, 0x3C}, 255,
			func(symbol int) uint16 { return uint16(uint8(symbol - 127)) }},
		{"int8 with zero points", []byte{byte(Int8), 0x25, rows, row}, []byte{0, 0x3C, 128}, 256, nil},
		{"int4", []byte{byte(Int4), 0x05, rows, row}, []byte{0, 0x3C}, 15, nil},
		{"int4 with zero points", []byte{byte(Int4), 0x25, rows, row}, []byte{0, 0x3C, 9}, 16, nil},
		{"int2", []byte{byte(Int2), 0x05, rows, row}, []byte{0, 0x3C}, 4, nil},
		{"sign in rank 1", []byte{byte(Sign), 0x04, row}, []byte{0, 0x3C}, 2, nil},
		{"codes", append([]byte{byte(Codes), 0x01, rows, row, 5}, book...), nil, 5, nil},
		{"sign on four states", append([]byte{byte(Sign), 0x05, rows}, long...), []byte{0, 0x3C}, 2, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			stored, err := Decode(withLatents(slices.Concat(c.front, c.scales, zeros(c.front, c.symbols))...),
				RecommendedLimits())
			if err != nil {
				t.Fatal(err)
			}
			plain := stored.Latents[0]
			length, count := int(plain.row()), int(plain.rows())
			tables := parsed(t, tablesFile(axisShared, likely(c.symbols, 1)))
			m := tables.model(0, 0)
			symbols := slices.Repeat([]int{1}, length*count)
			for i := 0; i < len(symbols); i += 29 {
				symbols[i] = some(len(symbols), c.symbols)[i]
			}
			content := slices.Clone(c.scales)
			for line := range slices.Chunk(symbols, length) {
				codes := make([]uint16, length)
				for i, symbol := range line {
					codes[i] = uint16(symbol)
					if c.code != nil {
						codes[i] = c.code(symbol)
					}
				}
				bits := plain.codec.coded(plain).bits
				packed := make([]byte, packedRow(uint64(length), bits))
				pack(packed, codes, bits)
				content = append(content, packed...)
			}
			plain.payload = content
			want, err := plain.Values(RecommendedLimits(), Resources{})
			if err != nil {
				t.Fatal(err)
			}
			written := writeStream(symbols, statesFor(uint64(len(symbols))), func(int) model { return m })
			coded := tensorOf(t, c.front, append(slices.Clone(c.scales), written...))
			found, err := coded.Values(RecommendedLimits(), having(tables))
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(found.Numbers, want.Numbers) || !slices.Equal(found.Indices, want.Indices) {
				t.Errorf("expected %v, found %v", want, found)
			}
		})
	}
}
