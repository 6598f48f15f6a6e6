package lwp

import (
	"bytes"
	"fmt"
	"strings"
)

// Trace is a place in a distributed trace, by W3C Trace Context.
type Trace struct {
	ID     [16]byte
	Parent [8]byte
	Flags  byte
	State  string
}

const (
	reservedTraceFlags = 0xFC
	longestState       = 512
	mostMembers        = 32
	longestPart        = 256 // of a member: key or value
)

// Trace reads the body of a section of type [TypeTrace].
func (s *Section) Trace() (Trace, error) {
	c := s.cursor()
	var t Trace
	if err := readTraceID(c, "trace id", t.ID[:]); err != nil {
		return Trace{}, err
	}
	if err := readTraceID(c, "parent id", t.Parent[:]); err != nil {
		return Trace{}, err
	}
	at := c.offset()
	var err error
	if t.Flags, err = c.byte("flags of a trace"); err != nil {
		return Trace{}, err
	}
	if t.Flags&reservedTraceFlags != 0 {
		return Trace{}, refuse(TraceFlags, at, "flags with bits 2 to 7 clear", "%08b", t.Flags)
	}
	at = c.offset()
	t.State = string(c.rest())
	return t, checkState(t.State, at)
}

func readTraceID(c *cursor, field string, id []byte) error {
	at := c.offset()
	if err := c.copy(field, id); err != nil {
		return err
	}
	if bytes.Count(id, []byte{0}) == len(id) {
		return refuse(TraceID, at, field+" that is not zero", "zeros")
	}
	return nil
}

// checkState expects members of a key and a value, separated by commas, or nothing.
func checkState(state string, at int) error {
	if state == "" {
		return nil
	}
	if len(state) > longestState {
		return refuse(TraceState, at, fmt.Sprintf("a tracestate of at most %d bytes", longestState), "%d", len(state))
	}
	seen := map[string]bool{}
	for i, member := range strings.Split(state, ",") {
		if i == mostMembers {
			return refuse(TraceState, at, fmt.Sprintf("at most %d members", mostMembers), "another")
		}
		key, value, found := strings.Cut(member, "=")
		if !found || !isStateKey(key) || seen[key] {
			return refuse(TraceState, at, "a member with a key that is allowed and new", "%q", member)
		}
		if !isStateValue(value) {
			return refuse(TraceState, at+len(key)+1, "a value that is allowed", "%q", value)
		}
		seen[key] = true
		at += len(member) + 1
	}
	return nil
}

func isStateKey(key string) bool {
	const first = "abcdefghijklmnopqrstuvwxyz0123456789"
	return key != "" && len(key) <= longestPart && strings.IndexByte(first, key[0]) >= 0 &&
		strings.Trim(key, first+"_-*/@") == ""
}

func isStateValue(value string) bool {
	if value == "" || len(value) > longestPart || strings.HasSuffix(value, " ") {
		return false
	}
	for i := range len(value) {
		if b := value[i]; b < 0x20 || b > 0x7E || b == ',' || b == '=' {
			return false
		}
	}
	return true
}
