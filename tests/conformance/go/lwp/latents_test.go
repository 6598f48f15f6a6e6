package lwp

import "testing"

func TestLatentsRefusals(t *testing.T) {
	const huge = "\xFF\xFF\xFF\xFF\x0F"
	for _, c := range []struct {
		name   string
		body   string
		id     ID
		offset int
	}{
		{"nothing", "", FieldOverrun, 0},
		{"encoding 0", "\x00", LatentsEncoding, 0},
		{"encoding before stage", "\xFF", LatentsEncoding, 0},
		{"stage before the form is missing", "\xE1", LatentsStage, 0},
		{"no form", "\x01", FieldOverrun, 1},
		{"scale bits before layout", "\x01\xFC\x01", LatentsScaleBits, 1},
		{"every scale bit", "\x02\x20\x01", LatentsScaleBits, 1},
		{"bit 7 before the name", "\x03\xC0\x00", LatentsLayout, 1},
		{"bit 7 with scales", "\x04\x80\x01", LatentsLayout, 1},
		{"sign with zero points", "\x08\x20\x00", LatentsLayout, 1},
		{"an empty name before extents", "\x01\x40\x00\x00", LatentsName, 2},
		{"a name with an escape", "\x01\x40\x01\x1B", LatentsName, 2},
		{"a name that runs over", "\x01\x40\x02a", FieldOverrun, 3},
		{"no group", "\x04\x0C\x04", FieldOverrun, 3},
		{"a group of 0", "\x04\x0C\x04\x00", LatentsGroup, 3},
		{"a group that does not divide", "\x04\x0C\x04\x03", LatentsGroup, 3},
		{"a group of a row", "\x04\x0C\x04\x04", LatentsGroup, 3},
		{"the number of numbers before the group", "\x04\x0C" + huge + "\x02", LimitElements, 2},
		{"the number of numbers before the codebook", "\x09\x00" + huge + "\x01", LimitElements, 2},
		{"2^128 numbers before the group", "\x04\x0F" + huge + huge + huge + huge + "\x00", LimitElements, 2},
		{"an extent of 0", "\x01\x01\x01\x00", LatentsExtent, 3},
		{"an extent of 0 before the next is missing", "\x01\x02\x01\x00", LatentsExtent, 3},
		{"a missing extent", "\x01\x02\x01\x01", FieldOverrun, 4},
		{"an extent that is not minimal", "\x01\x00\x81\x00", VarintNotMinimal, 2},
		{"2^128 numbers", "\x01\x03" + huge + huge + huge + huge, LimitElements, 2},
		{"numbers before length", "\x01\x00" + huge, LimitElements, 2},
		{"the resource before whether the stage suits", "\x61\x00\x01", FieldOverrun, 3},
		{"the entropy coder for numbers", "\x61\x00\x01" + book, LatentsStage, 0},
		{"the entropy coder for a large codebook", "\x69\x00\x01\x81\x02" + book + book, LatentsStage, 0},
		{"an unknown dictionary", "\x41\x00\x01" + book, LatentsResource, 19},
		{"unknown tables", "\x64\x00\x01" + book, LatentsResource, 19},
		{"a byte too few", "\x01\x00\x01\x00\x00\x00", LatentsLength, 3},
		{"a byte too many", "\x01\x00\x01\x00\x00\x00\x00\x00", LatentsLength, 3},
		{"compressed and as long", "\x21\x00\x01\x00\x00\x00\x00", LatentsLength, 3},
		{"compressed and empty", "\x21\x00\x01", LatentsCompressed, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(withLatents([]byte(c.body)...), RecommendedLimits())
			refused(t, err, c.id, bodyAt+c.offset)
		})
	}
}

func TestLatentsOfAnySizeWithoutLimits(t *testing.T) {
	none := Limits{TotalBytes: saturated, Elements: saturated, Sections: 64, DecompressedBytes: saturated}
	body := []byte("\x01\x03\xFF\xFF\xFF\xFF\x0F\xFF\xFF\xFF\xFF\x0F\xFF\xFF\xFF\xFF\x0F\xFF\xFF\xFF\xFF\x0F")
	_, err := read(withLatents(body...), none)
	refused(t, err, LimitElements, bodyAt+2)
}

func TestRawLimit(t *testing.T) {
	limits := RecommendedLimits()
	limits.DecompressedBytes = 3
	decoded, err := Decode(withLatents(oneNumber()...), limits)
	if err != nil {
		t.Fatal(err)
	}
	_, err = decoded.Latents[0].Values(limits, Resources{})
	refused(t, err, LimitDecompressedBytes, bodyAt+3)
}
