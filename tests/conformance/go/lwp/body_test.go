package lwp

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// exampleBody is the body of a section that the specification works out.
func exampleBody(t *testing.T, section string) *Section {
	t.Helper()
	return &Section{Body: example(t, specification(t), section)}
}

func TestWorkedLiterals(t *testing.T) {
	found, err := exampleBody(t, "literals").Literals(RecommendedLimits())
	want := []Literal{{LiteralName, 0, "Ada"}, {LiteralNumber, 9, "4711"}}
	if err != nil || !reflect.DeepEqual(found, want) {
		t.Errorf("expected %v, found %v, %v", want, found, err)
	}
	if err := CheckSource(found, "Ada owes 4711"); err != nil {
		t.Error(err)
	}
	for _, text := range []string{"Ada owes 4712", "Ada owes 471", ""} {
		refused(t, CheckSource(found, text), LiteralsSource, NoOffset)
	}
}

func TestWorkedText(t *testing.T) {
	found, err := exampleBody(t, "text").Text(RecommendedLimits())
	if err != nil || found != "hé" {
		t.Errorf("found %q, %v", found, err)
	}
}

func TestWorkedAnswerSpace(t *testing.T) {
	found, err := exampleBody(t, "answer space").AnswerSpace(RecommendedLimits())
	want := AnswerSpace{Kind: AnswerChoices, Choices: []string{"yes", "no"}}
	if err != nil || !reflect.DeepEqual(found, want) {
		t.Errorf("expected %v, found %v, %v", want, found, err)
	}
}

func TestWorkedMetadata(t *testing.T) {
	found, err := exampleBody(t, "metadata").Metadata(RecommendedLimits())
	want := []Entry{{"dev", true}, {"score", 0.5}, {"step", int64(-300)}}
	if err != nil || !reflect.DeepEqual(found, want) {
		t.Errorf("expected %v, found %v, %v", want, found, err)
	}
}

