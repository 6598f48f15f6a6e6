package lwp

import "fmt"

// Section is a section other than latents. Its body is read on access, by the method for its type.
// Whoever passes the message on carries one of an unknown type along unchanged and in order.
type Section struct {
	Type uint16
	Body []byte

	bodyAt int
}

// Types of sections beside the latents.
const (
	TypeLiterals    = 2
	TypeText        = 3
	TypeAnswerSpace = 4
	TypeMetadata    = 5
	TypeTrace       = 6
	TypeSeal        = 7
)

const (
	typeLatents = 1
	typeLast    = 8191
)

// criticality says of the known types whether they are critical.
var criticality = map[uint32]bool{
	typeLatents:     true,
	TypeLiterals:    false,
	TypeText:        false,
	TypeAnswerSpace: false,
	TypeMetadata:    false,
	TypeTrace:       false,
	TypeSeal:        true,
}

// section is a section as it stands in the packet.
type section struct {
	kind     uint32
	critical bool
	at       int // where its tag is
	body     []byte
	bodyAt   int
}

// readSection is step 6.2: tag, type, length, whether the body is there, order. Types ascend from
// that of the section before.
func readSection(c *cursor, before uint32) (section, error) {
	s := section{at: c.offset()}
	tag, err := c.varint("tag of a section")
	if err != nil {
		return section{}, err
	}
	s.kind, s.critical = tag>>1, tag&1 == 1
	if s.kind == 0 || s.kind > typeLast {
		return section{}, refuse(SectionType, s.at, fmt.Sprintf("a type from 1 to %d", typeLast), "%d", s.kind)
	}
	length, err := c.varint("length of a section")
	if err != nil {
		return section{}, err
	}
	s.bodyAt = c.offset()
	if s.body, err = c.take("body of a section", uint64(length)); err != nil {
		return section{}, err
	}
	if s.kind < before {
		return section{}, refuse(SectionOrder, s.at, fmt.Sprintf("a type from %d on", before), "%d", s.kind)
	}
	return s, nil
}

// check is step 6.3: criticality, a second section of its type, an unknown critical type. Types
// ascend, so a second one follows the first directly.
func (s *section) check(before uint32) error {
	critical, known := criticality[s.kind]
	if known && s.critical != critical {
		return refuse(SectionCriticality, s.at, fmt.Sprintf("type %d with critical = %t", s.kind, critical),
			"%t", s.critical)
	}
	if known && s.kind != typeLatents && s.kind == before {
		return refuse(SectionDuplicate, s.at, fmt.Sprintf("one section of type %d", s.kind), "a second one")
	}
	if !known && s.critical {
		return refuse(SectionUnknownCritical, s.at, "a critical section of a known type", "type %d", s.kind)
	}
	return nil
}
