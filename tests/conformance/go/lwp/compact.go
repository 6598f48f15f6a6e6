package lwp

import (
	"encoding/binary"
	"fmt"
)

// CompactHeader is the header of the compact profile (section 4.2).
type CompactHeader struct {
	// Number counts the messages of the route.
	Number uint32
	// Route says which route it is.
	Route uint32
}

// Route is what two hosts have agreed on beside their packets.
type Route struct {
	// MessagePrefix has the first bytes of the ids of the route's messages.
	MessagePrefix [12]byte
	Sender        Model
	Receiver      *Model // nil: anyone
	Space         Space
	// What its messages leave to it; nil: none.
	Codebook, Dictionary, Tables *Fingerprint
}

// readCompactHeader is step 5 for the compact profile.
func readCompactHeader(c *cursor) (CompactHeader, error) {
	number, err := c.take("message number", 4)
	if err != nil {
		return CompactHeader{}, err
	}
	h := CompactHeader{Number: binary.LittleEndian.Uint32(number)}
	if h.Route, err = c.varint("route"); err != nil {
		return CompactHeader{}, err
	}
	return h, nil
}

// Resolve gives the header that the compact one stands for. The message number ends the message id
// with its highest byte first, so that the ids of a route sort by number.
func (h *CompactHeader) Resolve(routes map[uint32]Route) (*Header, error) {
	route, known := routes[h.Route]
	if !known {
		return nil, refuse(HeaderRoute, NoOffset, fmt.Sprintf("one of %d known routes", len(routes)), "%d", h.Route)
	}
	resolved := &Header{Sender: route.Sender, Receiver: route.Receiver, Space: route.Space}
	copy(resolved.MessageID[:], route.MessagePrefix[:])
	binary.BigEndian.PutUint32(resolved.MessageID[len(route.MessagePrefix):], h.Number)
	return resolved, nil
}
