package lwp

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// FuzzDecode tries any bytes as a packet, and as the content of a packet whose length and checksum
// are right: a fuzzer does not find those by itself.
func FuzzDecode(f *testing.F) {
	paths, err := filepath.Glob("../../v*/*/*.lwp")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no vectors: %v", err)
	}
	for _, path := range paths {
		packet, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(packet)
	}
	f.Fuzz(func(t *testing.T, packet []byte) {
		check(t, packet)
		if preamble, err := readPreamble(packet); err == nil {
			end := max(preamble.end, len(packet)-checksumBytes)
			check(t, framed(preamble.flags, packet[preamble.end:end]))
		}
	})
}

// check expects numbers as the shape says or an error that says where.
func check(t *testing.T, packet []byte) {
	limits := RecommendedLimits()
	decoded, err := Decode(packet, limits)
	if err != nil {
		checkError(t, err, packet)
		return
	}
	for _, latents := range decoded.Latents {
		values, err := latents.Values(limits)
		if err != nil {
			checkError(t, err, packet)
			continue
		}
		if uint64(len(values.Numbers)+len(values.Indices)) != latents.elements() {
			t.Errorf("%d numbers and %d indices for the shape %v", len(values.Numbers), len(values.Indices), latents.Shape)
		}
		for _, number := range values.Numbers {
			if isInfOrNaN(number) {
				t.Fatalf("latents with %v", number)
			}
		}
	}
}

func checkError(t *testing.T, err error, packet []byte) {
	var refusal *Error
	if !errors.As(err, &refusal) {
		t.Fatalf("%T: %v", err, err)
	}
	if refusal.ID.Family() == "" || refusal.Offset < 0 || refusal.Offset > len(packet) {
		t.Errorf("of %d bytes: %v", len(packet), refusal)
	}
}
