package lwp

import "fmt"

// Encoding says how numbers are written: bits 0 to 4 of the kind of latents.
type Encoding byte

// The encodings of section 6.
const (
	F32   Encoding = 1
	F16   Encoding = 2
	BF16  Encoding = 3
	Int8  Encoding = 4
	FP8   Encoding = 5
	Int4  Encoding = 6
	Int2  Encoding = 7
	Sign  Encoding = 8
	Codes Encoding = 9
)

// codec knows an encoding's raw payload.
type codec interface {
	// scaled says whether the form may describe scales, and zeroPoints whether each may have a zero
	// point.
	scaled() bool
	zeroPoints() bool
	// rawLength follows from the shape and the layout of scales. It saturates.
	rawLength(l *Latents) uint64
	// coded describes codes for the entropy coder, and is nil for an encoding without them.
	coded(l *Latents) *coded
	// decode gives what a raw payload of this length holds.
	decode(l *Latents, raw raw) (Values, error)
}

// Values are the numbers of a tensor in row-major order, the last axis fastest, or the indices of
// one in the encoding codes.
type Values struct {
	Numbers []float32
	Indices []uint16
}

var codecs = map[Encoding]codec{
	F32:   floats{size: 4, value: float32FromBytes},
	F16:   floats{size: 2, value: float16FromBytes},
	BF16:  floats{size: 2, value: bfloat16FromBytes},
	FP8:   floats{size: 1, value: float8FromBytes},
	Int8:  quantized{int8Levels},
	Int4:  quantized{int4Levels},
	Int2:  quantized{int2Levels},
	Sign:  quantized{signLevels},
	Codes: indices{},
}

var encodingNames = map[Encoding]string{
	F32: "f32", F16: "f16", BF16: "bf16", FP8: "fp8",
	Int8: "int8", Int4: "int4", Int2: "int2", Sign: "sign",
	Codes: "codes",
}

// String gives the name that the specification uses.
func (e Encoding) String() string {
	if name, known := encodingNames[e]; known {
		return name
	}
	return fmt.Sprintf("encoding %d", byte(e))
}

// raw is a raw payload: what the lossless stage restored, or the payload itself.
type raw struct {
	bytes    []byte
	at       int  // where the payload begins in the packet
	restored bool // whether bytes are content that has no place of its own in the packet
}

// offset is the place of byte i for an error.
func (r raw) offset(i int) int {
	if r.restored {
		return NoOffset
	}
	return r.at + i
}
