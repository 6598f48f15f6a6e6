//! Naming content: for caches, and for telling afterwards what was sent.

use std::borrow::Cow;
use std::fmt;

use super::coverage::put_sized;
use super::label;
use crate::error::Result;
use crate::limits::Limits;
use crate::resources::Resources;
use crate::route::Route;
use crate::sections::Text;
use crate::wire::{LATENTS, Packet, SEAL, TEXT, TRACE};

/// 128 bits that name content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 16]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl Packet<'_> {
    /// Names what a packet says that says and holds everything: who to whom in which space, and
    /// every section, with lossless stages undone.
    ///
    /// It is the same whatever the message id, the readable names, the profile, the lossless stage,
    /// the trace context and the seal: these say how content travels, not what it is.
    pub fn digest(&self, limits: &Limits) -> Result<Digest> {
        self.digest_with(&Resources::default(), limits)
    }

    /// The same for a packet of `route`, in either profile.
    pub fn digest_on(&self, route: &Route<'_>, limits: &Limits) -> Result<Digest> {
        self.digest_with(&Resources::default().with_route(route), limits)
    }

    /// The same with what the packet only names.
    pub fn digest_with(&self, resources: &Resources<'_>, limits: &Limits) -> Result<Digest> {
        let route = resources.route();
        let header = self.header_on(route)?;
        let mut hasher = blake3::Hasher::new();
        let mut put = |bytes: &[u8]| {
            hasher.update(bytes);
        };
        put(label::CONTENT);
        put(&header.sender.fingerprint.0);
        put(&[header.receiver.is_some().into()]);
        if let Some(receiver) = header.receiver {
            put(&receiver.fingerprint.0);
        }
        put(&header.space.fingerprint.0);
        let mut tensors = self.latents().iter();
        let sections = self.sections().iter();
        for section in sections.filter(|info| !matches!(info.section_type, TRACE | SEAL)) {
            put(&section.section_type.to_le_bytes());
            put(&[section.critical.into()]);
            if section.section_type == LATENTS
                && let Some(info) = tensors.next()
            {
                put_sized(&mut put, &self.plain_front_bytes(info, route)?);
                put_sized(&mut put, &info.raw(self.as_bytes(), resources, limits)?);
                continue;
            }
            let body = section.body(self.as_bytes());
            let body = match section.section_type {
                TEXT => plain_text(body, section.offset, limits)?,
                _ => body.into(),
            };
            put_sized(&mut put, &body);
        }
        let mut digest = [0; 16];
        hasher.finalize_xof().fill(&mut digest);
        Ok(Digest(digest))
    }
}

/// The body that a text section would have without compression.
fn plain_text<'a>(body: &'a [u8], offset: usize, limits: &Limits) -> Result<Cow<'a, [u8]>> {
    match Text::decode(body, offset, limits)? {
        Text(Cow::Borrowed(_)) => Ok(body.into()),
        text => text.encode().map(Cow::Owned),
    }
}
