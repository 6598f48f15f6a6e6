package lwp

import (
	"encoding/hex"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// worked is the whole packet that the specification works out.
func worked(t testing.TB, specification string) []byte { return example(t, specification, "") }

// example gives the bytes of a worked example by what stands before the colon of its markers.
func example(t testing.TB, specification, name string) []byte {
	t.Helper()
	if name != "" {
		name = " " + name
	}
	_, text, found := strings.Cut(specification, "<!-- worked example"+name+": begin -->")
	text, _, _ = strings.Cut(text, "<!-- worked example"+name+": end -->")
	if !found {
		t.Fatalf("no worked example%s", name)
	}
	var packet []byte
	for line := range strings.Lines(text) {
		digits := regexp.MustCompile(`^([0-9A-F]{2} )+`).FindString(line)
		bytes, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		packet = append(packet, bytes...)
	}
	return packet
}

func TestWorkedExample(t *testing.T) {
	packet := worked(t, specification(t))
	decoded, err := Decode(packet, RecommendedLimits())
	if err != nil {
		t.Fatal(err)
	}
	latents := decoded.Latents[0]
	values, err := latents.Values(RecommendedLimits(), Resources{})
	if err != nil {
		t.Fatal(err)
	}
	if latents.Encoding != Int8 || latents.Stage != Stored || !slices.Equal(latents.Shape, []uint32{2, 3}) {
		t.Errorf("found %v, %v, %v", latents.Encoding, latents.Stage, latents.Shape)
	}
	if want := []float32{0.49651336669921875, -1.00090789794921875, 0.252197265625}; !slices.Equal(values.Numbers[:3], want) {
		t.Errorf("expected %v, found %v", want, values.Numbers[:3])
	}
	if sender := decoded.Header.Sender; sender.Name != "a" || sender.Fingerprint[0] != 0x11 {
		t.Errorf("found sender %v", sender)
	}
}

func TestEveryPrefixIsTruncated(t *testing.T) {
	packet := worked(t, specification(t))
	for end := range packet {
		_, err := Decode(packet[:end], RecommendedLimits())
		refused(t, err, PacketTruncated, end)
	}
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	packet := worked(t, specification(t))
	for bit := range 8 * len(packet) {
		flipped := slices.Clone(packet)
		flipped[bit/8] ^= 1 << (bit % 8)
		if _, err := Decode(flipped, RecommendedLimits()); err == nil {
			t.Errorf("bit %d of byte %d is flipped and nobody minds", bit%8, bit/8)
		}
	}
}

func TestPreambleRefusals(t *testing.T) {
	const start = magic + "\x01\x00\x00"
	for _, c := range []struct {
		name   string
		packet string
		id     ID
		offset int
	}{
		{"the magic is read byte by byte", "\x89LX", PreambleMagic, 2},
		{"the major version before the rest is missing", magic + "\x02", PreambleMajor, 4},
		{"half a length", start + "\x80", PacketTruncated, 8},
		{"a length that is not minimal", start + "\x84\x00", VarintNotMinimal, 7},
		{"a length beyond 32 bits", start + "\x80\x80\x80\x80\x10", VarintOverflow, 7},
		{"the limit before the bytes at hand", start + "\xFF\xFF\xFF\x7F", LimitTotalBytes, 7},
		{"the room for a checksum before the bytes at hand", start + "\x03", PreambleLength, 7},
		{"missing bytes before the checksum", start + "\x05\x00\x00\x00", PacketTruncated, 11},
		{"bytes behind the packet before the checksum", start + "\x04\x00\x00\x00\x00\x00", PacketTrailingBytes, 12},
		{"the checksum before the flags", magic + "\x01\x00\xFF\x04\x00\x00\x00\x00", ChecksumMismatch, 8},
		{"flags before the profile", string(framed(0xFF, nil)), PreambleFlags, 6},
		{"the profile before the header", string(framed(2, nil)), PreambleProfile, 6},
		{"the profile before bare", string(framed(7, nil)), PreambleProfile, 6},
		{"bare and self-contained", string(framed(4, nil)), PreambleFlags, 6},
		{"no header", string(framed(0, nil)), FieldOverrun, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Decode([]byte(c.packet), RecommendedLimits())
			refused(t, err, c.id, c.offset)
		})
	}
}
