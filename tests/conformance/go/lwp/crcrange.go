package lwp

import "hash/crc32"

// ranges gives the CRC-32C of any range of bytes in a time that does not depend on its length
// (section 14.2).
type ranges struct {
	// sums[i] is the CRC-32C of the first i bytes.
	sums []uint32
}

func newRanges(bytes []byte) *ranges {
	r := &ranges{sums: make([]uint32, 1, len(bytes)+1)}
	sum := uint32(0)
	for i := range bytes {
		sum = crc32.Update(sum, castagnoli, bytes[i:i+1])
		r.sums = append(r.sums, sum)
	}
	return r
}

// checksum is that of the bytes from begin up to end.
func (r *ranges) checksum(begin, end int) uint32 {
	return r.sums[end] ^ multiply(r.sums[begin], power(uint64(end-begin)))
}

// Polynomials have their highest coefficient in the lowest bit, as CRCs do.
const (
	one    = 1 << 31
	xTo8   = 1 << 23
	lowest = 1
)

// power is x to the 8n, modulo the polynomial.
func power(n uint64) uint32 {
	product, square := uint32(one), uint32(xTo8)
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			product = multiply(product, square)
		}
		square = multiply(square, square)
	}
	return product
}

// multiply multiplies modulo the polynomial.
func multiply(a, b uint32) uint32 {
	product := uint32(0)
	for bit := uint32(one); bit != 0; bit >>= 1 {
		if a&bit != 0 {
			product ^= b
		}
		// b times x
		if b&lowest != 0 {
			b = b>>1 ^ crc32.Castagnoli
		} else {
			b >>= 1
		}
	}
	return product
}
