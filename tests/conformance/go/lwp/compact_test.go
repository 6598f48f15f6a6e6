package lwp

import (
	"bytes"
	"testing"
)

// compactHeader is message 7 of route 300.
func compactHeader() []byte { return []byte{7, 0, 0, 0, 0xAC, 0x02} }

const (
	compactAt = 8 // where its header begins in a short packet
	bareFlags = profileCompact | bareBit
)

func TestResolve(t *testing.T) {
	packet := framed(bareFlags, append(compactHeader(), oneNumber()...))
	decoded, err := Decode(packet, RecommendedLimits())
	if err != nil {
		t.Fatal(err)
	}
	route := Route{MessagePrefix: [12]byte{1, 2, 3}, Sender: Model{Name: "a"}, Space: Space{Name: "s"}}
	header, err := decoded.Compact.Resolve(map[uint32]Route{300: route})
	if err != nil {
		t.Fatal(err)
	}
	if want := (MessageID{1, 2, 3, 15: 7}); header.MessageID != want {
		t.Errorf("expected %v, found %v", want, header.MessageID)
	}
	if header.Sender.Name != "a" || header.Receiver != nil || header.Space.Name != "s" {
		t.Errorf("found %+v", header)
	}
	_, err = decoded.Compact.Resolve(map[uint32]Route{7: route})
	refused(t, err, HeaderRoute, NoOffset)
}

func TestCompactRefusals(t *testing.T) {
	latents := sectionBytes(typeLatents, true, oneNumber())
	named := []byte{byte(F32), nameBit, 1, 'n', 1, 0, 0, 0, 0}
	const (
		flagsAt = 6
		body    = compactAt + 6
	)
	for _, c := range []struct {
		name   string
		flags  byte
		after  []byte
		id     ID
		offset int
	}{
		{"a frame without need", profileCompact, latents, PreambleBare, flagsAt},
		{"bare with a name", bareFlags, named, PreambleBare, flagsAt},
		{"nothing", profileCompact, nil, SectionMissing, body},
		{"nothing and bare", bareFlags, nil, FieldOverrun, body},
		{"a frame in a bare packet", bareFlags, latents, LatentsScaleBits, body + 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Decode(framed(c.flags, append(compactHeader(), c.after...)), RecommendedLimits())
			refused(t, err, c.id, c.offset)
		})
	}
}

// What the bare packet cannot be has its frame.
func TestCompactWithFrame(t *testing.T) {
	latents := sectionBytes(typeLatents, true, oneNumber())
	named := sectionBytes(typeLatents, true, []byte{byte(F32), nameBit, 1, 'n', 1, 0, 0, 0, 0})
	for name, sections := range map[string][][]byte{
		"a name":          {compactHeader(), named},
		"two tensors":     {compactHeader(), latents, named},
		"another section": {compactHeader(), latents, sectionBytes(8191, false, nil)},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Decode(framed(profileCompact, bytes.Join(sections, nil)), RecommendedLimits()); err != nil {
				t.Error(err)
			}
		})
	}
}
