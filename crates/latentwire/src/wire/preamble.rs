//! The first bytes: what this is, which version, how long.

use super::cursor::{Cursor, put_varint};
use crate::checksum;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;

/// How every packet begins. The first byte is no ASCII and starts no UTF-8 text, so that a packet
/// is not taken for text, and text is not taken for a packet.
pub const MAGIC: [u8; 4] = *b"\x89LWP";

/// The versions of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Version {
    /// Another major version is another format.
    pub major: u8,
    /// A higher minor version adds what older readers may leave unread.
    pub minor: u8,
}

impl Version {
    /// What this crate writes.
    pub const CURRENT: Self = Self { major: 1, minor: 0 };
}

/// How the header names its parties: bits 0 and 1 of the flags.
const PROFILE_MASK: u8 = 0b0000_0011;
/// The profile of a packet that holds another one encrypted, which a plain reader refuses.
#[cfg(feature = "trust")]
pub(crate) const ENCRYPTED: u8 = 2;
/// In a compact packet: its only section is one of latents, and stands without tag and length.
const BARE_BIT: u8 = 0b0000_0100;

/// How the header names its parties, and whether the latents stand in a frame of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    SelfContained,
    Compact { is_bare: bool },
}

impl Profile {
    fn flags(self) -> u8 {
        match self {
            Self::SelfContained => 0,
            Self::Compact { is_bare: false } => 1,
            Self::Compact { is_bare: true } => 1 | BARE_BIT,
        }
    }
}

/// Where the flags of a packet stand.
#[cfg(feature = "trust")]
pub(crate) const FLAGS_AT: usize = 6;
/// The most bytes that a preamble takes.
pub(crate) const MAX_LEN: usize = 12;

/// The preamble of a packet that is whole.
pub(crate) struct Preamble {
    pub(crate) version: Version,
    flags: u8,
    flags_at: usize,
    /// Bytes of the packet, preamble and checksum included.
    pub(crate) total_len: usize,
}

impl Preamble {
    /// Reads the preamble at the front of `cursor`; bytes after the packet are not looked at.
    pub(crate) fn read(cursor: &mut Cursor<'_>, limits: &Limits) -> Result<Self> {
        for (at, expected) in MAGIC.into_iter().enumerate() {
            // Byte by byte, so that a few bytes of something else are not called truncated.
            let found = cursor.byte()?;
            if found != expected {
                let (expected, found) = (format!("{expected:#04x}"), format!("{found:#04x}"));
                return Err(Error::at(ErrorKind::PreambleMagic, at, expected, found));
            }
        }
        let major_at = cursor.at();
        let major = cursor.byte()?;
        if major != Version::CURRENT.major {
            let expected = Version::CURRENT.major.to_string();
            return Err(Error::at(ErrorKind::PreambleMajor, major_at, expected, major.to_string()));
        }
        let minor = cursor.byte()?;
        let flags_at = cursor.at();
        let flags = cursor.byte()?;
        let length_at = cursor.at();
        let rest_len = cursor.varint()?;
        let total_len = usize::try_from(rest_len)
            .ok()
            .and_then(|rest| rest.checked_add(cursor.at()))
            .filter(|&total| total <= limits.total_bytes())
            .ok_or_else(|| {
                let expected = format!("at most {} bytes", limits.total_bytes());
                let found = format!("{} and {rest_len} more", cursor.at());
                Error::at(ErrorKind::LimitTotalBytes, length_at, expected, found)
            })?;
        if total_len - cursor.at() < checksum::LEN {
            let expected = format!("at least {} more bytes", checksum::LEN);
            return Err(Error::at(
                ErrorKind::PreambleLength,
                length_at,
                expected,
                rest_len.to_string(),
            ));
        }
        Ok(Self { version: Version { major, minor }, flags, flags_at, total_len })
    }

    /// The profile. Refuses flags that this version does not know: every one of them changes how
    /// the rest is read. Done after the checksum, because a flag may be a flipped bit.
    pub(crate) fn profile(&self) -> Result<Profile> {
        let known = [
            Profile::SelfContained,
            Profile::Compact { is_bare: false },
            Profile::Compact { is_bare: true },
        ];
        known.into_iter().find(|profile| profile.flags() == self.flags).ok_or_else(|| {
            let found = format!("{:#010b}", self.flags);
            let is_profile_known = self.flags & PROFILE_MASK <= 1;
            let (kind, expected) = if self.flags & !(PROFILE_MASK | BARE_BIT) != 0 {
                (ErrorKind::PreambleFlags, "bits 3 to 7 clear")
            } else if is_profile_known {
                (ErrorKind::PreambleFlags, "bit 2 clear in a self-contained packet")
            } else {
                (ErrorKind::PreambleProfile, "0 (self-contained) or 1 (compact)")
            };
            Error::at(kind, self.flags_at, expected, found)
        })
    }

    /// Refuses everything but the encrypted profile, likewise after the checksum.
    #[cfg(feature = "trust")]
    pub(crate) fn check_encrypted(&self) -> Result<()> {
        let found = format!("{:#010b}", self.flags);
        let (kind, expected) = match self.flags {
            ENCRYPTED => return Ok(()),
            flags if flags & PROFILE_MASK == ENCRYPTED => {
                (ErrorKind::PreambleFlags, "bits 2 to 7 clear in an encrypted packet")
            }
            _ => (ErrorKind::PreambleProfile, "2 (encrypted)"),
        };
        Err(Error::at(kind, self.flags_at, expected, found))
    }

    /// The flags as they stand.
    #[cfg(feature = "trust")]
    pub(crate) fn flags(&self) -> u8 {
        self.flags
    }

    /// Where the flags stand.
    pub(crate) fn flags_at(&self) -> usize {
        self.flags_at
    }
}

/// Appends the preamble of a packet with `rest_len` bytes after it, checksum included.
pub(crate) fn write(out: &mut Vec<u8>, profile: Profile, rest_len: u32) {
    write_as(out, Version::CURRENT, profile.flags(), rest_len);
}

/// The same in a given version and with given flags.
pub(crate) fn write_as(out: &mut Vec<u8>, version: Version, flags: u8, rest_len: u32) {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[version.major, version.minor, flags]);
    put_varint(out, rest_len);
}
