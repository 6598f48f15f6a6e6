package lwp

import (
	"fmt"
	"math/bits"
)

// varint reads a number below 2^32 (section 2.1).
func (c *cursor) varint(field string) (uint32, error) {
	number, err := c.varintOf(32, field)
	return uint32(number), err
}

// varint64 reads a number below 2^64 (section 12.4).
func (c *cursor) varint64(field string) (uint64, error) {
	return c.varintOf(64, field)
}

// varintOf reads a number of so many bits, seven a byte.
func (c *cursor) varintOf(width int, field string) (uint64, error) {
	start := c.offset()
	most := (width + 6) / 7
	var number uint64
	for i := range most {
		taken, err := c.takePart(field, start, 1)
		if err != nil {
			return 0, err
		}
		b := taken[0]
		payload := uint64(b & 0x7F)
		number |= payload << (7 * i)
		if b&0x80 != 0 {
			continue
		}
		if b == 0 && i > 0 {
			return 0, refuse(VarintNotMinimal, start, field+" without superfluous bytes",
				"a zero as byte %d of the number", i+1)
		}
		if 7*i+bits.Len64(payload) > width {
			return 0, refuse(VarintOverflow, start, fmt.Sprintf("%s below 2^%d", field, width), "more")
		}
		return number, nil
	}
	return 0, refuse(VarintOverflow, start, fmt.Sprintf("%s in at most %d bytes", field, most), "bit 7 in the last of them")
}
