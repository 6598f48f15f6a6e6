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
		checkBody(t, packet)
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
		values, err := latents.Values(limits, Resources{})
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
	for _, s := range decoded.Sections {
		checkBody(t, s.Body)
	}
}

// checkBody reads the body of a section as that of every type.
func checkBody(t *testing.T, body []byte) {
	s := &Section{Body: body}
	limits := RecommendedLimits()
	literals, literalsErr := s.Literals(limits)
	text, textErr := s.Text(limits)
	_, answerErr := s.AnswerSpace(limits)
	_, metadataErr := s.Metadata(limits)
	_, traceErr := s.Trace()
	for _, err := range []error{literalsErr, textErr, answerErr, metadataErr, traceErr, CheckSource(literals, text)} {
		if err != nil {
			checkError(t, err, body)
		}
	}
}

func checkError(t *testing.T, err error, packet []byte) {
	var refusal *Error
	if !errors.As(err, &refusal) {
		t.Fatalf("%T: %v", err, err)
	}
	if refusal.ID.Family() == "" || refusal.Offset < NoOffset || refusal.Offset > len(packet) {
		t.Errorf("of %d bytes: %v", len(packet), refusal)
	}
}
