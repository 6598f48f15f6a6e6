package lwp

// varintBytes is the most that a number below 2^32 takes at seven bits a byte.
const varintBytes = 5

// varint reads a number below 2^32 (section 2.1).
func (c *cursor) varint(field string) (uint32, error) {
	start := c.offset()
	var number uint64
	for i := range varintBytes {
		taken, err := c.takePart(field, start, 1)
		if err != nil {
			return 0, err
		}
		b := taken[0]
		number |= uint64(b&0x7F) << (7 * i)
		if b&0x80 != 0 {
			continue
		}
		if b == 0 && i > 0 {
			return 0, refuse(VarintNotMinimal, start, field+" without superfluous bytes",
				"a zero as byte %d of the number", i+1)
		}
		if number > 1<<32-1 {
			return 0, refuse(VarintOverflow, start, field+" below 2^32", "%d", number)
		}
		return uint32(number), nil
	}
	return 0, refuse(VarintOverflow, start, field+" in at most 5 bytes", "a fifth byte with bit 7")
}
