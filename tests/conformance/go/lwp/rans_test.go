package lwp

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
)

// writeStream is the writer of section 6.7: from the last symbol to the first.
func writeStream(symbols []int, states int, at func(i int) model) []byte {
	state := make([]uint32, states)
	for i := range state {
		state[i] = smallestState
	}
	var words []uint16 // the last one first
	for i, symbol := range slices.Backward(symbols) {
		x, m := &state[i%states], at(i)
		frequency := m.frequency(symbol)
		if *x>>20 >= frequency {
			words = append(words, uint16(*x))
			*x >>= wordBits
		}
		*x = totalFrequency*(*x/frequency) + *x%frequency + m.below(symbol)
	}
	var written []byte
	for _, x := range state {
		written = binary.LittleEndian.AppendUint32(written, x)
	}
	for _, word := range slices.Backward(words) {
		written = binary.LittleEndian.AppendUint16(written, word)
	}
	return written
}

// streamAt is where the streams of tests begin in a packet.
const streamAt = 100

// readStream takes so many symbols from a stream.
func readStream(written []byte, symbols, states int, at func(i int) model) ([]int, error) {
	s, err := openStream(written, streamAt, states)
	if err != nil {
		return nil, err
	}
	found := make([]int, symbols)
	for i := range found {
		if found[i], err = s.next(at(i)); err != nil {
			return nil, err
		}
	}
	return found, s.close()
}

// always is one model for all symbols.
func always(t *testing.T, frequencies ...uint16) func(int) model {
	m := parsed(t, tablesFile(axisShared, frequencies)).model(0, 0)
	return func(int) model { return m }
}

// some are so many symbols below a bound, most of them low.
func some(symbols, bound int) []int {
	drawn := make([]int, symbols)
	x := uint32(1)
	for i := range drawn {
		x = x*1664525 + 1013904223
		drawn[i] = int(x>>24) * int(x>>16&0xFF) * bound >> 16
	}
	return drawn
}

// The example of section 6.7.
func TestStreamOfTheSpecification(t *testing.T) {
	file := []byte("\x89LWE\x01\x00\x02\x01\x00\x00\x00\x10\x00\xE0\x0F\x10\x00")
	tables := parsed(t, file)
	m := func(int) model { return tables.model(0, 0) }
	symbols, stream := []int{0, 1, 2, 0}, []byte{0x00, 0x20, 0x12, 0x01, 0x00, 0x00}
	if written := writeStream(symbols, 1, m); !bytes.Equal(written, stream) {
		t.Errorf("expected % X, written % X", stream, written)
	}
	found, err := readStream(stream, len(symbols), 1, m)
	if err != nil || !slices.Equal(found, symbols) {
		t.Errorf("expected %v, found %v, %v", symbols, found, err)
	}
}

func TestStreams(t *testing.T) {
	flat := slices.Repeat([]uint16{16}, 256)
	steep := slices.Repeat([]uint16{1}, 15)
	steep[0] = totalFrequency - 14
	for name, frequencies := range map[string][]uint16{"2": {4095, 1}, "15": steep, "256": flat} {
		m := always(t, frequencies...)
		for _, length := range []int{1, 7, 4095, 4096, 9001} {
			t.Run(fmt.Sprintf("%d of %s symbols", length, name), func(t *testing.T) {
				symbols, states := some(length, len(frequencies)), statesFor(uint64(length))
				found, err := readStream(writeStream(symbols, states, m), length, states, m)
				if err != nil || !slices.Equal(found, symbols) {
					t.Errorf("expected %v, found %v, %v", symbols, found, err)
				}
			})
		}
	}
}

func TestStates(t *testing.T) {
	for symbols, want := range map[uint64]int{1: 1, 4095: 1, 4096: 4, 1 << 40: 4} {
		if found := statesFor(symbols); found != want {
			t.Errorf("%d symbols: expected %d states, found %d", symbols, want, found)
		}
	}
}

// In the order of the specification: what is wrong in two ways is refused by the first.
func TestStreamRefusals(t *testing.T) {
	m := always(t, 2048, 2048)
	symbols := some(100, 2)
	one, four := writeStream(symbols, 1, m), writeStream(symbols, 4, m)
	low := func(stream []byte, state int) []byte {
		changed := slices.Clone(stream)
		changed[4*state+2], changed[4*state+3] = 0, 0
		return changed
	}
	other := slices.Clone(one)
	other[3] ^= 1 // with equal frequencies the lower bits are other symbols
	for _, c := range []struct {
		name   string
		stream []byte
		states int
		offset int // in the stream
	}{
		{"nothing", nil, 1, 0},
		{"half a state", one[:3], 1, 0},
		{"three states of four", four[:12], 4, 0},
		{"half a word", append(slices.Clone(one), 0), 1, 0},
		{"half a word before a low state", append(low(four, 1), 0), 4, 0},
		{"a low state", low(four, 2), 4, 8},
		{"a low state before too few words", low(one, 0)[:4], 1, 0},
		{"a word too few", one[:len(one)-2], 1, len(one) - 2},
		{"a word too many", append(slices.Clone(one), 0, 0), 1, len(one)},
		{"two words too many", append(slices.Clone(one), 0, 0, 0, 0), 1, len(one)},
		{"a word too many before another state", append(slices.Clone(other), 0, 0), 1, len(one)},
		{"another state at the end", other, 1, len(one)},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := readStream(c.stream, len(symbols), c.states, m)
			refused(t, err, LatentsEntropy, streamAt+c.offset)
		})
	}
}
