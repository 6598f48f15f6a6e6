package lwp

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
)

// specification is the text that this package is written from.
func specification(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../../docs/spec/latentwire-v1.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// An id that only section 10 has is for the vectors to ask for.
func TestIDsAreThoseOfTheSpecification(t *testing.T) {
	_, section, _ := strings.Cut(specification(t), "\n## 10. Errors\n")
	section, _, _ = strings.Cut(section, "\n## ")
	rows := regexp.MustCompile("(?m)^\\| `([a-z0-9_.]+)` \\| ([a-z ]+) \\|").FindAllStringSubmatch(section, -1)
	specified := map[ID]Family{}
	for _, row := range rows {
		specified[ID(row[1])] = Family(row[2])
	}
	for id, family := range families {
		if specified[id] != family {
			t.Errorf("%s: family %q is specified, found %q", id, specified[id], family)
		}
	}
}

func TestErrorNamesItsID(t *testing.T) {
	_, err := Decode(nil, RecommendedLimits())
	if !errors.Is(err, PacketTruncated) || errors.Is(err, ChecksumMismatch) {
		t.Errorf("expected only %s, found %v", PacketTruncated, err)
	}
	want := "packet.truncated: byte 0: expected 1 bytes of magic, found 0"
	if err.Error() != want {
		t.Errorf("expected %q, found %q", want, err)
	}
}
