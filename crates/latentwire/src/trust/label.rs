//! What is hashed begins with what it is for, so that a hash made for one purpose is none for another.

/// Sixteen bytes each, so that no label is the beginning of another.
type Label = [u8; 16];

/// What a tag authenticates.
pub(super) const SEAL: &Label = b"latentwire:seal1";
/// What an Ed25519 key signs: a hash of what is authenticated.
pub(super) const SIGN: &Label = b"latentwire:sign1";
/// A row and the hash of the rows after it.
pub(super) const ROWS: &Label = b"latentwire:rows1";
/// The content of a packet.
pub(super) const CONTENT: &Label = b"latentwire:cont1";
