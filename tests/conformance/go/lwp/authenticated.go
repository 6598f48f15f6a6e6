package lwp

import "encoding/binary"

// How a section is covered by a seal.
const (
	coveredWhole  = 0
	coveredByRows = 1
)

// authenticated writes the string M of section 13.1.1.
func (p *Packet) authenticated(s *Seal, routes map[uint32]Route) ([]byte, error) {
	header, err := p.headerOf(routes)
	if err != nil {
		return nil, err
	}
	m := append([]byte("latentwire:seal1"), p.Major, p.Minor)
	m = append(m, s.claims...)
	m = appendSized(m, header.appendTo(nil))
	m = binary.LittleEndian.AppendUint32(m, uint32(len(p.parts)-1)) // but the seal
	tensor := 0
	for _, part := range p.parts {
		if part.kind == TypeSeal {
			continue
		}
		m = part.appendKind(m)
		if part.latents == nil {
			m = appendSized(append(m, coveredWhole), part.body)
			continue
		}
		if m, err = part.latents.appendAuthenticated(m, s, s.cutOf(tensor), p.routeOf(routes)); err != nil {
			return nil, err
		}
		tensor++
	}
	return m, nil
}

// appendKind writes the type of a section and whether it is critical.
func (p *part) appendKind(to []byte) []byte {
	critical := byte(0)
	if p.critical {
		critical = 1
	}
	return append(binary.LittleEndian.AppendUint16(to, uint16(p.kind)), critical)
}

// appendAuthenticated writes how a tensor is covered, and what of it.
func (l *Latents) appendAuthenticated(m []byte, s *Seal, cut *Cut, route *Route) ([]byte, error) {
	rows, after := l.cutRows(), link{}
	if cut != nil {
		rows, after = cut.Rows, cut.next
	}
	front, err := l.front(l.Stage, rows, route)
	if err != nil {
		return nil, err
	}
	if l.Stage != Stored {
		return appendSized(appendSized(append(m, coveredWhole), front), l.payload), nil
	}
	split := l.splitRows()
	first := split.first(after, s.Algorithm)
	m = appendSized(appendSized(append(m, coveredByRows), front), split.shared)
	return append(m, first[:]...), nil
}
