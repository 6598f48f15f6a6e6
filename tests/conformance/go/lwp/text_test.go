package lwp

import (
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	for _, text := range []string{"", "a", "\u00A0", "né 模型 🙂", strings.Repeat("x", 255)} {
		cursor := &cursor{bytes: append([]byte{byte(len(text))}, text...), short: FieldOverrun}
		found, err := cursor.text("text", 0, HeaderName)
		if err != nil || found != text || cursor.left() != 0 {
			t.Errorf("expected %q, found %q, %v", text, found, err)
		}
	}
}

func TestTextRefusals(t *testing.T) {
	for _, c := range []struct {
		bytes string
		id    ID
	}{
		{"", FieldOverrun},
		{"\x00", LatentsName},
		{"\x01\x00", LatentsName},
		{"\x01\x1F", LatentsName},
		{"\x01\x7F", LatentsName},
		{"\x02\u0080", LatentsName},
		{"\x02\u009F", LatentsName},
		{"\x01\x9F", LatentsName},             // a continuation alone
		{"\x02\xC0\x80", LatentsName},         // longer than it needs
		{"\x03\xED\xA0\x80", LatentsName},     // a surrogate
		{"\x04\xF4\x90\x80\x80", LatentsName}, // above U+10FFFF
	} {
		cursor := &cursor{bytes: []byte(c.bytes), base: 100, short: FieldOverrun}
		_, err := cursor.text("text", 1, LatentsName)
		refused(t, err, c.id, 100)
	}
}

func TestTextThatRunsOver(t *testing.T) {
	cursor := &cursor{bytes: []byte("\x02a"), base: 100, short: FieldOverrun}
	_, err := cursor.text("text", 1, LatentsName)
	refused(t, err, FieldOverrun, 101)
}
