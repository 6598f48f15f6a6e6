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

const (
	tablesMagic   = "\x89LWE"
	tablesVersion = 1
)

// ParseTables reads a file of tables. An error is always an [*Error], whose offset counts from the
// start of the file.
func ParseTables(file []byte) (*Tables, error) {
	c := &cursor{bytes: file, short: EntropyTables}
	t := &Tables{}
	models, err := t.readHeader(c)
	if err != nil {
		return nil, err
	}
	// Below 2^42, so that nothing wraps. What is there has this length before anything is allocated.
	if length := uint64(models) * uint64(t.symbols) * 2; length != uint64(c.left()) {
		return nil, refuse(EntropyTables, c.offset(), fmt.Sprintf("%d bytes of frequencies", length), "%d", c.left())
	}
	t.sums = make([]uint16, 0, int(models)*(t.symbols+1))
	for range models {
		if err := t.readModel(c); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// readHeader reads everything before the frequencies, and gives the number of models.
func (t *Tables) readHeader(c *cursor) (uint32, error) {
	found, err := c.take("magic of tables", uint64(len(tablesMagic)))
	if err != nil {
		return 0, err
	}
	if string(found) != tablesMagic {
		return 0, refuse(EntropyTables, 0, fmt.Sprintf("magic % X", tablesMagic), "% X", found)
	}
	at := c.offset()
	fields, err := c.take("version, axis and highest symbol of tables", 3)
	if err != nil {
		return 0, err
	}
	version, highest := fields[0], fields[2]
	t.axis, t.symbols = axis(fields[1]), int(highest)+1
	if version != tablesVersion {
		return 0, refuse(EntropyTables, at, fmt.Sprintf("version %d of tables", tablesVersion), "%d", version)
	}
	if t.axis > axisRow {
		return 0, refuse(EntropyTables, at+1, "axis 0, 1 or 2", "%d", t.axis)
	}
	if highest == 0 {
		return 0, refuse(EntropyTables, at+2, "a highest symbol of at least 1", "0")
	}
	at = c.offset()
	number, err := c.take("number of models", 4)
	if err != nil {
		return 0, err
	}
	models := binary.LittleEndian.Uint32(number)
	if models == 0 || t.axis == axisShared && models != 1 {
		return 0, refuse(EntropyTables, at, "at least one model, and no other if it is shared", "%d", models)
	}
	return models, nil
}

// readModel appends the sums of the next model.
func (t *Tables) readModel(c *cursor) error {
	start := c.offset()
	sum := uint32(0)
	for range t.symbols {
		t.sums = append(t.sums, uint16(sum))
		at := c.offset()
		written, err := c.take("frequency", 2)
		if err != nil {
			return err
		}
		frequency := uint32(binary.LittleEndian.Uint16(written))
		if frequency == 0 {
			return refuse(EntropyTables, at, "frequencies of at least 1", "0")
		}
		sum += frequency // of at most 256: far below 2^32
	}
	if sum != totalFrequency {
		return refuse(EntropyTables, start, fmt.Sprintf("frequencies that add up to %d", totalFrequency), "%d", sum)
	}
	t.sums = append(t.sums, totalFrequency)
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
