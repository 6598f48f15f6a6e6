package lwp

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
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
	resources := vectorResources(f)
	f.Fuzz(func(t *testing.T, packet []byte) {
		check(t, packet, resources)
		checkBody(t, packet)
		if preamble, err := readPreamble(packet); err == nil {
			end := max(preamble.end, len(packet)-checksumBytes)
			check(t, framed(preamble.flags, packet[preamble.end:end]), resources)
		}
	})
}

// FuzzEntropy tries any bytes as tables, and as a stream that is coded with them. What can be read is
// what a writer writes: symbols have one stream.
func FuzzEntropy(f *testing.F) {
	shared := tablesFile(axisShared, []uint16{16, 4064, 16})
	f.Add(shared, []byte{0x00, 0x20, 0x12, 0x01, 0x00, 0x00}, byte(1), uint16(4))
	for _, axis := range []axis{axisColumn, axisRow} {
		file := tablesFile(axis, likely(3, 0), likely(3, 2))
		tables, err := ParseTables(file)
		if err != nil {
			f.Fatal(err)
		}
		stream := writeStream(some(4, 3), 1, func(i int) model { return tables.model(i/2, i%2) })
		f.Add(file, stream, byte(2), uint16(2))
	}
	f.Add(shared, bytes.Repeat([]byte{0, 0, 1, 0}, manyStates), byte(16), uint16(256))
	f.Fuzz(func(t *testing.T, file, stream []byte, rows byte, row uint16) {
		tables, err := ParseTables(file)
		if err != nil {
			checkError(t, err, file)
			return
		}
		if !tables.serves(tables.symbols, uint64(rows), uint64(row)) || rows == 0 || row == 0 {
			return
		}
		length := int(rows) * int(row)
		states := statesFor(uint64(length))
		at := func(i int) model { return tables.model(i/int(row), i%int(row)) }
		symbols, err := readStream(stream, length, states, at)
		if err != nil {
			checkError(t, err, append(make([]byte, streamAt), stream...))
			return
		}
		if written := writeStream(symbols, states, at); !bytes.Equal(written, stream) {
			t.Errorf("% X is read as %v, which is written as % X", stream, symbols, written)
		}
	})
}

// vectorResources are those of the vectors.
func vectorResources(f *testing.F) Resources {
	const folder = "../../v1.0"
	text, err := os.ReadFile(filepath.Join(folder, "manifest.json"))
	if err != nil {
		f.Fatal(err)
	}
	var manifest struct {
		Resources []struct{ Kind, File, Fingerprint string }
	}
	if err := json.Unmarshal(text, &manifest); err != nil {
		f.Fatal(err)
	}
	resources := Resources{Dictionaries: map[Fingerprint][]byte{}, Tables: map[Fingerprint]*Tables{}}
	for _, resource := range manifest.Resources {
		content, err := os.ReadFile(filepath.Join(folder, resource.File))
		if err != nil {
			f.Fatal(err)
		}
		name, err := hex.DecodeString(resource.Fingerprint)
		if err != nil {
			f.Fatal(err)
		}
		fingerprint := Fingerprint(name)
		if resource.Kind == "dictionary" {
			resources.Dictionaries[fingerprint] = content
		} else if resources.Tables[fingerprint], err = ParseTables(content); err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	return resources
}

// check expects numbers as the shape says or an error that says where.
func check(t *testing.T, packet []byte, resources Resources) {
	limits := RecommendedLimits()
	decoded, err := Decode(packet, limits)
	if err != nil {
		checkError(t, err, packet)
		return
	}
	for _, latents := range decoded.Latents {
		values, err := latents.Values(limits, resources)
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
