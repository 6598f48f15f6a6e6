package lwp

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// trained is a dictionary in the format of RFC 8878.
func trained(t *testing.T, id uint32) []byte {
	t.Helper()
	samples := make([][]byte, 32)
	for i := range samples {
		samples[i] = fmt.Appendf(bytes.Repeat([]byte("latents of a space "), 8), "%d of %d", i*i, i)
	}
	dictionary, err := zstd.BuildDict(zstd.BuildDictOptions{
		ID: id, Contents: samples, History: bytes.Join(samples[:4], nil), Offsets: [3]int{1, 4, 8},
	})
	if err != nil {
		t.Fatal(err)
	}
	return dictionary
}

// unnamed is a frame that does not name its dictionary.
func unnamed(t *testing.T, frame []byte) []byte {
	t.Helper()
	header, err := readFrameHeader(&cursor{bytes: frame})
	if err != nil || header.dictionary == 0 {
		t.Fatalf("expected a frame that names a dictionary, found %+v, %v", header, err)
	}
	frame = slices.Delete(slices.Clone(frame), header.dictionaryAt, header.dictionaryAt+header.dictionaryBytes)
	frame[4] &^= 3
	return frame
}

// A frame may name a dictionary that is in the format, and another one it may not.
func TestFormattedDictionary(t *testing.T) {
	dictionary := trained(t, 70000)
	for name, single := range map[string]bool{"one segment": true, "with a window": false} {
		t.Run(name, func(t *testing.T) {
			frame := compress(t, content(), zstd.WithEncoderDict(dictionary), zstd.WithSingleSegment(single))
			for name, payload := range map[string][]byte{"named": frame, "not named": unnamed(t, frame)} {
				found, err := restoreZstd(payload, 0, uint64(len(content())), LatentsCompressed, dictionary)
				if err != nil || !bytes.Equal(found, content()) {
					t.Errorf("%s: found %d bytes, %v", name, len(found), err)
				}
			}
			for name, other := range map[string][]byte{
				"none": nil, "raw content": dictionary[4:], "one of another id": trained(t, 70001),
				"one that is cut short": dictionary[:9], "one without an id": dictionary[:6],
			} {
				t.Run(name, func(t *testing.T) {
					_, err := restoreZstd(frame, 0, uint64(len(content())), LatentsCompressed, other)
					refused(t, err, LatentsCompressed, 0)
				})
			}
		})
	}
}
