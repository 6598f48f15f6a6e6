package lwp

import (
	"math/rand/v2"
	"testing"
)

// The window gives the answers of a receiver that remembers every number for ever.
func TestWindow(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		start := random.Uint64() >> random.IntN(64)
		highest, received := uint64(0), map[uint64]bool{}
		w := &window{}
		for i := range 300 {
			number := start + random.Uint64N(200)
			want := i == 0 || number > highest || highest-number < windowWidth && !received[number]
			if found := w.note(number); found != want {
				t.Fatalf("%d after %d: expected %t, found %t", number, highest, want, found)
			}
			if want {
				highest, received[number] = max(highest, number), true
			}
		}
		if len(w.received) > windowWidth {
			t.Errorf("%d numbers are remembered", len(w.received))
		}
	}
}

// Of sessions, none is forgotten, and one that is known needs no more room.
func TestSessions(t *testing.T) {
	v := NewVerifier()
	v.MaxSessions = 2
	for id := range byte(2) {
		if err := v.Announce(KeyID{}, SessionID{id}); err != nil {
			t.Fatal(err)
		}
	}
	refused(t, v.Announce(KeyID{}, SessionID{2}), LimitSessions, NoOffset)
	if err := v.Announce(KeyID{}, SessionID{1}); err != nil {
		t.Error(err)
	}
	// Another key has room of its own.
	if err := v.Announce(KeyID{1}, SessionID{2}); err != nil {
		t.Error(err)
	}
}
