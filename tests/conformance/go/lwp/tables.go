package lwp

import (
	"encoding/binary"
	"fmt"
	"sort"
)

// Tables are the static models of the entropy coder, which both ends have (section 6.7).
type Tables struct {
	axis    axis
	symbols int // of every model
	// sums has the models one after the other.
	sums []uint16
}

// axis says which symbols share a model.
type axis byte

const (
	axisShared axis = 0 // all of them
	axisColumn axis = 1 // those at one place of all rows
	axisRow    axis = 2 // those of a row
)

// model has the sum of the frequencies below every symbol, and their total at the end.
type model []uint16

// totalFrequency is what the frequencies of a model add up to.
const totalFrequency = 4096

// symbol is the one whose frequencies reach over a number below [totalFrequency].
func (m model) symbol(number uint32) int {
	return sort.Search(len(m)-1, func(s int) bool { return uint32(m[s+1]) > number })
}

// below is the sum of the frequencies below a symbol.
func (m model) below(symbol int) uint32 { return uint32(m[symbol]) }

// frequency is that of a symbol.
func (m model) frequency(symbol int) uint32 { return uint32(m[symbol+1] - m[symbol]) }

// tablesMagic begins a file of tables, and ends in its version.
const tablesMagic = "\x89LWE\x01"

// Where the fields of a file of tables stand.
const (
	axisAt        = 5
	topSymbolAt   = 6
	modelsAt      = 7
	frequenciesAt = 11
)

// ParseTables reads a file of tables. An error is always an [*Error], whose offset counts from the
// start of the file.
func ParseTables(file []byte) (*Tables, error) {
	if len(file) < frequenciesAt {
		return nil, refuse(EntropyTables, len(file), fmt.Sprintf("at least %d bytes", frequenciesAt), "%d", len(file))
	}
	if found := file[:axisAt]; string(found) != tablesMagic {
		return nil, refuse(EntropyTables, 0, fmt.Sprintf("magic and version % X", tablesMagic), "% X", found)
	}
	t := &Tables{axis: axis(file[axisAt]), symbols: int(file[topSymbolAt]) + 1}
	if t.axis > axisRow {
		return nil, refuse(EntropyTables, axisAt, "axis 0, 1 or 2", "%d", t.axis)
	}
	if t.symbols < 2 {
		return nil, refuse(EntropyTables, topSymbolAt, "a top symbol of at least 1", "0")
	}
	models := binary.LittleEndian.Uint32(file[modelsAt:])
	if models == 0 || t.axis == axisShared && models != 1 {
		return nil, refuse(EntropyTables, modelsAt, "at least one model, and no other on axis 0", "%d", models)
	}
	// Below 2^42, so that nothing wraps. What is there has this length before anything is allocated.
	if length := frequenciesAt + 2*uint64(models)*uint64(t.symbols); length != uint64(len(file)) {
		return nil, refuse(EntropyTables, int(min(length, uint64(len(file)))), fmt.Sprintf("%d bytes", length),
			"%d", len(file))
	}
	if err := t.readModels(file, int(models)); err != nil {
		return nil, err
	}
	return t, nil
}

// readModels reads the frequencies, of which the file has as many as it says.
func (t *Tables) readModels(file []byte, models int) error {
	t.sums = make([]uint16, 0, models*(t.symbols+1))
	at := frequenciesAt
	for range models {
		start, sum := at, 0
		for range t.symbols {
			frequency := int(binary.LittleEndian.Uint16(file[at:]))
			if frequency == 0 {
				return refuse(EntropyTables, at, "frequencies of at least 1", "0")
			}
			t.sums = append(t.sums, uint16(sum)) // a sum that does not fit is refused below
			sum += frequency
			at += 2
		}
		if sum != totalFrequency {
			return refuse(EntropyTables, start, fmt.Sprintf("frequencies that add up to %d", totalFrequency), "%d", sum)
		}
		t.sums = append(t.sums, totalFrequency)
	}
	return nil
}

// models counts them.
func (t *Tables) models() int { return len(t.sums) / (t.symbols + 1) }

// model is that of a place in a tensor that the tables serve.
func (t *Tables) model(row, column int) model {
	number := [...]int{axisShared: 0, axisColumn: column, axisRow: row}[t.axis]
	width := t.symbols + 1
	return t.sums[number*width : (number+1)*width]
}

// serves says whether there is a model for every place of a tensor with so many symbols, rows and
// numbers in a row.
func (t *Tables) serves(symbols int, rows, row uint64) bool {
	models := uint64(t.models())
	switch {
	case symbols != t.symbols:
		return false
	case t.axis == axisColumn:
		return row == models
	case t.axis == axisRow:
		return rows <= models
	default:
		return true
	}
}
