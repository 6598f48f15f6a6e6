package lwp

import "fmt"

// LiteralKind says what a literal is.
type LiteralKind byte

// The kinds of section 12.1.
const (
	LiteralOther  LiteralKind = 0
	LiteralNumber LiteralKind = 1
	LiteralName   LiteralKind = 2
	LiteralCode   LiteralKind = 3
	LiteralURL    LiteralKind = 4
	LiteralDate   LiteralKind = 5
	LiteralQuote  LiteralKind = 6
)

// Literal is a span of the source that must arrive exactly.
type Literal struct {
	Kind LiteralKind
	// Position is where the span begins in the source, in bytes.
	Position uint32
	Span     string
}

// Literals reads the body of a section of type [TypeLiterals].
func (s *Section) Literals(limits Limits) ([]Literal, error) {
	c := s.cursor()
	var literals []Literal
	var position uint64 // the end of the literal before
	err := c.items("literals", limits, func() error {
		literal, err := readLiteral(c, position)
		literals = append(literals, literal)
		position = uint64(literal.Position) + uint64(len(literal.Span))
		return err
	})
	if err != nil {
		return nil, err
	}
	return literals, nil
}

func readLiteral(c *cursor, position uint64) (Literal, error) {
	at := c.offset()
	kind, err := c.byte("kind of a literal")
	if err != nil {
		return Literal{}, err
	}
	if LiteralKind(kind) > LiteralQuote {
		return Literal{}, refuse(LiteralsKind, at, "a kind from 0 to 6", "%d", kind)
	}
	gapAt := c.offset()
	gap, err := c.varint("gap before a literal")
	if err != nil {
		return Literal{}, err
	}
	position += uint64(gap)
	lengthAt := c.offset()
	length, err := c.varint("length of a literal")
	if err != nil {
		return Literal{}, err
	}
	if length == 0 {
		return Literal{}, refuse(LiteralsSpan, lengthAt, "a literal of at least 1 byte", "none")
	}
	if end := position + uint64(length); end > 1<<32-1 {
		return Literal{}, refuse(LiteralsSpan, gapAt, "a literal that ends below 2^32", "%d", end)
	}
	spanAt := c.offset()
	span, err := c.take("literal", uint64(length))
	if err != nil {
		return Literal{}, err
	}
	if err := checkUTF8("literal", span, spanAt); err != nil {
		return Literal{}, err
	}
	return Literal{Kind: LiteralKind(kind), Position: uint32(position), Span: string(span)}, nil
}

// CheckSource expects every literal to stand in the text at its position: otherwise a message would
// mean one thing to who reads the text and another to who reads the literals.
func CheckSource(literals []Literal, text string) error {
	for _, literal := range literals {
		start, end := uint64(literal.Position), uint64(literal.Position)+uint64(len(literal.Span))
		if end > uint64(len(text)) || text[start:end] != literal.Span {
			return refuse(LiteralsSource, NoOffset, fmt.Sprintf("%.40q at byte %d of the text", literal.Span, start),
				"something else")
		}
	}
	return nil
}
