package lwp

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Entry is a key of metadata with its value: nil, a bool, an int64, a float64, a string or a []byte.
type Entry struct {
	Key   string
	Value any
}

// Types of values.
const (
	valueNull    = 0
	valueFalse   = 1
	valueTrue    = 2
	valueInteger = 3
	valueFloat   = 4
	valueText    = 5
	valueBytes   = 6
)

// Metadata reads the body of a section of type [TypeMetadata].
func (s *Section) Metadata(limits Limits) ([]Entry, error) {
	c := s.cursor()
	var entries []Entry
	err := c.items("entries of metadata", limits, func() error {
		at := c.offset()
		key, err := c.text("key", 1, MetadataKey)
		if err != nil {
			return err
		}
		if last := len(entries) - 1; last >= 0 && key <= entries[last].Key {
			return refuse(MetadataOrder, at, fmt.Sprintf("a key after %q", entries[last].Key), "%q", key)
		}
		value, err := readValue(c)
		entries = append(entries, Entry{Key: key, Value: value})
		return err
	})
	if err != nil {
		return nil, err
	}
	return entries, nil
}

func readValue(c *cursor) (any, error) {
	at := c.offset()
	kind, err := c.byte("type of a value")
	if err != nil {
		return nil, err
	}
	switch kind {
	case valueNull:
		return nil, nil
	case valueFalse, valueTrue:
		return kind == valueTrue, nil
	case valueInteger:
		return readInteger(c)
	case valueFloat:
		return readFloat(c)
	case valueText:
		text, _, err := c.longText("text of a value")
		return text, err
	case valueBytes:
		length, err := c.varint("length of a value")
		if err != nil {
			return nil, err
		}
		return c.take("bytes of a value", uint64(length))
	default:
		return nil, refuse(MetadataType, at, "a type from 0 to 6", "%d", kind)
	}
}

// readInteger reads 2n for n at least 0, and -2n - 1 below.
func readInteger(c *cursor) (int64, error) {
	zigzag, err := c.varint64("integer")
	if err != nil {
		return 0, err
	}
	return int64(zigzag>>1) ^ -int64(zigzag&1), nil
}

func readFloat(c *cursor) (float64, error) {
	at := c.offset()
	bytes, err := c.take("float", 8)
	if err != nil {
		return 0, err
	}
	value := math.Float64frombits(binary.LittleEndian.Uint64(bytes))
	if math.IsInf(value, 0) || math.IsNaN(value) || value == 0 && math.Signbit(value) {
		return 0, refuse(MetadataValue, at, "a finite number that is not -0", "%v", value)
	}
	return value, nil
}
