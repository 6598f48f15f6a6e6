package lwp

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// dictionaryMagic begins a dictionary in the format of RFC 8878, section 5. Any other is raw content.
const dictionaryMagic = "\x37\xA4\x30\xEC"

// dictionaryID is the id of a dictionary in that format, and 0 for raw content or none.
func dictionaryID(dictionary []byte) uint64 {
	if !strings.HasPrefix(string(dictionary), dictionaryMagic) || len(dictionary) < len(dictionaryMagic)+4 {
		return 0
	}
	return uint64(binary.LittleEndian.Uint32(dictionary[len(dictionaryMagic):]))
}

// zstdDecoder writes only into the capacity that it is given. A dictionary may be nil.
func zstdDecoder(dictionary []byte) (*zstd.Decoder, error) {
	options := []zstd.DOption{zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderConcurrency(1)}
	switch {
	case dictionary == nil:
	case strings.HasPrefix(string(dictionary), dictionaryMagic):
		options = append(options, zstd.WithDecoderDicts(dictionary))
	default: // content that comes before that of the frame
		options = append(options, zstd.WithDecoderDictRaw(0, dictionary))
	}
	return zstd.NewReader(nil, options...)
}

// withDictionary is a frame that names its dictionary. The decompressor finds a dictionary by its id
// only, and a frame need not name the one that both ends have agreed on.
func withDictionary(frame []byte, header zstdFrame, id uint64) []byte {
	const fourBytes = 3 // in the descriptor, behind the magic
	named := slices.Clone(frame[:header.dictionaryAt])
	named[4] |= fourBytes
	named = binary.LittleEndian.AppendUint32(named, uint32(id))
	return append(named, frame[header.dictionaryAt+header.dictionaryBytes:]...)
}
