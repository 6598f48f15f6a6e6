package lwp

import (
	"bytes"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// content is what a test compresses: 256 numbers of which most are alike.
func content() []byte {
	numbers := bytes.Repeat([]byte{0, 0, 0x80, 0x3F}, 256)
	copy(numbers[400:], "0123456789abcdef")
	return numbers
}

// zstdBody is the body of 256 f32 with this payload.
func zstdBody(payload []byte) []byte {
	return append([]byte{byte(F32) | byte(Zstd)<<stageShift, 0, 0x80, 0x02}, payload...)
}

func compress(t *testing.T, content []byte, options ...zstd.EOption) []byte {
	t.Helper()
	encoder, err := zstd.NewWriter(nil, options...)
	if err != nil {
		t.Fatal(err)
	}
	return encoder.EncodeAll(content, nil)
}

func TestZstd(t *testing.T) {
	for name, frame := range map[string][]byte{
		"with a checksum":    compress(t, content(), zstd.WithEncoderCRC(true)),
		"without a checksum": compress(t, content(), zstd.WithEncoderCRC(false)),
		"one segment":        compress(t, content(), zstd.WithSingleSegment(true)),
		"with a window":      compress(t, content(), zstd.WithSingleSegment(false), zstd.WithWindowSize(1<<20)),
	} {
		t.Run(name, func(t *testing.T) {
			found, err := read(withLatents(zstdBody(frame)...), RecommendedLimits())
			if err != nil {
				t.Fatal(err)
			}
			stored := append([]byte{byte(F32), 0, 0x80, 0x02}, content()...)
			want, err := read(withLatents(stored...), RecommendedLimits())
			if err != nil || !slices.Equal(found.Numbers, want.Numbers) {
				t.Errorf("expected %v, found %v", want, found)
			}
		})
	}
}

func TestZstdRefusals(t *testing.T) {
	frame := compress(t, content(), zstd.WithEncoderCRC(true))
	skippable := []byte{0x50, 0x2A, 0x4D, 0x18, 1, 0, 0, 0, 'x'}
	damaged := slices.Clone(frame)
	damaged[len(damaged)-1] ^= 1
	// A magic, a descriptor, a content size of 1024 and one block of the type.
	oneBlock := func(descriptor byte, block ...byte) []byte {
		return append([]byte{0x28, 0xB5, 0x2F, 0xFD, descriptor, 0x00, 0x03}, block...)
	}
	for _, c := range []struct {
		name  string
		frame []byte
	}{
		{"a frame cut short", frame[:len(frame)-1]},
		{"a byte behind it", append(slices.Clone(frame), 0)},
		{"a second frame", slices.Concat(frame, frame)},
		{"a window above the limit", []byte{0x28, 0xB5, 0x2F, 0xFD, 0x40, 8<<3 | 1, 0x00, 0x03, 0x03, 0x20, 0x00, 0}},
		{"a skippable frame before", slices.Concat(skippable, frame)},
		{"a skippable frame behind", slices.Concat(frame, skippable)},
		{"another content size", compress(t, content()[:1023])},
		{"no content size", []byte{0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x00, 0x03, 0x00, 0x00, 0x01}},
		{"its checksum", damaged},
		{"the reserved bit", oneBlock(0x68, 0x03, 0x20, 0x00, 0)},
		{"a dictionary", []byte{0x28, 0xB5, 0x2F, 0xFD, 0x61, 0x07, 0x00, 0x03, 0x03, 0x20, 0x00, 0}},
		{"a reserved block", oneBlock(0x60, 0x07, 0x20, 0x00, 0)},
		{"less content than said", oneBlock(0x60, 0xFB, 0x1F, 0x00, 0)},
		{"more content than said", oneBlock(0x60, 0x0B, 0x20, 0x00, 0)},
	} {
		t.Run(c.name, func(t *testing.T) {
			packet := withLatents(zstdBody(c.frame)...)
			_, err := read(packet, RecommendedLimits())
			payload := len(packet) - checksumBytes - len(c.frame) // where it begins
			refused(t, err, LatentsCompressed, payload)
		})
	}
}

// A dictionary id of 0 means none (RFC 8878, section 3.1.1.1.3).
func TestZstdDictionaryZero(t *testing.T) {
	frame := []byte{0x28, 0xB5, 0x2F, 0xFD, 0x61, 0x00, 0x00, 0x03, 0x03, 0x20, 0x00, 0}
	if _, err := read(withLatents(zstdBody(frame)...), RecommendedLimits()); err != nil {
		t.Error(err)
	}
}

// The same frame means something else after another dictionary, and nothing without one.
func TestZstdDictionary(t *testing.T) {
	dictionary := content()[300:500]
	frame := compress(t, content(), zstd.WithEncoderDictRaw(0, dictionary), zstd.WithEncoderCRC(true))
	body := append([]byte{byte(F32) | byte(ZstdDictionary)<<stageShift, 0, 0x80, 0x02}, book...)
	decoded, err := Decode(withLatents(append(body, frame...)...), RecommendedLimits())
	if err != nil {
		t.Fatal(err)
	}
	latents := decoded.Latents[0]
	read := func(dictionary []byte) error {
		known := map[Fingerprint][]byte{*latents.Resource: dictionary}
		_, err := latents.Values(RecommendedLimits(), Resources{Dictionaries: known})
		return err
	}
	if err := read(dictionary); err != nil {
		t.Error(err)
	}
	refused(t, read(make([]byte, len(dictionary))), LatentsCompressed, latents.payloadAt)
	_, err = latents.Values(RecommendedLimits(), Resources{})
	refused(t, err, LatentsResource, latents.payloadAt)
}
