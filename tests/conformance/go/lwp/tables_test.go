package lwp

import (
	"encoding/binary"
	"slices"
	"testing"
)

// tablesFile is a file of models that have the same number of symbols.
func tablesFile(axis axis, models ...[]uint16) []byte {
	file := append([]byte(tablesMagic), byte(axis), byte(len(models[0])-1))
	file = binary.LittleEndian.AppendUint32(file, uint32(len(models)))
	for _, frequency := range slices.Concat(models...) {
		file = binary.LittleEndian.AppendUint16(file, frequency)
	}
	return file
}

func parsed(t *testing.T, file []byte) *Tables {
	t.Helper()
	tables, err := ParseTables(file)
	if err != nil {
		t.Fatal(err)
	}
	return tables
}

func TestModel(t *testing.T) {
	frequencies := []uint16{1, 2048, 1, 2046}
	m := parsed(t, tablesFile(axisShared, frequencies)).model(7, 9)
	next := uint32(0)
	for symbol, frequency := range frequencies {
		if m.below(symbol) != next || m.frequency(symbol) != uint32(frequency) {
			t.Errorf("symbol %d: %d from %d on, found %d from %d on",
				symbol, frequency, next, m.frequency(symbol), m.below(symbol))
		}
		for range frequency {
			if found := m.symbol(next); found != symbol {
				t.Fatalf("%d: expected symbol %d, found %d", next, symbol, found)
			}
			next++
		}
	}
}

func TestAxes(t *testing.T) {
	models := [][]uint16{{1, 4095}, {2, 4094}, {3, 4093}}
	for _, c := range []struct {
		name      string
		axis      axis
		models    [][]uint16
		first     uint32 // frequency of symbol 0 in row 2, column 1
		serves    [][2]uint64
		notServes [][2]uint64
	}{
		{"shared", axisShared, models[:1], 1, [][2]uint64{{1, 1}, {9, 9}}, nil},
		{"column", axisColumn, models, 2, [][2]uint64{{1, 3}, {9, 3}}, [][2]uint64{{3, 2}, {3, 4}}},
		{"row", axisRow, models, 3, [][2]uint64{{1, 9}, {3, 1}}, [][2]uint64{{4, 3}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			tables := parsed(t, tablesFile(c.axis, c.models...))
			if found := tables.model(2, 1).frequency(0); found != c.first {
				t.Errorf("expected the model with %d, found that with %d", c.first, found)
			}
			for _, shape := range c.serves {
				if !tables.serves(2, shape[0], shape[1]) || tables.serves(3, shape[0], shape[1]) {
					t.Errorf("expected to serve 2 symbols in %v, and not 3", shape)
				}
			}
			for _, shape := range c.notServes {
				if tables.serves(2, shape[0], shape[1]) {
					t.Errorf("expected not to serve %v", shape)
				}
			}
		})
	}
}

func TestTablesRefusals(t *testing.T) {
	sound := tablesFile(axisColumn, []uint16{2048, 2048}, []uint16{4095, 1})
	with := func(at int, changed ...byte) []byte {
		file := slices.Clone(sound)
		copy(file[at:], changed)
		return file
	}
	for _, c := range []struct {
		name   string
		file   []byte
		offset int
	}{
		{"nothing", nil, 0},
		{"a byte too few before another magic", with(3, 'P')[:10], 10},
		{"another magic", with(3, 'P'), 0},
		{"another version", with(4, 2), 0},
		{"another axis", with(5, 3), 5},
		{"one symbol", with(6, 0), 6},
		{"no models", with(7, 0), 7},
		{"two shared models", with(5, 0), 7},
		{"more models than there are", with(7, 0xFF, 0xFF, 0xFF, 0xFF), 19},
		{"fewer models than there are", with(7, 1), 15},
		{"half a frequency", sound[:len(sound)-1], 18},
		{"a byte behind", append(slices.Clone(sound), 0), 19},
		{"a frequency of 0", with(13, 0, 0), 13},
		{"too much in all", with(15, 0, 16), 15},
		{"too little in all", with(11, 0xFF, 7), 11},
		{"another sum before a frequency of 0", with(11, 1, 0, 1, 0, 0, 0), 11},
		{"a sum that wraps in 16 bits", tablesFile(axisShared, []uint16{0xFFFF, 4097}), 11},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ParseTables(c.file)
			refused(t, err, EntropyTables, c.offset)
		})
	}
}
