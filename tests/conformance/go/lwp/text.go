package lwp

import (
	"fmt"
	"unicode/utf8"
)

// text reads a text (section 2.2) of at least so many bytes. What is wrong with it is an error by the
// given id.
func (c *cursor) text(field string, atLeast byte, wrong ID) (string, error) {
	start := c.offset()
	length, err := c.byte(field)
	if err != nil {
		return "", err
	}
	if length < atLeast {
		return "", refuse(wrong, start, fmt.Sprintf("%s of at least %d byte", field, atLeast),
			"%d", length)
	}
	taken, err := c.take(field, uint64(length))
	if err != nil {
		return "", err
	}
	if !utf8.Valid(taken) {
		return "", refuse(wrong, start, field+" in UTF-8", "%q", taken)
	}
	for _, r := range string(taken) {
		if isControl(r) {
			return "", refuse(wrong, start, field+" without control characters", "%U", r)
		}
	}
	return string(taken), nil
}

// isControl tells the characters that a terminal or a log could obey.
func isControl(r rune) bool { return r <= 0x1F || r >= 0x7F && r <= 0x9F }
