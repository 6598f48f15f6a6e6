package lwp

import "fmt"

// Verifier checks seals, and that no packet is received twice (section 13.1.3).
type Verifier struct {
	// MaxSessions bounds the sessions of each key that are remembered. None is forgotten.
	MaxSessions int

	keys          map[KeyID]SealKey
	announcedOnly bool
	sessions      map[session]*window
}

// session is one of a key: the owner of one key cannot disturb sessions under another.
type session struct {
	key KeyID
	id  SessionID
}

// NewVerifier makes a verifier that accepts these keys and any session.
func NewVerifier(keys ...SealKey) *Verifier {
	v := &Verifier{MaxSessions: 4096, keys: map[KeyID]SealKey{}, sessions: map[session]*window{}}
	for _, key := range keys {
		v.keys[key.ID] = key
	}
	return v
}

// AnnouncedOnly makes the verifier accept no session but those of [Verifier.Announce].
func (v *Verifier) AnnouncedOnly() { v.announcedOnly = true }

// Announce makes room for a session. An error is always an [*Error].
func (v *Verifier) Announce(key KeyID, id SessionID) error {
	s := session{key, id}
	if err := v.checkRoom(s, NoOffset); err != nil {
		return err
	}
	v.sessions[s] = &window{}
	return nil
}

// Verify reads a packet, verifies its seal, and notes it as received if nothing is wrong with it. An
// error is always an [*Error].
func (v *Verifier) Verify(bytes []byte, routes map[uint32]Route, limits Limits) (*Packet, *Seal, error) {
	packet, err := Decode(bytes, limits)
	if err != nil {
		return nil, nil, err
	}
	seal, err := readSeal(packet)
	if err != nil {
		return nil, nil, err
	}
	key, known := v.keys[seal.Key]
	if !known || key.Algorithm != seal.Algorithm {
		return nil, nil, refuse(SealKeyUnknown, seal.at, "a key that is known here", "%X for %v", seal.Key, seal.Algorithm)
	}
	m, err := packet.authenticated(seal, routes)
	if err != nil {
		return nil, nil, err
	}
	if !key.accepts(seal.tag, m) {
		return nil, nil, refuse(SealTag, seal.at, "the tag of this packet", "%X", seal.tag)
	}
	if err := v.note(seal); err != nil {
		return nil, nil, err
	}
	return packet, seal, nil
}

// note takes steps 4 to 6.
func (v *Verifier) note(seal *Seal) error {
	s := session{seal.Key, seal.Session}
	received, known := v.sessions[s]
	if v.announcedOnly && !known {
		return refuse(SealSession, seal.at, "a session that was announced", "%X", seal.Session)
	}
	if err := v.checkRoom(s, seal.at); err != nil {
		return err
	}
	if !known {
		received = &window{}
		v.sessions[s] = received
	}
	if !received.note(seal.Sequence) {
		return refuse(SealReplay, seal.at, "a number that was not received before", "%d after %d", seal.Sequence, received.highest)
	}
	return nil
}

func (v *Verifier) checkRoom(s session, at int) error {
	ofKey := 0
	for other := range v.sessions {
		if other.key == s.key {
			ofKey++
		}
	}
	if _, known := v.sessions[s]; known || ofKey < v.MaxSessions {
		return nil
	}
	return refuse(LimitSessions, at, fmt.Sprintf("at most %d sessions under %X", v.MaxSessions, s.key), "another")
}

// windowWidth is how far below the highest number of a session another one may be.
const windowWidth = 64

// window says which numbers of a session were received.
type window struct {
	highest  uint64
	received map[uint64]bool // of those in the window
}

// note notes a number, unless it was received before or is too old to tell.
func (w *window) note(number uint64) bool {
	if w.received == nil {
		w.received, w.highest = map[uint64]bool{}, number
	}
	if number > w.highest {
		w.highest = number
		for old := range w.received {
			if w.highest-old >= windowWidth {
				delete(w.received, old)
			}
		}
	}
	if w.highest-number >= windowWidth || w.received[number] {
		return false
	}
	w.received[number] = true
	return true
}
