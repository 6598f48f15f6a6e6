package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing/iotest"

	"latentwire/conformance/lwp"
)

// checkStream recovers what is sound in a stream, reads it in order, and makes its index.
func (c *checker) checkStream(want stream) error {
	bytes, err := c.read(want.File)
	if err != nil {
		return err
	}
	index, err := c.read(want.Index)
	if err != nil {
		return err
	}
	made := lwp.Index(nil).Extend(bytes, c.limits).Bytes()
	return errors.Join(
		compare("parts", want.Parts, describeParts(lwp.Recover(bytes, c.limits))),
		c.checkInOrder(want.Parts, bytes),
		compare("index", fmt.Sprintf("%X", index), fmt.Sprintf("%X", made)),
	)
}

func describeParts(parts []lwp.Part) []part {
	described := []part{} // as JSON has it: empty, not missing
	for _, found := range parts {
		part := part{Begin: found.Begin, End: found.End}
		if found.Damage != nil {
			part.Damage = describeDamage(found.Damage.Err, found.Damage.Torn)
		}
		described = append(described, part)
	}
	return described
}

func describeDamage(finding *lwp.Error, torn bool) *damage {
	described := &damage{Error: string(finding.ID), Torn: torn}
	if finding.Offset != lwp.NoOffset {
		described.Offset = &finding.Offset
	}
	return described
}

// checkInOrder reads a stream, which arrives byte by byte, up to the first damage.
func (c *checker) checkInOrder(want []part, stream []byte) error {
	reader := lwp.NewStreamReader(iotest.OneByteReader(bytes.NewReader(stream)), c.limits)
	for _, part := range want {
		packet, err := reader.Next()
		if part.Damage == nil {
			if err != nil || !bytes.Equal(packet, stream[part.Begin:part.End]) {
				return fmt.Errorf("in order: expected the packet at byte %d, found %X, %w", part.Begin, packet, err)
			}
			continue
		}
		var failure *lwp.StreamError
		if !errors.As(err, &failure) {
			return fmt.Errorf("in order: expected %s at byte %d, found: %w", part.Damage.Error, part.Begin, err)
		}
		return errors.Join(
			compare("in order", part.Begin, failure.At),
			compare("in order", part.Damage, describeDamage(failure.Err, part.Damage.Torn)),
		)
	}
	if packet, err := reader.Next(); err != io.EOF {
		return fmt.Errorf("in order: expected the end, found %X, %w", packet, err)
	}
	return nil
}

// checkIndex takes up an index, reads every packet by it, and extends it.
func (c *checker) checkIndex(want index) error {
	bytes, err := c.read(want.File)
	if err != nil {
		return err
	}
	stream, err := c.read(want.Stream)
	if err != nil {
		return err
	}
	extended, err := c.useIndex(bytes, stream)
	if err != nil || want.Extended == nil {
		return want.compare(err)
	}
	wanted, err := c.read(*want.Extended)
	if err != nil {
		return err
	}
	return errors.Join(want.compare(nil), compare("extended", fmt.Sprintf("%X", wanted), fmt.Sprintf("%X", extended)))
}

func (c *checker) useIndex(bytes, stream []byte) ([]byte, error) {
	index, err := lwp.ParseIndex(bytes)
	if err != nil {
		return nil, err
	}
	if err := index.Check(stream); err != nil {
		return nil, err
	}
	for i := range index {
		if _, err := index[i].Read(stream, c.limits); err != nil {
			return nil, err
		}
	}
	return index.Extend(stream, c.limits).Bytes(), nil
}
