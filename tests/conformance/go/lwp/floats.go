package lwp

import "math"

// floats is the codec of the encodings that write each number by itself (section 6.2).
type floats struct {
	size  int
	value func([]byte) float32
}

func (f floats) scaled() bool { return false }

func (f floats) zeroPoints() bool { return false }

func (f floats) rawLength(l *Latents) uint64 {
	return saturatingMul(l.elements(), uint64(f.size))
}

func (f floats) coded(*Latents) *coded { return nil }

func (f floats) decode(l *Latents, raw raw) (Values, error) {
	values := make([]float32, len(raw.bytes)/f.size)
	for i := range values {
		at := i * f.size
		value := f.value(raw.bytes[at : at+f.size])
		if isInfOrNaN(value) {
			return Values{}, refuse(LatentsValue, raw.offset(at), "finite numbers", "%v as number %d", value, i)
		}
		values[i] = value
	}
	return Values{Numbers: values}, nil
}

func isInfOrNaN(x float32) bool {
	const exponent = 0x7F80_0000
	return math.Float32bits(x)&exponent == exponent
}
