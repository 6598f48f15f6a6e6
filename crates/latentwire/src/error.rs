//! The crate's one error type: what was wrong, where, what was expected and what was found.
//!
//! [`Error`] is opaque so that new findings are no breaking change; [`Error::kind`] has a stable
//! string id for programs and logs, and [`ErrorKind::family`] says who must act.

use std::borrow::Cow;

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who must act on an error. One Python exception class stands for each family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// The bytes end before the packet does.
    Truncated,
    /// The bytes are not those that were written.
    Checksum,
    /// Another major version.
    UnsupportedVersion,
    /// Sound, but it needs something that this reader does not have.
    UnsupportedFeature,
    /// A rule of the format is broken.
    Malformed,
    /// Nothing shows that it is from whom it should be, or that it is new: do not act on it.
    Untrusted,
    /// The caller's [`Limits`](crate::Limits) do not allow it.
    LimitExceeded,
    /// The message cannot be written.
    InvalidMessage,
}

macro_rules! error_kinds {
    ($($variant:ident, $id:literal, $family:ident, $summary:literal;)*) => {
        /// Every finding there is. Ids are never renamed and never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $(#[doc = concat!("`", $id, "`: ", $summary, ".")] $variant,)*
        }

        impl ErrorKind {
            /// All findings, in the order of the specification.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable id, for example `checksum.mismatch`.
            #[must_use]
            pub const fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// Who must act.
            #[must_use]
            pub const fn family(self) -> Family {
                match self { $(Self::$variant => Family::$family,)* }
            }

            const fn summary(self) -> &'static str {
                match self { $(Self::$variant => $summary,)* }
            }
        }
    };
}

