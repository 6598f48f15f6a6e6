package lwp

import "fmt"

// cursor reads fields from front to back and knows where in the packet they stand.
type cursor struct {
	bytes []byte // what holds the fields
	base  int    // where bytes begin in the packet
	next  int    // how many of them have been read
	short ID     // the finding if they run out
}

// offset is the place in the packet of the next byte.
func (c *cursor) offset() int { return c.base + c.next }

// left counts the bytes that have not been read.
func (c *cursor) left() int { return len(c.bytes) - c.next }

// rest reads whatever is left.
func (c *cursor) rest() []byte {
	rest := c.bytes[c.next:]
	c.next = len(c.bytes)
	return rest
}

// take reads the next n bytes, which are a whole field. They are not copied.
func (c *cursor) take(field string, n uint64) ([]byte, error) {
	return c.takePart(field, c.offset(), n)
}

// takePart reads the next n bytes of a field that began at start.
func (c *cursor) takePart(field string, start int, n uint64) ([]byte, error) {
	if n > uint64(c.left()) {
		if c.short == PacketTruncated {
			// Of a packet that is cut short, the place that counts is the end of what is there.
			start = c.base + len(c.bytes)
		}
		return nil, refuse(c.short, start, fmt.Sprintf("%d bytes of %s", n, field), "%d", c.left())
	}
	taken := c.bytes[c.next : c.next+int(n)]
	c.next += int(n)
	return taken, nil
}

// byte reads one byte.
func (c *cursor) byte(field string) (byte, error) {
	taken, err := c.take(field, 1)
	if err != nil {
		return 0, err
	}
	return taken[0], nil
}
