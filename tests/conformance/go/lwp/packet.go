package lwp

import "fmt"

// Packet is a packet that is sound in everything but its numbers, which are decoded on demand.
type Packet struct {
	// Major and Minor are the version in the preamble.
	Major, Minor byte
	// Header is that of the self-contained profile, nil if the packet is compact.
	Header *Header
	// Compact is the header of the compact profile, nil if the packet is self-contained.
	Compact *CompactHeader
	// Latents are the tensors in the order of the packet, at least one.
	Latents []*Latents
	// Sections are the other sections in the order of the packet.
	Sections []Section

	parts    []part // all sections in the order of the packet
	elements uint64 // numbers in all tensors so far
}

// part is a section of a packet, and the tensor that it is, if it is one.
type part struct {
	section
	latents *Latents
}

// Decode takes steps 1 to 7 of section 8. The result keeps parts of the packet's bytes, which must
// not be changed while it is in use. An error is always an [*Error].
func Decode(packet []byte, limits Limits) (*Packet, error) {
	preamble, c, err := openFrame(packet, limits)
	if err != nil {
		return nil, err
	}
	if err := preamble.checkFlags(); err != nil {
		return nil, err
	}
	decoded := &Packet{Major: major, Minor: preamble.minor}
	if err := decoded.readHeader(c, preamble.compact()); err != nil {
		return nil, err
	}
	if err := decoded.readSections(c, preamble.bare(), limits); err != nil {
		return nil, err
	}
	if err := preamble.checkBare(decoded.canBeBare()); err != nil {
		return nil, err
	}
	return decoded, nil
}

// openFrame takes steps 1 to 3: preamble, length, checksum. The cursor stands behind the preamble and
// ends before the checksum.
func openFrame(packet []byte, limits Limits) (preamble, *cursor, error) {
	p, err := readPreamble(packet)
	if err != nil {
		return preamble{}, nil, err
	}
	if err := p.checkLength(len(packet), limits); err != nil {
		return preamble{}, nil, err
	}
	content, err := verifyChecksum(packet)
	if err != nil {
		return preamble{}, nil, err
	}
	return p, &cursor{bytes: content, next: p.end, short: FieldOverrun}, nil
}

// readHeader is step 5.
func (p *Packet) readHeader(c *cursor, compact bool) error {
	if compact {
		header, err := readCompactHeader(c)
		p.Compact = &header
		return err
	}
	header, err := readHeader(c)
	p.Header = &header
	return err
}

// readSections takes step 6 and the first half of step 7.
func (p *Packet) readSections(c *cursor, bare bool, limits Limits) error {
	var before uint32
	for count := 0; c.left() > 0 || bare && count == 0; count++ {
		if count >= limits.Sections {
			return refuse(LimitSections, c.offset(), fmt.Sprintf("at most %d sections", limits.Sections), "another")
		}
		s, err := p.nextSection(c, bare, before)
		if err != nil {
			return err
		}
		before = s.kind
		if err := p.add(&s, limits); err != nil {
			return err
		}
	}
	if len(p.Latents) == 0 {
		return refuse(SectionMissing, c.offset(), "a latent section", "the end of the sections")
	}
	return nil
}

// nextSection takes steps 6.2 and 6.3. The tensor of a bare packet has no tag and no length.
func (p *Packet) nextSection(c *cursor, bare bool, before uint32) (section, error) {
	if bare {
		at := c.offset()
		return section{kind: typeLatents, critical: true, at: at, body: c.rest(), bodyAt: at}, nil
	}
	s, err := readSection(c, before)
	if err != nil {
		return section{}, err
	}
	return s, s.check(before)
}

// add reads a tensor and keeps every other section as it is.
func (p *Packet) add(s *section, limits Limits) error {
	if s.kind != typeLatents {
		p.parts = append(p.parts, part{section: *s})
		p.Sections = append(p.Sections, Section{Type: uint16(s.kind), Body: s.body, bodyAt: s.bodyAt})
		return nil
	}
	latents, err := readLatents(s, p.Compact == nil, p.elements, limits)
	if err != nil {
		return err
	}
	for _, other := range p.Latents {
		if other.Name == latents.Name {
			return refuse(SectionDuplicate, s.at, "tensors of different names", "a second %q", latents.Name)
		}
	}
	if latents.Name == "" && len(p.Latents) > 0 {
		return refuse(SectionOrder, s.at, "the tensor without a name before all others", "it after %d", len(p.Latents))
	}
	p.parts = append(p.parts, part{*s, latents})
	p.Latents = append(p.Latents, latents)
	p.elements = saturatingAdd(p.elements, latents.elements())
	return nil
}

// canBeBare says whether the packet is one tensor without a name.
func (p *Packet) canBeBare() bool {
	return len(p.Latents) == 1 && p.Latents[0].Name == "" && len(p.Sections) == 0
}
