package lwp

import (
	"hash/crc32"
	"math/rand/v2"
	"testing"
)

func TestChecksumOfARange(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	bytes := make([]byte, 5000)
	for i := range bytes {
		bytes[i] = byte(random.Uint32())
	}
	r := newRanges(bytes)
	for range 500 {
		begin := random.IntN(len(bytes) + 1)
		end := begin + random.IntN(len(bytes)-begin+1)
		if found, want := r.checksum(begin, end), crc32.Checksum(bytes[begin:end], castagnoli); found != want {
			t.Fatalf("bytes %d to %d: expected %08X, found %08X", begin, end, want, found)
		}
	}
}
