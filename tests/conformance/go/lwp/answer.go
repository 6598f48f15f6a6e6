package lwp

// AnswerKind says how an answer space is described.
type AnswerKind byte

// The kinds of section 12.3.
const (
	AnswerChoices  AnswerKind = 0
	AnswerSchema   AnswerKind = 1
	AnswerFreeText AnswerKind = 2
)

// AnswerSpace is what the sender expects an answer to look like.
type AnswerSpace struct {
	Kind AnswerKind
	// Choices are what an answer is one of, for [AnswerChoices].
	Choices []string
	// Schema is a JSON Schema, unparsed, for [AnswerSchema].
	Schema string
	// MostTokens bounds a free text unless it is 0, for [AnswerFreeText].
	MostTokens uint32
}

// AnswerSpace reads the body of a section of type [TypeAnswerSpace].
func (s *Section) AnswerSpace(limits Limits) (AnswerSpace, error) {
	c := s.cursor()
	at := c.offset()
	kind, err := c.byte("kind of the answer space")
	if err != nil {
		return AnswerSpace{}, err
	}
	space := AnswerSpace{Kind: AnswerKind(kind)}
	switch space.Kind {
	case AnswerChoices:
		space.Choices, err = readChoices(c, limits)
	case AnswerSchema:
		space.Schema, err = readSchema(c)
	case AnswerFreeText:
		space.MostTokens, err = c.varint("tokens of an answer")
	default:
		err = refuse(AnswerKindUnknown, at, "a kind from 0 to 2", "%d", kind)
	}
	if err != nil {
		return AnswerSpace{}, err
	}
	return space, c.end()
}

func readChoices(c *cursor, limits Limits) ([]string, error) {
	var choices []string
	seen := map[string]bool{}
	err := c.items("choices", limits, func() error {
		choice, at, err := c.longText("choice")
		if err != nil {
			return err
		}
		if choice == "" || seen[choice] {
			return refuse(AnswerChoice, at, "a choice that is not empty and stands once", "%.40q", choice)
		}
		seen[choice] = true
		choices = append(choices, choice)
		return nil
	})
	return choices, err
}

func readSchema(c *cursor) (string, error) {
	at := c.offset()
	schema, err := c.atLeastOne("schema")
	if err != nil {
		return "", err
	}
	return string(schema), checkUTF8("schema", schema, at)
}
