package lwp

import (
	"encoding/binary"
	"fmt"
)

// The bounds of a rANS state (section 6.7).
const (
	smallestState = 1 << 16 // also where a writer starts, and so where a reader ends
	wordBytes     = 2
	wordBits      = 8 * wordBytes
)

// From manySymbols on, symbols take turns on several states, so that a processor can work on several.
const (
	manySymbols = 4096
	manyStates  = 4
)

// statesFor is how many states a tensor of so many symbols has.
func statesFor(symbols uint64) int {
	if symbols >= manySymbols {
		return manyStates
	}
	return 1
}

// stream is the part of a payload that holds symbols, while they are taken from it.
type stream struct {
	states []uint32
	turn   int // the state of the next symbol
	words  []byte
	end    int // where the payload ends in the packet
}

// openStream reads the states of a stream that begins at a place of the packet.
func openStream(bytes []byte, at, states int) (*stream, error) {
	const stateBytes = 4
	length := states * stateBytes
	if len(bytes) < length || len(bytes)%wordBytes != 0 {
		return nil, refuse(LatentsEntropy, at, fmt.Sprintf("%d bytes of states and whole words", length),
			"%d bytes", len(bytes))
	}
	s := &stream{states: make([]uint32, states), words: bytes[length:], end: at + len(bytes)}
	for i := range s.states {
		s.states[i] = binary.LittleEndian.Uint32(bytes[i*stateBytes:])
		if s.states[i] < smallestState {
			return nil, refuse(LatentsEntropy, at+i*stateBytes, "a state of at least 2^16", "%d", s.states[i])
		}
	}
	return s, nil
}

// next takes the next symbol, which is one of the model. No product wraps: a frequency is below 2^12
// and what it is multiplied by below 2^20.
func (s *stream) next(m model) (int, error) {
	state := &s.states[s.turn]
	s.turn = (s.turn + 1) % len(s.states)
	number := *state % totalFrequency
	symbol := m.symbol(number)
	*state = m.frequency(symbol)*(*state/totalFrequency) + number - m.below(symbol)
	if *state < smallestState {
		if len(s.words) == 0 {
			return 0, refuse(LatentsEntropy, s.end, "another word", "none")
		}
		*state = *state<<wordBits + uint32(binary.LittleEndian.Uint16(s.words))
		s.words = s.words[wordBytes:]
	}
	return symbol, nil
}

// close expects that nothing is left: a stream is the only one of its symbols.
func (s *stream) close() error {
	if len(s.words) != 0 {
		return refuse(LatentsEntropy, s.end-len(s.words), "no words behind the last symbol", "%d bytes", len(s.words))
	}
	for i, state := range s.states {
		if state != smallestState {
			return refuse(LatentsEntropy, s.end, "2^16 as every state at the end", "%d as state %d", state, i)
		}
	}
	return nil
}
