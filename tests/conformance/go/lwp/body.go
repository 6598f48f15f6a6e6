package lwp

import (
	"fmt"
	"unicode/utf8"
)

// What the bodies of sections have in common (section 12).

// cursor reads the body of a section.
func (s *Section) cursor() *cursor {
	return &cursor{bytes: s.Body, base: s.bodyAt, short: FieldOverrun}
}

// items reads a list that runs to the end of the body and has at least one item.
func (c *cursor) items(what string, limits Limits, item func() error) error {
	for count := 0; c.left() > 0 || count == 0; count++ {
		if count >= limits.Items {
			return refuse(LimitItems, c.offset(), fmt.Sprintf("at most %d %s", limits.Items, what), "another")
		}
		if err := item(); err != nil {
			return err
		}
	}
	return nil
}

// atLeastOne reads the bytes that are left, which are a field of at least 1.
func (c *cursor) atLeastOne(field string) ([]byte, error) {
	return c.take(field, uint64(max(c.left(), 1)))
}

// end expects that no bytes follow the last field.
func (c *cursor) end() error {
	if c.left() > 0 {
		return refuse(SectionTrailingBytes, c.offset(), "the end of the section", "%d more bytes", c.left())
	}
	return nil
}

// longText reads a varint of its bytes, then so many bytes of UTF-8, and gives the place of the first.
func (c *cursor) longText(field string) (text string, at int, err error) {
	at = c.offset()
	length, err := c.varint("length of " + field)
	if err != nil {
		return "", at, err
	}
	bytes, err := c.take(field, uint64(length))
	if err != nil {
		return "", at, err
	}
	return string(bytes), at, checkUTF8(field, bytes, at)
}

// checkUTF8 is about the text of a section that begins at a place of the packet. Unlike a name it may
// have control characters.
func checkUTF8(field string, text []byte, at int) error {
	if !utf8.Valid(text) {
		return refuse(SectionUTF8, at, field+" in UTF-8", "%.40q", text)
	}
	return nil
}
