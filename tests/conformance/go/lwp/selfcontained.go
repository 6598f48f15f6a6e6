package lwp

import (
	"encoding/binary"
	"slices"
)

// What seals and digests cover is the self-contained form of a packet, whatever its profile: what a
// compact packet leaves to its route is put in (sections 13.1.1 and 13.3).

// headerOf gives the header of a packet, or the one that its route stands for.
func (p *Packet) headerOf(routes map[uint32]Route) (*Header, error) {
	if p.Compact != nil {
		return p.Compact.Resolve(routes)
	}
	return p.Header, nil
}

// routeOf gives the route of a compact packet, and nil for any other.
func (p *Packet) routeOf(routes map[uint32]Route) *Route {
	if p.Compact == nil {
		return nil
	}
	route, known := routes[p.Compact.Route]
	if !known {
		return nil
	}
	return &route
}

// appendTo writes the header as section 4.1 does.
func (h *Header) appendTo(to []byte) []byte {
	to = h.Sender.appendTo(append(to, h.MessageID[:]...))
	if h.Receiver == nil {
		to = append(to, receiverAnyone)
	} else {
		to = h.Receiver.appendTo(append(to, receiverNamed))
	}
	return appendText(append(to, h.Space.Fingerprint[:]...), h.Space.Name)
}

func (m *Model) appendTo(to []byte) []byte {
	to = append(to, m.Fingerprint[:]...)
	return appendText(appendText(to, m.Name), m.Revision)
}

func appendText(to []byte, text string) []byte {
	return append(append(to, byte(len(text))), text...)
}

// front writes what stands before the payload of latents, in the self-contained form: under this stage
// and with so many rows along the first of several axes.
func (l *Latents) front(stage Stage, rows uint32, route *Route) ([]byte, error) {
	front := append([]byte{byte(l.Encoding) | byte(stage)<<stageShift}, l.form())
	if l.Name != "" {
		front = appendText(front, l.Name)
	}
	shape := slices.Clone(l.Shape)
	if len(shape) > 1 {
		shape[0] = rows
	}
	for _, extent := range shape {
		front = binary.AppendUvarint(front, uint64(extent))
	}
	if l.Scales != nil && l.Scales.Granularity == ByGroup {
		front = binary.AppendUvarint(front, uint64(l.Scales.Group))
	}
	if l.Codebook != nil {
		front = binary.AppendUvarint(front, uint64(l.Codebook.Size))
		codebook, err := agreed(l.Codebook.Fingerprint, route, "a codebook",
			func(route *Route) *Fingerprint { return route.Codebook })
		if err != nil {
			return nil, err
		}
		front = append(front, codebook[:]...)
	}
	if stages[stage].needsResource {
		resource, err := l.agreedResource(route)
		if err != nil {
			return nil, err
		}
		front = append(front, resource[:]...)
	}
	return front, nil
}

// form writes the second byte of latents.
func (l *Latents) form() byte {
	form := byte(len(l.Shape) - 1)
	if l.Name != "" {
		form |= nameBit
	}
	if s := l.Scales; s != nil {
		form |= byte(s.Granularity) << granularityShift
		if s.Wide {
			form |= wideBit
		}
		if s.Asymmetric {
			form |= asymmetricBit
		}
	}
	return form
}

// agreedResource is what the stage of latents needs, by its name here or by the route.
func (l *Latents) agreedResource(route *Route) (*Fingerprint, error) {
	if l.Stage == ZstdDictionary {
		return agreed(l.Resource, route, "a dictionary", func(route *Route) *Fingerprint { return route.Dictionary })
	}
	return agreed(l.Resource, route, "entropy tables", func(route *Route) *Fingerprint { return route.Tables })
}

// agreed gives a fingerprint that a packet has, or that its route has for it.
func agreed(named *Fingerprint, route *Route, what string, of func(*Route) *Fingerprint) (*Fingerprint, error) {
	if named == nil && route != nil {
		named = of(route)
	}
	if named == nil {
		return nil, refuse(HeaderRoute, NoOffset, "a route with "+what, "none")
	}
	return named, nil
}

// appendSized writes the length of bytes in 8 bytes, then them.
func appendSized(to, bytes []byte) []byte {
	return append(binary.LittleEndian.AppendUint64(to, uint64(len(bytes))), bytes...)
}
