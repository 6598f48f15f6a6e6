package lwp

import "fmt"

// Latents is a tensor whose numbers have not been decoded yet (section 6).
type Latents struct {
	// Name tells tensors apart, and is empty for the one without.
	Name     string
	Encoding Encoding
	Stage    Stage
	// Shape has the extents, outermost first, each at least 1.
	Shape []uint32
	// Scales says how scales are written, and is nil for an encoding without them.
	Scales *Scales
	// Codebook is that of the encoding codes, and nil for any other.
	Codebook *Codebook
	// Resource is what a stage needs, and nil if that is nothing or if the route names it.
	Resource *Fingerprint

	kindAt    int
	codec     codec
	payload   []byte
	payloadAt int
}

// Bits of the kind.
const (
	encodingBits = 0x1F
	stageShift   = 5
)

// Bits of the form.
const (
	rankBits         = 0x03 // rank - 1
	scaleBits        = 0x3C // everything that describes scales
	granularityShift = 2
	wideBit          = 0x10
	asymmetricBit    = 0x20
	nameBit          = 0x40
	reservedFormBit  = 0x80
)

// readLatents is step 6.4 but for the name's being new and the place of a tensor without one. The
// tensors before have so many numbers.
func readLatents(s *section, selfContained bool, before uint64, limits Limits) (*Latents, error) {
	c := &cursor{bytes: s.body, base: s.bodyAt, short: FieldOverrun}
	l := &Latents{}
	if err := l.readKind(c); err != nil {
		return nil, err
	}
	form, err := l.readForm(c)
	if err != nil {
		return nil, err
	}
	if form&nameBit != 0 {
		if l.Name, err = c.text("name of a tensor", 1, LatentsName); err != nil {
			return nil, err
		}
	}
	if err := l.readShape(c, int(form&rankBits)+1, before, limits); err != nil {
		return nil, err
	}
	if err := l.readGroup(c); err != nil {
		return nil, err
	}
	if l.Encoding == Codes {
		if l.Codebook, err = readCodebook(c, selfContained); err != nil {
			return nil, err
		}
	}
	if err := l.readResource(c, selfContained); err != nil {
		return nil, err
	}
	l.payloadAt = c.offset()
	l.payload = c.rest()
	if err := l.checkLength(); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Latents) readKind(c *cursor) error {
	l.kindAt = c.offset()
	kind, err := c.byte("kind of latents")
	if err != nil {
		return err
	}
	l.Encoding, l.Stage = Encoding(kind&encodingBits), Stage(kind>>stageShift)
	codec, known := codecs[l.Encoding]
	if !known {
		return refuse(LatentsEncoding, l.kindAt, "a known encoding", "%d", byte(l.Encoding))
	}
	if !l.Stage.known() {
		return refuse(LatentsStage, l.kindAt, "a known lossless stage", "%d", byte(l.Stage))
	}
	l.codec = codec
	return nil
}

func (l *Latents) readForm(c *cursor) (byte, error) {
	at := c.offset()
	form, err := c.byte("form of latents")
	if err != nil {
		return 0, err
	}
	if !l.codec.scaled() && form&scaleBits != 0 {
		return 0, refuse(LatentsScaleBits, at, fmt.Sprintf("no scale bits with %v", l.Encoding), "%08b", form)
	}
	if form&reservedFormBit != 0 {
		return 0, refuse(LatentsLayout, at, "bit 7 clear", "%08b", form)
	}
	if !l.codec.zeroPoints() && form&asymmetricBit != 0 {
		return 0, refuse(LatentsLayout, at, fmt.Sprintf("no zero points with %v", l.Encoding), "%08b", form)
	}
	if l.codec.scaled() {
		l.Scales = &Scales{
			Granularity: Granularity(form >> granularityShift & 0x03),
			Wide:        form&wideBit != 0,
			Asymmetric:  form&asymmetricBit != 0,
		}
	}
	return form, nil
}

