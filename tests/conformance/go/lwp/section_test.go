package lwp

import (
	"bytes"
	"slices"
	"testing"
)

func TestUnknownSectionsAreCarried(t *testing.T) {
	latents := sectionBytes(typeLatents, true, oneNumber())
	decoded, err := Decode(small(latents,
		sectionBytes(8191, false, []byte("b")), sectionBytes(8191, false, nil), sectionBytes(8191, false, []byte("a")),
	), RecommendedLimits())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"b", "", "a"}
	var found []string
	for _, s := range decoded.Sections {
		found = append(found, string(s.Body))
	}
	if !slices.Equal(found, want) {
		t.Errorf("expected %q, found %q", want, found)
	}
}

// The limit is on the numbers of all tensors together.
func TestLimitOfElements(t *testing.T) {
	limits := RecommendedLimits()
	limits.Elements = 1
	latents := sectionBytes(typeLatents, true, oneNumber())
	named := sectionBytes(typeLatents, true, []byte{byte(F32), nameBit, 1, 'n', 1, 0, 0, 0, 0})
	if _, err := Decode(small(latents), limits); err != nil {
		t.Error(err)
	}
	_, err := Decode(small(latents, named), limits)
	refused(t, err, LimitElements, bodyAt+len(latents)+4)
}

func TestSectionRefusals(t *testing.T) {
	first := bodyAt - 2 // where sections begin
	latents := sectionBytes(typeLatents, true, oneNumber())
	second := first + len(latents)
	named := sectionBytes(typeLatents, true, []byte{byte(F32), nameBit, 1, 'n', 1, 0, 0, 0, 0})
	trace := sectionBytes(TypeTrace, false, nil)
	limits := RecommendedLimits()
	limits.Sections = 4
	for _, c := range []struct {
		name     string
		sections []byte
		id       ID
		offset   int
	}{
		{"none", nil, SectionMissing, first},
		{"no latents", sectionBytes(4096, false, nil), SectionMissing, first + 3},
		{"type 0", sectionBytes(0, true, nil), SectionType, first},
		{"type 8192 before its length is missing", []byte{0x80, 0x80, 0x01}, SectionType, first},
		{"no length", []byte{3}, FieldOverrun, first + 1},
		{"no body", []byte{3, 1}, FieldOverrun, first + 2},
		{"ancillary latents before what is in them", sectionBytes(typeLatents, false, nil), SectionCriticality, first},
		{"order before criticality", slices.Concat(sectionBytes(4097, false, nil), sectionBytes(4096, true, nil)),
			SectionOrder, first + 3},
		{"an unknown critical section", slices.Concat(latents, sectionBytes(8191, true, nil)),
			SectionUnknownCritical, second},
		{"a second tensor without a name", slices.Concat(latents, latents), SectionDuplicate, second},
		{"a second tensor of a name", slices.Concat(named, named), SectionDuplicate, first + len(named)},
		{"a tensor without a name after another", slices.Concat(named, latents), SectionOrder, first + len(named)},
		{"critical text", sectionBytes(TypeText, true, nil), SectionCriticality, first},
		{"an ancillary seal", sectionBytes(TypeSeal, false, nil), SectionCriticality, first},
		{"a second trace", slices.Concat(latents, trace, trace), SectionDuplicate, second + len(trace)},
		{"what is in the second latents before their number", slices.Concat(latents, sectionBytes(typeLatents, true, []byte{0})),
			LatentsEncoding, second + 2},
		{"one section too many, before what it is", slices.Concat(bytes.Repeat(sectionBytes(4096, false, nil), 4), []byte{0}),
			LimitSections, first + 3*4},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Decode(small(c.sections), limits)
			refused(t, err, c.id, c.offset)
		})
	}
}
