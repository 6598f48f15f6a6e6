package lwp

import "fmt"

// Stages of the text.
const (
	textStored = 0
	textZstd   = 1
)

// Text reads the body of a section of type [TypeText]: the source.
func (s *Section) Text(limits Limits) (string, error) {
	c := s.cursor()
	at := c.offset()
	stage, err := c.byte("stage of the text")
	if err != nil {
		return "", err
	}
	if stage != textStored && stage != textZstd {
		return "", refuse(TextStage, at, "stage 0 or 1", "%d", stage)
	}
	at = c.offset()
	text, err := c.atLeastOne("text")
	if err != nil {
		return "", err
	}
	if stage == textZstd {
		text, err = restoreText(text, at, limits)
	} else {
		err = checkTextLimit(uint64(len(text)), at, limits)
	}
	if err != nil {
		return "", err
	}
	return string(text), checkUTF8("text", text, at)
}

func restoreText(frame []byte, at int, limits Limits) ([]byte, error) {
	length, err := declaredSize(frame, at, TextCompressed)
	if err != nil {
		return nil, err
	}
	if err := checkTextLimit(length, at, limits); err != nil {
		return nil, err
	}
	if uint64(len(frame)) >= length {
		return nil, refuse(TextLength, at, fmt.Sprintf("a compressed text below %d bytes", length), "%d", len(frame))
	}
	return restoreZstd(frame, at, length, TextCompressed, nil)
}

func checkTextLimit(length uint64, at int, limits Limits) error {
	if length > limits.DecompressedBytes {
		return refuse(LimitDecompressedBytes, at, fmt.Sprintf("a text of at most %d bytes", limits.DecompressedBytes),
			"%d", length)
	}
	return nil
}