// readShape reads the extents, and holds the numbers of all tensors so far against their limit. 2^64
// or more are over any.
func (l *Latents) readShape(c *cursor, rank int, before uint64, limits Limits) error {
	start := c.offset()
	l.Shape = make([]uint32, rank)
	for axis := range l.Shape {
		at := c.offset()
		extent, err := c.varint("extent of an axis")
		if err != nil {
			return err
		}
		if extent == 0 {
			return refuse(LatentsExtent, at, "extents of at least 1", "0 for axis %d", axis)
		}
		l.Shape[axis] = extent
	}
	if total := saturatingAdd(before, l.elements()); total > limits.Elements || total == saturated {
		return refuse(LimitElements, start, fmt.Sprintf("at most %d numbers", limits.Elements), "%d", total)
	}
	return nil
}

// readGroup reads how many numbers share a scale, if the form says that groups do.
func (l *Latents) readGroup(c *cursor) error {
	if l.Scales == nil || l.Scales.Granularity != ByGroup {
		return nil
	}
	at := c.offset()
	group, err := c.varint("group")
	if err != nil {
		return err
	}
	if row := uint32(l.row()); group == 0 || group >= row || row%group != 0 {
		return refuse(LatentsGroup, at, fmt.Sprintf("a group that is shorter than a row of %d and divides it", row),
			"%d", group)
	}
	l.Scales.Group = group
	return nil
}

// readResource reads what a stage needs beside the packet, and checks whether the stage suits.
func (l *Latents) readResource(c *cursor, selfContained bool) error {
	stage := stages[l.Stage]
	if stage.needsResource && selfContained {
		l.Resource = new(Fingerprint)
		if err := c.copy("fingerprint of the resource", l.Resource[:]); err != nil {
			return err
		}
	}
	if stage.suits != nil && !stage.suits(l) {
		return refuse(LatentsStage, l.kindAt, fmt.Sprintf("a stage that suits %v", l.Encoding), "%v", l.Stage)
	}
	return nil
}

// checkLength compares the payload with what the shape asks for. A compressed payload that is not
// shorter could have been stored.
func (l *Latents) checkLength() error {
	length, found := l.rawLength(), uint64(len(l.payload))
	if l.Stage == Stored && found != length {
		return refuse(LatentsLength, l.payloadAt, fmt.Sprintf("a payload of %d bytes", length), "%d", found)
	}
	if l.Stage != Stored && found >= length {
		return refuse(LatentsLength, l.payloadAt, fmt.Sprintf("a compressed payload below %d bytes", length),
			"%d", found)
	}
	return nil
}

// Values takes steps 8 to 10 of section 8. An error is always an [*Error].
func (l *Latents) Values(limits Limits, resources Resources) (Values, error) {
	raw, err := l.restore(limits, resources)
	if err != nil {
		return Values{}, err
	}
	return l.codec.decode(l, raw)
}

// restore takes steps 8 and 9: it undoes the lossless stage.
func (l *Latents) restore(limits Limits, resources Resources) (raw, error) {
	length := l.rawLength()
	if length > limits.DecompressedBytes {
		return raw{}, refuse(LimitDecompressedBytes, l.payloadAt,
			fmt.Sprintf("a raw payload of at most %d bytes", limits.DecompressedBytes), "%d", length)
	}
	restored := raw{bytes: l.payload, at: l.payloadAt}
	if stage, compressed := stages[l.Stage]; compressed {
		content, err := stage.restore(l, length, resources)
		if err != nil {
			return raw{}, err
		}
		restored.bytes, restored.restored = content, true
	}
	return restored, nil
}

func (l *Latents) rawLength() uint64 { return l.codec.rawLength(l) }

// row is the length of a row.
func (l *Latents) row() uint64 { return uint64(l.Shape[len(l.Shape)-1]) }

// rows is the number of rows along the last axis. It saturates.
func (l *Latents) rows() uint64 { return product(l.Shape[:len(l.Shape)-1]) }

// elements is the number of numbers. It saturates.
func (l *Latents) elements() uint64 { return product(l.Shape) }
