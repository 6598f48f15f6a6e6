// Package lwp reads latentwire packets.
//
// It is written from the specification (docs/spec/latentwire-v1.md) alone and shares no code with
// the other implementations: where they and this one disagree about a packet, one of them has
// misread the specification, or the specification is unclear. Numbers of sections in comments are
// those of the specification.
//
// [Decode] checks a packet and gives its header and sections; [Latents.Values] decodes the numbers.
// [Verifier.Verify] does so with sealed packets, [Open] gives what encrypted ones hold, and
// [Packet.Digest] names content. [NewStreamReader] and [Recover] read streams, [ParseIndex] their
// indexes.
// Whatever the bytes are, the worst that comes back is an [*Error].
package lwp
