package lwp

import (
	"bytes"

	"lukechampine.com/blake3"
)

// Digest names what the packet says (section 13.3): equal for equal content, whatever message it came
// in. An error is always an [*Error].
func (p *Packet) Digest(resources Resources, routes map[uint32]Route, limits Limits) ([16]byte, error) {
	var digest [16]byte
	header, err := p.headerOf(routes)
	if err != nil {
		return digest, err
	}
	resources.Route = p.routeOf(routes)
	content := append([]byte("latentwire:cont1"), header.Sender.Fingerprint[:]...)
	if header.Receiver == nil {
		content = append(content, 0)
	} else {
		content = append(append(content, 1), header.Receiver.Fingerprint[:]...)
	}
	content = append(content, header.Space.Fingerprint[:]...)
	for i := range p.parts {
		part := &p.parts[i]
		if part.kind == TypeTrace || part.kind == TypeSeal {
			continue
		}
		content = part.appendKind(content)
		if content, err = part.appendContent(content, resources, limits); err != nil {
			return digest, err
		}
	}
	hash := blake3.Sum256(content)
	copy(digest[:], hash[:])
	return digest, nil
}

// appendContent writes a section as it would be without a lossless stage.
func (p *part) appendContent(to []byte, resources Resources, limits Limits) ([]byte, error) {
	switch {
	case p.latents != nil:
		front, err := p.latents.front(Stored, p.latents.cutRows(), resources.Route)
		if err != nil {
			return nil, err
		}
		raw, err := p.latents.restore(limits, resources)
		if err != nil {
			return nil, err
		}
		return appendSized(appendSized(to, front), raw.bytes), nil
	case p.kind == TypeText:
		body := Section{Type: TypeText, Body: p.body, bodyAt: p.bodyAt}
		text, err := body.Text(limits)
		if err != nil {
			return nil, err
		}
		return appendSized(to, bytes.Join([][]byte{{textStored}, []byte(text)}, nil)), nil
	default:
		return appendSized(to, p.body), nil
	}
}
