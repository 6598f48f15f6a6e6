package lwp

import "fmt"

// ID names a finding as section 10 does. IDs are never renamed and never reused.
type ID string

// Error makes every ID a target of errors.Is: errors.Is(err, lwp.ChecksumMismatch).
func (id ID) Error() string { return string(id) }

// The ids of section 10 that a reader may report. Those of the family "invalid message" belong to
// writers.
const (
	PacketTruncated        ID = "packet.truncated"
	PacketTrailingBytes    ID = "packet.trailing_bytes"
	PreambleMagic          ID = "preamble.magic"
	PreambleMajor          ID = "preamble.major"
	PreambleLength         ID = "preamble.length"
	PreambleFlags          ID = "preamble.flags"
	PreambleProfile        ID = "preamble.profile"
	PreambleBare           ID = "preamble.bare"
	ChecksumMismatch       ID = "checksum.mismatch"
	VarintNotMinimal       ID = "varint.not_minimal"
	VarintOverflow         ID = "varint.overflow"
	FieldOverrun           ID = "field.overrun"
	HeaderName             ID = "header.name"
	HeaderReceiver         ID = "header.receiver"
	HeaderRoute            ID = "header.route"
	SectionType            ID = "section.type"
	SectionOrder           ID = "section.order"
	SectionDuplicate       ID = "section.duplicate"
	SectionCriticality     ID = "section.criticality"
	SectionUnknownCritical ID = "section.unknown_critical"
	SectionMissing         ID = "section.missing"
	SectionTrailingBytes   ID = "section.trailing_bytes"
	SectionUTF8            ID = "section.utf8"
	LatentsEncoding        ID = "latents.encoding"
	LatentsStage           ID = "latents.stage"
	LatentsLayout          ID = "latents.layout"
	LatentsScaleBits       ID = "latents.scale_bits"
	LatentsName            ID = "latents.name"
	LatentsExtent          ID = "latents.extent"
	LatentsGroup           ID = "latents.group"
	LatentsCodebook        ID = "latents.codebook"
	LatentsIndex           ID = "latents.index"
	LatentsLength          ID = "latents.length"
	LatentsResource        ID = "latents.resource"
	LatentsCompressed      ID = "latents.compressed"
	LatentsEntropy         ID = "latents.entropy"
	LatentsScale           ID = "latents.scale"
	LatentsQuantum         ID = "latents.quantum"
	LatentsZeroPoint       ID = "latents.zero_point"
	LatentsPadding         ID = "latents.padding"
	LatentsValue           ID = "latents.value"
	LiteralsKind           ID = "literals.kind"
	LiteralsSpan           ID = "literals.span"
	LiteralsSource         ID = "literals.source"
	TextStage              ID = "text.stage"
	TextLength             ID = "text.length"
	TextCompressed         ID = "text.compressed"
	AnswerKindUnknown      ID = "answer.kind"
	AnswerChoice           ID = "answer.choice"
	MetadataKey            ID = "metadata.key"
	MetadataOrder          ID = "metadata.order"
	MetadataType           ID = "metadata.type"
	MetadataValue          ID = "metadata.value"
	TraceID                ID = "trace.id"
	TraceFlags             ID = "trace.flags"
	TraceState             ID = "trace.state"
	EntropyTables          ID = "entropy.tables"
	SealMissing            ID = "seal.missing"
	SealAlgorithmUnknown   ID = "seal.algorithm"
	SealLayout             ID = "seal.layout"
	SealKeyUnknown         ID = "seal.key"
	SealTag                ID = "seal.tag"
	SealSession            ID = "seal.session"
	SealReplay             ID = "seal.replay"
	EnvelopeSuite          ID = "envelope.suite"
	EnvelopeKeyUnknown     ID = "envelope.key"
	EnvelopeTag            ID = "envelope.tag"
	LimitTotalBytes        ID = "limit.total_bytes"
	LimitElements          ID = "limit.elements"
	LimitSections          ID = "limit.sections"
	LimitDecompressedBytes ID = "limit.decompressed_bytes"
	LimitItems             ID = "limit.items"
	LimitSessions          ID = "limit.sessions"
)

// The ids of section 14.4, which are about an index and not about a packet. They have no family: an
// index that is refused is made again.
const (
	IndexMagic    ID = "index.magic"
	IndexVersion  ID = "index.version"
	IndexLength   ID = "index.length"
	IndexChecksum ID = "index.checksum"
	IndexEntry    ID = "index.entry"
	IndexStale    ID = "index.stale"
)

// Family says who must act on a finding.
type Family string

