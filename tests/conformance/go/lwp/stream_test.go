package lwp

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/iotest"
	"time"
)

// simply recovers a stream by looking at every byte: what Recover has to find.
func simply(stream []byte, limits Limits) []Part {
	var parts []Part
	for at := 0; at < len(stream); {
		packet, err := sound(stream[at:], limits)
		if err == nil {
			parts = append(parts, Part{Begin: at, End: at + len(packet)})
			at += len(packet)
			continue
		}
		end := at + 1
		for ; end < len(stream); end++ {
			if _, err := sound(stream[end:], limits); err == nil {
				break
			}
		}
		damage := &Damage{Torn: end == len(stream) && errors.Is(err, PacketTruncated)}
		errors.As(err, &damage.Err)
		parts = append(parts, Part{at, end, damage})
		at = end
	}
	return parts
}

// checkStream holds everything that reads streams against each other.
func checkStream(t *testing.T, stream []byte, limits Limits) {
	t.Helper()
	parts := Recover(stream, limits)
	same := func(a, b Part) bool {
		if a.Damage == nil || b.Damage == nil {
			return a == b
		}
		return a.Begin == b.Begin && a.End == b.End && a.Damage.Torn == b.Damage.Torn && *a.Damage.Err == *b.Damage.Err
	}
	if wanted := simply(stream, limits); !slices.EqualFunc(parts, wanted, same) {
		t.Fatalf("% X: expected %v, found %v", stream, wanted, parts)
	}
	reader := NewStreamReader(iotest.HalfReader(bytes.NewReader(stream)), limits)
	for _, part := range parts {
		packet, err := reader.Next()
		if part.Damage == nil {
			if err != nil || !bytes.Equal(packet, stream[part.Begin:part.End]) {
				t.Fatalf("% X: expected the packet at %d, found %v", stream, part.Begin, err)
			}
			continue
		}
		var failure *StreamError
		if !errors.As(err, &failure) || failure.At != part.Begin || *failure.Err != *part.Damage.Err {
			t.Fatalf("% X: expected %v at %d, found %v", stream, part.Damage.Err, part.Begin, err)
		}
		return
	}
	if _, err := reader.Next(); err != io.EOF {
		t.Fatalf("% X: expected the end, found %v", stream, err)
	}
}

// checkIndexOf makes the index of a stream and reads every packet by it.
func checkIndexOf(t *testing.T, stream []byte, limits Limits) {
	t.Helper()
	made := Index(nil).Extend(stream, limits)
	index, err := ParseIndex(made.Bytes())
	if err != nil || !slices.Equal(index, made) || index.Check(stream) != nil {
		t.Fatalf("% X: expected %v, found %v, %v", stream, made, index, err)
	}
	for i := range index {
		if _, err := index[i].Read(stream, limits); err != nil {
			t.Fatalf("% X: %v", stream, err)
		}
	}
	if extended := index[:len(index)/2].Extend(stream, limits); !slices.Equal(extended, made) {
		t.Fatalf("% X: expected %v, found %v", stream, made, extended)
	}
}

func TestStreamsOfPacketsAndOtherBytes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	limits := RecommendedLimits()
	limits.TotalBytes = 64
	pieces := [][]byte{
		framed(0, bytes.Repeat([]byte{1}, 20)), framed(1, []byte("abcde")), framed(0xFF, nil),
		framed(2, framed(1, []byte("inside"))), framed(0, make([]byte, 60)), []byte(magic), {0x89}, {0},
	}
	for range 3000 {
		var stream []byte
		for range random.IntN(7) {
			stream = append(stream, pieces[random.IntN(len(pieces))]...)
		}
		for range random.IntN(3) {
			if len(stream) > 0 {
				stream[random.IntN(len(stream))] ^= 1 << random.IntN(8)
			}
		}
		stream = stream[:len(stream)-random.IntN(len(stream)+1)/3]
		checkStream(t, stream, limits)
		checkIndexOf(t, stream, limits)
	}
}

// Every few bytes claim to be a packet of a megabyte: to sum each would take hours.
func TestRecoveryTakesTimeInProportion(t *testing.T) {
	claim := append([]byte(magic), 1, 0, 0, 0x80, 0x80, 0x40)
	stream := bytes.Repeat(claim, 1<<18)
	begin := time.Now()
	parts := Recover(stream, RecommendedLimits())
	if len(parts) != 1 || parts[0].Damage.Err.ID != ChecksumMismatch {
		t.Errorf("found %v", parts)
	}
	if took := time.Since(begin); took > 30*time.Second {
		t.Errorf("it took %v", took)
	}
}

// A claim is not believed: nothing is allocated for what does not arrive.
func TestNothingIsAllocatedByALength(t *testing.T) {
	claim := append([]byte(magic), 1, 0, 0, 0xF0, 0xFF, 0xFF, 0x07, 0, 0)
	allocated := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if _, err := NewStreamReader(bytes.NewReader(claim), RecommendedLimits()).Next(); !errors.Is(err, PacketTruncated) {
				b.Fatal(err)
			}
		}
	}).AllocedBytesPerOp()
	if allocated > 1<<16 {
		t.Errorf("%d bytes were allocated", allocated)
	}
}