func TestWorkedTrace(t *testing.T) {
	found, err := exampleBody(t, "trace").Trace()
	if err != nil || found.ID[0] != 0x0A || found.Parent[7] != 0x31 || found.Flags != 1 || found.State != "v=1" {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestIntegers(t *testing.T) {
	for body, want := range map[string]int64{
		"\x00": 0, "\x01": -1, "\x02": 1, "\x7F": -64, "\x80\x01": 64,
		"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01": math.MinInt64,
		"\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01": math.MaxInt64,
	} {
		s := &Section{Body: []byte("\x01k\x03" + body)}
		found, err := s.Metadata(RecommendedLimits())
		if err != nil || found[0].Value != want {
			t.Errorf("% X: expected %d, found %v, %v", body, want, found, err)
		}
	}
}

func TestCompressedText(t *testing.T) {
	want := strings.Repeat("so long, ", 100)
	s := &Section{Body: append([]byte{textZstd}, compress(t, []byte(want))...)}
	if found, err := s.Text(RecommendedLimits()); err != nil || found != want {
		t.Errorf("found %q, %v", found, err)
	}
}

func TestBodyRefusals(t *testing.T) {
	literals := func(s *Section) error { _, err := s.Literals(RecommendedLimits()); return err }
	text := func(s *Section) error {
		limits := RecommendedLimits()
		limits.DecompressedBytes = 2000
		_, err := s.Text(limits)
		return err
	}
	answer := func(s *Section) error { _, err := s.AnswerSpace(RecommendedLimits()); return err }
	metadata := func(s *Section) error { _, err := s.Metadata(RecommendedLimits()); return err }
	trace := func(s *Section) error { _, err := s.Trace(); return err }
	frame := func(text string) string {
		return "\x01" + string(compress(t, []byte(text), zstd.WithSingleSegment(true)))
	}
	ids := strings.Repeat("\x01", 24)
	var members []string
	for i := range 33 {
		members = append(members, fmt.Sprintf("k%d=v", i))
	}
	for _, c := range []struct {
		name   string
		read   func(*Section) error
		body   string
		id     ID
		offset int
	}{
		{"no literal", literals, "", FieldOverrun, 0},
		{"kind 7 of a literal", literals, "\x07", LiteralsKind, 0},
		{"an empty literal", literals, "\x00\x00\x00", LiteralsSpan, 2},
		{"a literal beyond 2^32", literals, "\x00\xFF\xFF\xFF\xFF\x0F\x01a", LiteralsSpan, 1},
		{"a literal that runs over", literals, "\x00\x00\x02a", FieldOverrun, 3},
		{"a literal that is not UTF-8", literals, "\x00\x00\x01\xFF", SectionUTF8, 3},
		{"4097 literals", literals, strings.Repeat("\x00\x00\x01a", 4097), LimitItems, 4 * 4096},
		{"no text", text, "", FieldOverrun, 0},
		{"no text behind the stage", text, "\x00", FieldOverrun, 1},
		{"stage 2 of the text", text, "\x02", TextStage, 0},
		{"text that is not UTF-8", text, "\x00a\xFF", SectionUTF8, 1},
		{"a stored text over the limit", text, "\x00" + strings.Repeat("a", 2001), LimitDecompressedBytes, 1},
		{"a compressed text over the limit", text, frame(strings.Repeat("a", 2001)), LimitDecompressedBytes, 1},
		{"a frame that is not shorter", text, frame("a"), TextLength, 1},
		{"half a frame", text, frame(strings.Repeat("a", 999))[:12], TextCompressed, 1},
		{"no frame", text, "\x01aaaa", TextCompressed, 1},
		{"a compressed text that is not UTF-8", text, frame(strings.Repeat("\xFF", 999)), SectionUTF8, 1},
		{"no kind of answer", answer, "", FieldOverrun, 0},
		{"kind 3 of answer", answer, "\x03", AnswerKindUnknown, 0},
		{"no choice", answer, "\x00", FieldOverrun, 1},
		{"an empty choice", answer, "\x00\x01a\x00", AnswerChoice, 3},
		{"a choice twice", answer, "\x00\x01a\x01a", AnswerChoice, 3},
		{"no schema", answer, "\x01", FieldOverrun, 1},
		{"a schema that is not UTF-8", answer, "\x01{\xFF", SectionUTF8, 1},
		{"a byte behind the bound", answer, "\x02\x00\x00", SectionTrailingBytes, 2},
		{"no metadata", metadata, "", FieldOverrun, 0},
		{"an empty key", metadata, "\x00\x00", MetadataKey, 0},
		{"a key with a control character", metadata, "\x01\x00\x00", MetadataKey, 0},
		{"a key before the last", metadata, "\x01b\x00\x01a\x00", MetadataOrder, 3},
		{"a key twice", metadata, "\x01a\x00\x01a\x00", MetadataOrder, 3},
		{"type 7", metadata, "\x01a\x07", MetadataType, 2},
		{"an integer of 65 bits", metadata, "\x01a\x03\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02", VarintOverflow, 3},
		{"an integer of 11 bytes", metadata, "\x01a\x03" + strings.Repeat("\x80", 11), VarintOverflow, 3},
		{"an integer that is not minimal", metadata, "\x01a\x03\x81\x00", VarintNotMinimal, 3},
		{"-0", metadata, "\x01a\x04\x00\x00\x00\x00\x00\x00\x00\x80", MetadataValue, 3},
		{"an infinity", metadata, "\x01a\x04\x00\x00\x00\x00\x00\x00\xF0\x7F", MetadataValue, 3},
		{"half a float", metadata, "\x01a\x04\x00\x00", FieldOverrun, 3},
		{"bytes that run over", metadata, "\x01a\x06\x02\x00", FieldOverrun, 4},
		{"no trace", trace, "", FieldOverrun, 0},
		{"a trace id of zeros", trace, strings.Repeat("\x00", 16), TraceID, 0},
		{"a parent id of zeros", trace, ids[:16] + strings.Repeat("\x00", 8), TraceID, 16},
		{"an unknown flag", trace, ids + "\x04", TraceFlags, 24},
		{"a member without a value", trace, ids + "\x00a=b,c", TraceState, 29},
		{"an empty member", trace, ids + "\x00a=b,", TraceState, 29},
		{"a space before a member", trace, ids + "\x00a=b, c=d", TraceState, 29},
		{"a key that begins with a sign", trace, ids + "\x00_a=b", TraceState, 25},
		{"a key of capitals", trace, ids + "\x00aB=b", TraceState, 25},
		{"a long key", trace, ids + "\x00" + strings.Repeat("a", 257) + "=b", TraceState, 25},
		{"a key twice", trace, ids + "\x00a=b,a=c", TraceState, 29},
		{"no value", trace, ids + "\x00a=", TraceState, 27},
		{"a value that ends in a space", trace, ids + "\x00a=b ", TraceState, 27},
		{"a value with a sign of equality", trace, ids + "\x00a=b=", TraceState, 27},
		{"33 members", trace, ids + "\x00" + strings.Join(members, ","), TraceState, 25 + len(strings.Join(members[:32], ",")) + 1},
		{"513 bytes", trace, ids + "\x00" + string(bytes.Repeat([]byte("a"), 513)), TraceState, 25},
	} {
		t.Run(c.name, func(t *testing.T) {
			refused(t, c.read(&Section{Body: []byte(c.body), bodyAt: 100}), c.id, 100+c.offset)
		})
	}
}

func TestKeysOfATraceState(t *testing.T) {
	s := &Section{Body: []byte(strings.Repeat("\x01", 25) + "0a_-*/@=~ !,1=x")}
	if _, err := s.Trace(); err != nil {
		t.Error(err)
	}
}