// The families of section 10.
const (
	Truncated          Family = "truncated"
	Malformed          Family = "malformed"
	UnsupportedVersion Family = "unsupported version"
	UnsupportedFeature Family = "unsupported feature"
	Corrupted          Family = "checksum"
	Untrusted          Family = "untrusted"
	LimitExceeded      Family = "limit exceeded"
)

var families = map[ID]Family{
	PacketTruncated:        Truncated,
	PacketTrailingBytes:    Malformed,
	PreambleMagic:          Malformed,
	PreambleMajor:          UnsupportedVersion,
	PreambleLength:         Malformed,
	PreambleFlags:          UnsupportedFeature,
	PreambleProfile:        UnsupportedFeature,
	PreambleBare:           Malformed,
	ChecksumMismatch:       Corrupted,
	VarintNotMinimal:       Malformed,
	VarintOverflow:         Malformed,
	FieldOverrun:           Malformed,
	HeaderName:             Malformed,
	HeaderReceiver:         Malformed,
	HeaderRoute:            UnsupportedFeature,
	SectionType:            Malformed,
	SectionOrder:           Malformed,
	SectionDuplicate:       Malformed,
	SectionCriticality:     Malformed,
	SectionUnknownCritical: UnsupportedFeature,
	SectionMissing:         Malformed,
	SectionTrailingBytes:   Malformed,
	SectionUTF8:            Malformed,
	LatentsEncoding:        UnsupportedFeature,
	LatentsStage:           UnsupportedFeature,
	LatentsLayout:          UnsupportedFeature,
	LatentsScaleBits:       Malformed,
	LatentsName:            Malformed,
	LatentsExtent:          Malformed,
	LatentsGroup:           Malformed,
	LatentsCodebook:        Malformed,
	LatentsIndex:           Malformed,
	LatentsLength:          Malformed,
	LatentsResource:        UnsupportedFeature,
	LatentsCompressed:      Malformed,
	LatentsEntropy:         Malformed,
	LatentsScale:           Malformed,
	LatentsQuantum:         Malformed,
	LatentsZeroPoint:       Malformed,
	LatentsPadding:         Malformed,
	LatentsValue:           Malformed,
	LiteralsKind:           UnsupportedFeature,
	LiteralsSpan:           Malformed,
	LiteralsSource:         Malformed,
	TextStage:              UnsupportedFeature,
	TextLength:             Malformed,
	TextCompressed:         Malformed,
	AnswerKindUnknown:      UnsupportedFeature,
	AnswerChoice:           Malformed,
	MetadataKey:            Malformed,
	MetadataOrder:          Malformed,
	MetadataType:           UnsupportedFeature,
	MetadataValue:          Malformed,
	TraceID:                Malformed,
	TraceFlags:             UnsupportedFeature,
	TraceState:             Malformed,
	EntropyTables:          Malformed,
	SealMissing:            Untrusted,
	SealAlgorithmUnknown:   UnsupportedFeature,
	SealLayout:             Malformed,
	SealKeyUnknown:         Untrusted,
	SealTag:                Untrusted,
	SealSession:            Untrusted,
	SealReplay:             Untrusted,
	EnvelopeSuite:          UnsupportedFeature,
	EnvelopeKeyUnknown:     Untrusted,
	EnvelopeTag:            Untrusted,
	LimitTotalBytes:        LimitExceeded,
	LimitElements:          LimitExceeded,
	LimitSections:          LimitExceeded,
	LimitDecompressedBytes: LimitExceeded,
	LimitItems:             LimitExceeded,
	LimitSessions:          LimitExceeded,
}

// Family gives the family of the id, and is empty for an id that no reader reports.
func (id ID) Family() Family { return families[id] }

// Error is a packet's refusal.
type Error struct {
	// ID names the finding.
	ID ID
	// Offset is the place of the finding in bytes from the start of the packet, as section 10 puts it,
	// or [NoOffset].
	Offset int
	// Expected and Found say what the rule asks for and what the packet has.
	Expected, Found string
}

// NoOffset is the offset of a finding that has no place in the packet.
const NoOffset = -1

// Error puts the whole finding on one line.
func (e *Error) Error() string {
	if e.Offset == NoOffset {
		return fmt.Sprintf("%s: expected %s, found %s", e.ID, e.Expected, e.Found)
	}
	return fmt.Sprintf("%s: byte %d: expected %s, found %s", e.ID, e.Offset, e.Expected, e.Found)
}

// Unwrap gives the ID, for errors.Is.
func (e *Error) Unwrap() error { return e.ID }

// refuse makes an Error; what was found is formatted, since it nearly always has a number in it.
func refuse(id ID, offset int, expected, found string, args ...any) error {
	return &Error{ID: id, Offset: offset, Expected: expected, Found: fmt.Sprintf(found, args...)}
}
