package lwp

import "fmt"

// Stage is the lossless stage: bits 5 to 7 of the kind of latents.
type Stage byte

// The stages of section 6.
const (
	Stored Stage = 0
	Zstd   Stage = 1
)

// restorer gives the raw payload of the given length back. The payload begins at a place in the
// packet, for errors.
type restorer func(payload []byte, at int, length uint64) ([]byte, error)

// restorers has the stages that compress.
var restorers = map[Stage]restorer{
	Zstd: restoreZstd,
}

// known says whether this reader has the stage.
func (s Stage) known() bool {
	_, compresses := restorers[s]
	return s == Stored || compresses
}

// String gives the name that the specification uses.
func (s Stage) String() string {
	switch s {
	case Stored:
		return "stored"
	case Zstd:
		return "zstd"
	default:
		return fmt.Sprintf("stage %d", byte(s))
	}
}
