package lwp

import (
	"slices"
	"testing"
)

// likely gives nearly all of the frequency to one of the symbols.
func likely(symbols, symbol int) []uint16 {
	frequencies := slices.Repeat([]uint16{1}, symbols)
	frequencies[symbol] += uint16(totalFrequency - symbols)
	return frequencies
}

// entropyCoded is a packet with a tensor that has this front, but for its stage and its tables.
func entropyCoded(front, payload []byte) []byte {
	coded := slices.Concat(front, []byte(book), payload)
	coded[0] |= byte(Entropy) << stageShift
	return withLatents(coded...)
}

// readWith decodes the first tensor of a packet, whose tables are these.
func readWith(packet []byte, tables *Tables) (Values, error) {
	decoded, err := Decode(packet, RecommendedLimits())
	if err != nil {
		return Values{}, err
	}
	here := map[Fingerprint]*Tables{Fingerprint([]byte(book)): tables}
	return decoded.Latents[0].Values(RecommendedLimits(), Resources{Tables: here})
}

// packRows packs symbols as codes, each row from a new byte on.
func packRows(symbols []int, row, bits int, code func(symbol int) uint16) []byte {
	var packed []byte
	for line := range slices.Chunk(symbols, row) {
		codes := make([]uint16, row)
		for i, symbol := range line {
			codes[i] = code(symbol)
		}
		end := make([]byte, packedRow(uint64(row), bits))
		pack(end, codes, bits)
		packed = append(packed, end...)
	}
	return packed
}

// What the coder restores is what the same tensor has stored.
func TestEntropy(t *testing.T) {
	same := func(symbol int) uint16 { return uint16(symbol) }
	level := func(symbol int) uint16 { return uint16(uint8(symbol - 127)) }
	for _, c := range []struct {
		name      string
		front     string // kind, form, extents, size, codebook
		before    string // scale, zero point
		rows, row int
		symbols   int
		bits      int
		code      func(symbol int) uint16
	}{
		{"int8", "\x04\x05\x03\x43", "\x00\x3C", 3, 67, 255, 8, level},
		{"int8 with zero points", "\x04\x25\x03\x43", "\x00\x3C\x80", 3, 67, 256, 8, same},
		{"int4", "\x06\x05\x03\x43", "\x00\x3C", 3, 67, 15, 4, same},
		{"int4 with zero points", "\x06\x25\x03\x43", "\x00\x3C\x09", 3, 67, 16, 4, same},
		{"int2", "\x07\x05\x03\x43", "\x00\x3C", 3, 67, 4, 2, same},
		{"sign of one axis", "\x08\x04\x86\x01", "\x00\x3C", 1, 134, 2, 1, same},
		{"sign on four states", "\x08\x05\x03\x80\x20", "\x00\x3C", 3, 4096, 2, 1, same},
		{"codes", "\x09\x01\x03\x43\x05" + book, "", 3, 67, 5, 3, same},
		{"codes of a byte", "\x09\x01\x03\x43\x80\x02" + book, "", 3, 67, 256, 8, same},
	} {
		t.Run(c.name, func(t *testing.T) {
			symbols := slices.Repeat([]int{1}, c.rows*c.row)
			for i, symbol := range some(len(symbols), c.symbols) {
				if i%29 == 0 {
					symbols[i] = symbol
				}
			}
			stored := withLatents([]byte(c.front + c.before + string(packRows(symbols, c.row, c.bits, c.code)))...)
			want, err := read(stored, RecommendedLimits())
			if err != nil {
				t.Fatal(err)
			}
			tables := parsed(t, tablesFile(axisShared, likely(c.symbols, 1)))
			stream := writeStream(symbols, statesFor(uint64(len(symbols))), func(int) model { return tables.model(0, 0) })
			found, err := readWith(entropyCoded([]byte(c.front), append([]byte(c.before), stream...)), tables)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(found.Numbers, want.Numbers) || !slices.Equal(found.Indices, want.Indices) {
				t.Errorf("expected %v, found %v", want, found)
			}
		})
	}
}

// indexed is the front of 4 x 16 indices into a codebook of 4: 16 bytes of raw payload.
var indexed = []byte("\x09\x01\x04\x10\x04" + book)

// Symbols of one place or one row have a model of their own.
func TestEntropyByAxis(t *testing.T) {
	models := make([][]uint16, 16)
	for i := range models {
		models[i] = likely(4, i%4)
	}
	for name, c := range map[string]struct {
		axis   axis
		models [][]uint16
	}{
		"column":               {axisColumn, models},
		"row":                  {axisRow, models[:4]},
		"row of fewer than is": {axisRow, models},
	} {
		t.Run(name, func(t *testing.T) {
			tables := parsed(t, tablesFile(c.axis, c.models...))
			symbols := make([]int, 64)
			want := make([]uint16, 64)
			for i := range symbols {
				symbols[i] = i % 4
				if c.axis == axisRow {
					symbols[i] = i / 16
				}
				want[i] = uint16(symbols[i])
			}
			stream := writeStream(symbols, 1, func(i int) model { return tables.model(i/16, i%16) })
			found, err := readWith(entropyCoded(indexed, stream), tables)
			if err != nil || !slices.Equal(found.Indices, want) {
				t.Errorf("expected %v, found %v, %v", want, found.Indices, err)
			}
		})
	}
}

func TestEntropyRefusals(t *testing.T) {
	shared := tablesFile(axisShared, likely(4, 0))
	zero := writeStream(make([]int, 64), 1, always(t, likely(4, 0)...))
	scaled := []byte("\x08\x04\x80\x04") // sign, 512 numbers, one scale
	for _, c := range []struct {
		name    string
		front   []byte
		payload []byte
		tables  []byte
		id      ID
		offset  int // in the payload
	}{
		{"tables of fewer symbols", indexed, zero, tablesFile(axisShared, likely(3, 0)), LatentsResource, 0},
		{"tables of more symbols before the stream", indexed, nil, tablesFile(axisShared, likely(5, 0)), LatentsResource, 0},
		{"tables of other rows", indexed, zero, tablesFile(axisColumn, likely(4, 0)), LatentsResource, 0},
		{"tables of fewer rows", indexed, zero, tablesFile(axisRow, likely(4, 0)), LatentsResource, 0},
		{"nothing", indexed, nil, shared, LatentsEntropy, 0},
		{"another state", indexed, []byte{0, 0, 2, 0}, shared, LatentsEntropy, 4},
		{"half a scale", scaled, []byte{0}, tablesFile(axisShared, likely(2, 0)), LatentsEntropy, 0},
		{"a scale and half a state", scaled, []byte{0, 0x3C, 0}, tablesFile(axisShared, likely(2, 0)), LatentsEntropy, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			packet := entropyCoded(c.front, c.payload)
			_, err := readWith(packet, parsed(t, c.tables))
			refused(t, err, c.id, len(packet)-checksumBytes-len(c.payload)+c.offset)
		})
	}
}

// A coded payload that is not shorter could have been stored.
func TestEntropyMustGain(t *testing.T) {
	packet := entropyCoded(indexed, make([]byte, 16))
	_, err := readWith(packet, nil)
	refused(t, err, LatentsLength, len(packet)-checksumBytes-16)
}
