package lwp

import (
	"os"
	"path/filepath"
	"testing"
)

// seeds adds the files that are vectors of a kind.
func seeds(f *testing.F, pattern string) {
	paths, err := filepath.Glob(filepath.Join("../../v*", pattern))
	if err != nil || len(paths) == 0 {
		f.Fatalf("no vectors: %v", err)
	}
	for _, path := range paths {
		bytes, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(bytes)
	}
}

// FuzzVerify tries any bytes as a sealed packet, and as the content of one whose length and checksum
// are right, with keys whose ids are all there are.
func FuzzVerify(f *testing.F) {
	seeds(f, "sealed/*.lwp")
	f.Fuzz(func(t *testing.T, packet []byte) {
		checkSeal(t, packet)
		if preamble, err := readPreamble(packet); err == nil {
			end := max(preamble.end, len(packet)-checksumBytes)
			checkSeal(t, framed(preamble.flags, packet[preamble.end:end]))
		}
	})
}

func checkSeal(t *testing.T, bytes []byte) {
	routes := map[uint32]Route{5: {Codebook: &Fingerprint{}, Tables: &Fingerprint{}}}
	limits := RecommendedLimits()
	packet, err := Decode(bytes, limits)
	if err != nil {
		return
	}
	if packet.Compact != nil {
		routes[packet.Compact.Route] = routes[5]
	}
	seal, err := readSeal(packet)
	if err != nil {
		checkError(t, err, bytes)
		return
	}
	verifier := NewVerifier(SharedKey(seal.Key, seal.Algorithm, [32]byte{}))
	if _, _, err := verifier.Verify(bytes, routes, limits); err != nil {
		checkError(t, err, bytes)
	}
}

// FuzzOpen tries any bytes as an encrypted packet, and as what is encrypted in one.
func FuzzOpen(f *testing.F) {
	seeds(f, "encrypted/*")
	f.Fuzz(func(t *testing.T, packet []byte) {
		key := &EnvelopeKey{ID: KeyID([]byte("envelope"))}
		opened, err := Open(packet, key, RecommendedLimits())
		if err == nil {
			t.Fatalf("% X was opened with a key of zeros, and holds % X", packet, opened)
		}
		checkError(t, err, packet)
	})
}

// FuzzStream tries any bytes as a stream and as an index.
func FuzzStream(f *testing.F) {
	seeds(f, "streams/*")
	seeds(f, "indexes/*")
	f.Fuzz(func(t *testing.T, stream []byte) {
		limits := RecommendedLimits()
		limits.TotalBytes = 1 << 12
		checkStream(t, stream, limits)
		checkIndexOf(t, stream, limits)
		if index, err := ParseIndex(stream); err == nil && string(index.Bytes()) != string(stream) {
			t.Errorf("% X is read as %v", stream, index)
		}
	})
}
