package lwp

import "fmt"

// Stage is the lossless stage: bits 5 to 7 of the kind of latents.
type Stage byte

// The stages of section 6.
const (
	Stored         Stage = 0
	Zstd           Stage = 1
	ZstdDictionary Stage = 2
	Entropy        Stage = 3
)

// stage knows a lossless stage that compresses.
type stage struct {
	// needsResource says that both ends have something beside the packet.
	needsResource bool
	// suits says whether latents may be written by it. That is nil if all may.
	suits func(l *Latents) bool
	// restore gives the raw payload of the given length back.
	restore func(l *Latents, length uint64, resources Resources) ([]byte, error)
}

var stages = map[Stage]stage{
	Zstd: {restore: func(l *Latents, length uint64, _ Resources) ([]byte, error) {
		return restoreZstd(l.payload, l.payloadAt, length, LatentsCompressed, nil)
	}},
	ZstdDictionary: {needsResource: true, restore: func(l *Latents, length uint64, resources Resources) ([]byte, error) {
		dictionary, err := resources.dictionary(l)
		if err != nil {
			return nil, err
		}
		return restoreZstd(l.payload, l.payloadAt, length, LatentsCompressed, dictionary)
	}},
	Entropy: {needsResource: true, suits: suitsEntropy, restore: restoreEntropy},
}

// known says whether this reader has the stage.
func (s Stage) known() bool {
	_, compresses := stages[s]
	return s == Stored || compresses
}

var stageNames = map[Stage]string{
	Stored: "stored", Zstd: "zstd", ZstdDictionary: "zstd with a dictionary", Entropy: "entropy coder",
}

// String gives the name that the specification uses.
func (s Stage) String() string {
	if name, known := stageNames[s]; known {
		return name
	}
	return fmt.Sprintf("stage %d", byte(s))
}
