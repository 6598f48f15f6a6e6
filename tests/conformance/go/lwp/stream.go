package lwp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
)

// shortestPacket is the length of the shortest packet and of the longest preamble.
const shortestPacket = 12

// StreamReader reads the packets of a stream in order (section 14.1).
type StreamReader struct {
	stream io.Reader
	limits Limits
	at     int
}

// NewStreamReader reads from the beginning of a stream.
func NewStreamReader(stream io.Reader, limits Limits) *StreamReader {
	return &StreamReader{stream: stream, limits: limits}
}

// StreamError is what stands in a stream where a packet should begin.
type StreamError struct {
	// At is where it begins in the stream.
	At int
	// Err has the finding, whose offset counts from there.
	Err *Error
}

// Error puts the whole finding on one line.
func (e *StreamError) Error() string { return fmt.Sprintf("at byte %d of the stream: %v", e.At, e.Err) }

// Unwrap gives the finding.
func (e *StreamError) Unwrap() error { return e.Err }

// Next gives the next packet, whose inside nobody has looked at, or [io.EOF] at the end of the stream.
// Another error is the stream's, or a [*StreamError], after which there is no reading on.
func (r *StreamReader) Next() ([]byte, error) {
	var packet bytes.Buffer // grows as bytes arrive
	if err := r.fill(&packet, shortestPacket); err != nil {
		return nil, err
	}
	if packet.Len() == 0 {
		return nil, io.EOF
	}
	total, err := frameLength(packet.Bytes(), r.limits)
	if err != nil {
		return nil, r.refuse(err)
	}
	if err := r.fill(&packet, total); err != nil {
		return nil, err
	}
	found, err := sound(packet.Bytes(), r.limits)
	if err != nil {
		return nil, r.refuse(err)
	}
	r.at += len(found)
	return found, nil
}

// fill reads on until there are so many bytes, or until the stream ends.
func (r *StreamReader) fill(packet *bytes.Buffer, length int) error {
	_, err := io.CopyN(packet, r.stream, int64(length-packet.Len()))
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func (r *StreamReader) refuse(err error) error {
	var finding *Error
	if !errors.As(err, &finding) {
		return err
	}
	return &StreamError{r.at, finding}
}

// frameLength gives the length of the packet that begins with these bytes, from its preamble alone.
func frameLength(front []byte, limits Limits) (int, error) {
	preamble, err := readPreamble(front)
	if err != nil {
		return 0, err
	}
	total, err := preamble.total(limits)
	return int(total), err
}

// sound gives the packet that these bytes begin with, if it is sound.
func sound(stream []byte, limits Limits) ([]byte, error) {
	total, err := frameLength(stream, limits)
	if err != nil {
		return nil, err
	}
	if len(stream) < total {
		return nil, refuse(PacketTruncated, len(stream), fmt.Sprintf("%d bytes", total), "%d", len(stream))
	}
	_, err = verifyChecksum(stream[:total])
	return stream[:total], err
}
