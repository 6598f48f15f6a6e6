package lwp

// levels are what the codes of an encoding stand for if they are symmetric (section 6.3).
type levels struct {
	bits    int
	largest int // magnitude
	zero    int // the level of every number under a scale of 0
	symbols int // allowed codes
	first   int // the code of the lowest level; those of the others ascend from it
	// level is that of a code, and whether the code is allowed.
	level func(code int) (int, bool)
	// asymmetric says whether scales may have zero points instead.
	asymmetric bool
}

var (
	int8Levels = levels{bits: 8, largest: 127, symbols: 255, first: -127, asymmetric: true, level: func(code int) (int, bool) {
		level := int(int8(code))
		return level, level >= -127
	}}
	int4Levels = levels{bits: 4, largest: 7, symbols: 15, asymmetric: true, level: func(code int) (int, bool) {
		return code - 7, code <= 14
	}}
	int2Levels = levels{bits: 2, largest: 3, zero: 1, symbols: 4, asymmetric: true, level: func(code int) (int, bool) {
		return 2*code - 3, true
	}}
	signLevels = levels{bits: 1, largest: 1, zero: 1, symbols: 2, level: func(code int) (int, bool) {
		return 2*code - 1, true
	}}
)

// largestCode is the largest number of so many bits.
func (l levels) largestCode() int { return 1<<l.bits - 1 }
