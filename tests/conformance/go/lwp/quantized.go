package lwp

import "fmt"

// quantized is the codec of the encodings in which a number is a level times a scale (section 6.3).
type quantized struct{ levels levels }

func (q quantized) scaled() bool { return true }

func (q quantized) zeroPoints() bool { return q.levels.asymmetric }

func (q quantized) rawLength(l *Latents) uint64 {
	return saturatingAdd(q.beforeCodes(l), saturatingMul(l.rows(), packedRow(l.row(), q.levels.bits)))
}

// beforeCodes is the length of the scales and the zero points. It saturates.
func (q quantized) beforeCodes(l *Latents) uint64 {
	blocks := l.blocks().count
	length := saturatingMul(blocks, uint64(l.Scales.width().size))
	if l.Scales.Asymmetric {
		length = saturatingAdd(length, blocks)
	}
	return length
}

func (q quantized) coded(l *Latents) *coded {
	coded := &coded{symbols: q.levels.symbols, bits: q.levels.bits, first: q.levels.first, before: q.beforeCodes(l)}
	if l.Scales.Asymmetric {
		coded.symbols, coded.first = q.levels.largestCode()+1, 0
	}
	return coded
}

func (q quantized) decode(l *Latents, raw raw) (Values, error) {
	t := tensor{Latents: l, raw: raw, levels: q.levels, blocks: l.blocks()}
	if err := t.readScales(); err != nil {
		return Values{}, err
	}
	if err := t.readZeroPoints(); err != nil {
		return Values{}, err
	}
	values, err := t.readRows()
	if err != nil {
		return Values{}, err
	}
	return Values{Numbers: values}, t.checkWidth()
}

// tensor is a tensor of quantized numbers while it is decoded.
type tensor struct {
	*Latents
	raw    raw
	next   int // bytes of raw that have been read
	levels levels
	blocks blocks
	scales []float32
	// zeroPoints are nil if the tensor is symmetric.
	zeroPoints []byte
}

// largest is the largest level in any block.
func (t *tensor) largest() int {
	if t.Scales.Asymmetric {
		return t.levels.largestCode()
	}
	return t.levels.largest
}

func (t *tensor) readScales() error {
	width := t.Scales.width()
	t.scales = make([]float32, t.blocks.count)
	for i := range t.scales {
		scale := width.value(t.raw.bytes[t.next : t.next+width.size])
		if !width.writable(scale, float32(t.largest())) {
			return refuse(LatentsScale, t.raw.offset(t.next),
				fmt.Sprintf("+0 or a positive normal %s of 11 bits with a finite %d-fold", width.name, t.largest()),
				"%v as scale %d", scale, i)
		}
		t.scales[i] = scale
		t.next += width.size
	}
	return nil
}

func (t *tensor) readZeroPoints() error {
	if !t.Scales.Asymmetric {
		return nil
	}
	t.zeroPoints = t.raw.bytes[t.next : t.next+len(t.scales)]
	for i, zeroPoint := range t.zeroPoints {
		most := t.levels.largestCode()
		if t.scales[i] == 0 {
			most = 0
		}
		if int(zeroPoint) > most {
			return refuse(LatentsZeroPoint, t.raw.offset(t.next+i),
				fmt.Sprintf("a zero point of at most %d under a scale of %v", most, t.scales[i]), "%d", zeroPoint)
		}
	}
	t.next += len(t.zeroPoints)
	return nil
}

func (t *tensor) readRows() ([]float32, error) {
	values := make([]float32, t.elements())
	codes := make([]uint16, t.row())
	packed := int(packedRow(t.row(), t.levels.bits))
	run := int(t.blocks.run)
	runs := len(codes) / run
	for row := range int(t.rows()) {
		bytes := t.raw.bytes[t.next : t.next+packed]
		if err := checkPadding(t.raw, t.next, bytes, len(codes), t.levels.bits); err != nil {
			return nil, err
		}
		unpack(codes, bytes, t.levels.bits)
		for r := range runs {
			first := r * run
			to := values[row*len(codes)+first:]
			if err := t.readRun(to, codes[first:first+run], t.blocks.of(row, r, runs), first); err != nil {
				return nil, err
			}
		}
		t.next += packed
	}
	return values, nil
}

// readRun gives the numbers of a run, whose first code is at a place of the row that is being read.
// The products are exact: a scale has 11 significant bits, a level at most 8.
func (t *tensor) readRun(values []float32, codes []uint16, block, first int) error {
	scale := t.scales[block]
	largest := 0
	for i, code := range codes {
		level, allowed := t.level(int(code), block)
		if !allowed || scale == 0 && level != t.zero() {
			return refuse(LatentsQuantum, t.codeAt(first), fmt.Sprintf("an allowed code under a scale of %v", scale),
				"%d", code)
		}
		largest = max(largest, level, -level)
		values[i] = float32(level) * scale
	}
	// The scales of blocks that reach over rows may come from rows that were cut off.
	if t.zeroPoints == nil && t.blocks.within && scale > 0 && largest != t.levels.largest {
		return refuse(LatentsQuantum, t.codeAt(first), fmt.Sprintf("%d as the largest level of a block", t.levels.largest),
			"%d", largest)
	}
	return nil
}

// level is that of a code in a block, and whether the code is allowed.
func (t *tensor) level(code, block int) (int, bool) {
	if t.zeroPoints != nil {
		return code - int(t.zeroPoints[block]), true
	}
	return t.levels.level(code)
}

// zero is the level of every number under a scale of 0.
func (t *tensor) zero() int {
	if t.zeroPoints != nil {
		return 0
	}
	return t.levels.zero
}

// codeAt is the place of a code of the row that is being read.
func (t *tensor) codeAt(i int) int { return t.raw.offset(t.next + i*t.levels.bits/8) }

// checkWidth refuses wide scales that narrow ones could all have held.
func (t *tensor) checkWidth() error {
	if !t.Scales.Wide {
		return nil
	}
	for _, scale := range t.scales {
		if !fitsFloat16(scale) {
			return nil
		}
	}
	return refuse(LatentsScale, t.raw.offset(0), "scales in f16, which could hold them all", "scales in f32")
}