error_kinds! {
    PacketTruncated, "packet.truncated", Truncated, "the packet is cut short";
    PacketTrailingBytes, "packet.trailing_bytes", Malformed, "bytes follow the end of the packet";
    PreambleMagic, "preamble.magic", Malformed, "this is not a latentwire packet";
    PreambleMajor, "preamble.major", UnsupportedVersion, "unknown major version";
    PreambleLength, "preamble.length", Malformed, "the declared length holds no packet";
    PreambleFlags, "preamble.flags", UnsupportedFeature, "unknown preamble flags";
    PreambleProfile, "preamble.profile", UnsupportedFeature, "unknown header profile";
    PreambleBare, "preamble.bare", Malformed, "the frame of the latents is there or missing wrongly";
    ChecksumMismatch, "checksum.mismatch", Checksum, "the checksum does not match";
    VarintNotMinimal, "varint.not_minimal", Malformed, "a number is written longer than it needs";
    VarintOverflow, "varint.overflow", Malformed, "a number does not fit in its field";
    FieldOverrun, "field.overrun", Malformed, "a field runs past the part that holds it";
    HeaderName, "header.name", Malformed, "a name is not allowed";
    HeaderReceiver, "header.receiver", Malformed, "the receiver marker is not allowed";
    HeaderRoute, "header.route", UnsupportedFeature, "the route of the packet is not known here";
    SectionType, "section.type", Malformed, "no such section type is possible";
    SectionOrder, "section.order", Malformed, "sections are not in ascending order of type";
    SectionDuplicate, "section.duplicate", Malformed, "a section stands twice";
    SectionCriticality, "section.criticality", Malformed, "a section has the wrong criticality";
    SectionUnknown, "section.unknown_critical", UnsupportedFeature, "unknown critical section";
    SectionMissing, "section.missing", Malformed, "a required section is missing";
    SectionTrailing, "section.trailing_bytes", Malformed, "bytes follow the last field of a section";
    SectionUtf8, "section.utf8", Malformed, "a section's text is not UTF-8";
    LatentsEncoding, "latents.encoding", UnsupportedFeature, "unknown payload encoding";
    LatentsStage, "latents.stage", UnsupportedFeature, "unknown or missing lossless stage";
    LatentsLayout, "latents.layout", UnsupportedFeature, "unknown payload layout";
    LatentsScaleBits, "latents.scale_bits", Malformed, "an encoding without scales sets scale bits";
    LatentsName, "latents.name", Malformed, "the name of a tensor is not allowed";
    LatentsExtent, "latents.extent", Malformed, "an extent of the shape is zero";
    LatentsGroup, "latents.group", Malformed, "rows do not fall into such groups";
    LatentsCodebook, "latents.codebook", Malformed, "no codebook has this size";
    LatentsIndex, "latents.index", Malformed, "an index is beyond its codebook";
    LatentsLength, "latents.length", Malformed, "the payload does not have the length of its shape";
    LatentsResource, "latents.resource", UnsupportedFeature, "what the payload is coded with is not here";
    LatentsCompressed, "latents.compressed", Malformed, "the compressed payload cannot be restored";
    LatentsEntropy, "latents.entropy", Malformed, "the entropy-coded payload cannot be restored";
    LatentsScale, "latents.scale", Malformed, "a scale is not allowed";
    LatentsQuantum, "latents.quantum", Malformed, "a row's codes do not fit its scale";
    LatentsZeroPoint, "latents.zero_point", Malformed, "a zero point is not allowed";
    LatentsPadding, "latents.padding", Malformed, "bits beyond the codes of a row are set";
    LatentsValue, "latents.value", Malformed, "a latent is not finite";
    LiteralsKind, "literals.kind", UnsupportedFeature, "unknown kind of literal";
    LiteralsSpan, "literals.span", Malformed, "a literal is empty or ends beyond 32 bits";
    LiteralsSource, "literals.source", Malformed, "a literal is not what stands in the source";
    TextStage, "text.stage", UnsupportedFeature, "unknown or missing lossless stage of the text";
    TextLength, "text.length", Malformed, "the compressed text is not shorter than the text";
    TextCompressed, "text.compressed", Malformed, "the compressed text cannot be restored";
    AnswerKind, "answer.kind", UnsupportedFeature, "unknown kind of answer space";
    AnswerChoice, "answer.choice", Malformed, "a choice is empty or stands twice";
    MetadataKey, "metadata.key", Malformed, "a key is not allowed";
    MetadataOrder, "metadata.order", Malformed, "keys are not in ascending order";
    MetadataType, "metadata.type", UnsupportedFeature, "unknown type of value";
    MetadataValue, "metadata.value", Malformed, "a number is not finite, or is a negative zero";
    TraceId, "trace.id", Malformed, "a trace context without an id";
    TraceFlags, "trace.flags", UnsupportedFeature, "unknown trace flags";
    TraceState, "trace.state", Malformed, "the tracestate is not allowed";
    EntropyTables, "entropy.tables", Malformed, "a file of entropy tables is not allowed";
    SealMissing, "seal.missing", Untrusted, "the packet has no seal";
    SealAlgorithm, "seal.algorithm", UnsupportedFeature, "unknown algorithm of a seal";
    SealLayout, "seal.layout", Malformed, "the seal does not fit the packet";
    SealKey, "seal.key", Untrusted, "there is no such key for seals";
    SealTag, "seal.tag", Untrusted, "the seal is not that of these bytes";
    SealSession, "seal.session", Untrusted, "the session was not announced";
    SealReplay, "seal.replay", Untrusted, "the packet was received before, or is too old to tell";
    EnvelopeSuite, "envelope.suite", UnsupportedFeature, "unknown cipher suite";
    EnvelopeKey, "envelope.key", Untrusted, "the packet is encrypted under another key";
    EnvelopeTag, "envelope.tag", Untrusted, "the encrypted bytes are not those that were written";
    LimitTotalBytes, "limit.total_bytes", LimitExceeded, "the packet is larger than allowed";
    LimitElements, "limit.elements", LimitExceeded, "the latents have more elements than allowed";
    LimitSections, "limit.sections", LimitExceeded, "the packet has more sections than allowed";
    LimitDecompressed, "limit.decompressed_bytes", LimitExceeded, "the payload is larger than allowed";
    LimitItems, "limit.items", LimitExceeded, "a section has more items than allowed";
    LimitSessions, "limit.sessions", LimitExceeded, "there are more sessions than allowed";
    MessageShape, "message.shape", InvalidMessage, "the latents cannot have this shape";
    MessageNotFinite, "message.not_finite", InvalidMessage, "a latent is not finite";
    MessageTooLarge, "message.magnitude", InvalidMessage, "a latent is too large for this encoding";
    MessageLayout, "message.layout", InvalidMessage, "the encoding has no such scales";
    MessageGroup, "message.group", InvalidMessage, "rows cannot be scaled in such groups";
    MessageName, "message.name", InvalidMessage, "a name cannot be written";
    MessageRoute, "message.route", InvalidMessage, "the message is not one of this route";
    MessageIndex, "message.index", InvalidMessage, "an index is beyond its codebook";
    MessageRows, "message.rows", InvalidMessage, "there are no such first rows";
    MessageSection, "message.section", InvalidMessage, "a section cannot be written";
    MessageLevel, "message.level", InvalidMessage, "no such compression level";
    MessageEntropy, "message.entropy", InvalidMessage, "the entropy tables do not fit the symbols";
    MessageStage, "message.stage", InvalidMessage, "this build has no such lossless stage";
    MessageSize, "message.size", InvalidMessage, "the packet would be longer than its length field can say";
    MessageSeal, "message.seal", InvalidMessage, "the packet cannot be sealed, or its seal not kept";
    MessageSequence, "message.sequence", InvalidMessage, "the numbers of the session are used up";
    MessageRandom, "message.random", InvalidMessage, "a session needs random numbers";
}

/// Something that is wrong with a packet, or with a message to be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: expected {expected}, found {found}", kind.summary(), place(*offset))]
pub struct Error {
    kind: ErrorKind,
    offset: Option<usize>,
    expected: Cow<'static, str>,
    found: Cow<'static, str>,
}

fn place(offset: Option<usize>) -> String {
    offset.map_or_else(String::new, |at| format!(" at byte {at}"))
}

impl Error {
    /// A finding at byte `offset` of the packet.
    #[cold]
    pub(crate) fn at(
        kind: ErrorKind,
        offset: usize,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { offset: Some(offset), ..Self::nowhere(kind, expected, found) }
    }

    /// A finding that has no place in the packet: it is about the message, or about bytes that
    /// exist only after decompression.
    #[cold]
    pub(crate) fn nowhere(
        kind: ErrorKind,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { kind, offset: None, expected: expected.into(), found: found.into() }
    }

    /// The same finding, made in bytes that begin at byte `base` of the packet.
    pub(crate) fn moved_by(self, base: usize) -> Self {
        Self { offset: self.offset.map(|at| at.saturating_add(base)), ..self }
    }

    /// What was found wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The byte of the packet at which it was found, where there is one.
    #[must_use]
    pub fn offset(&self) -> Option<usize> {
        self.offset
    }

    /// What should have stood there.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What stood there instead.
    #[must_use]
    pub fn found(&self) -> &str {
        &self.found
    }
}
