//! What a reader is willing to spend on bytes from a stranger.

/// A reader's budget. Every limit is checked before anything is allocated or decompressed for it.
///
/// ```
/// let tight = latentwire::Limits::default().with_total_bytes(64 << 10);
/// assert_eq!(tight.total_bytes(), 65_536);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    total_bytes: usize,
    elements: usize,
    sections: usize,
    decompressed_bytes: usize,
    items: usize,
}

impl Default for Limits {
    /// 16 MiB a packet, 4 Mi elements, 64 sections, 16 MiB of payload, 4096 items a section: some
    /// 500 times the default message of 32 x 256 latents, and never more than about 32 MiB of
    /// memory.
    fn default() -> Self {
        Self {
            total_bytes: 16 << 20,
            elements: 4 << 20,
            sections: 64,
            decompressed_bytes: 16 << 20,
            items: 4096,
        }
    }
}

macro_rules! limit {
    ($name:ident, $with:ident, $what:literal) => {
        #[doc = concat!("The most ", $what, ".")]
        #[must_use]
        pub const fn $name(&self) -> usize {
            self.$name
        }

        #[doc = concat!("The same limits with another limit on ", $what, ".")]
        #[must_use]
        pub const fn $with(mut self, $name: usize) -> Self {
            self.$name = $name;
            self
        }
    };
}

impl Limits {
    limit!(total_bytes, with_total_bytes, "bytes of a packet, preamble and checksum included");
    limit!(elements, with_elements, "numbers in the latents");
    limit!(sections, with_sections, "sections of a packet");
    limit!(
        decompressed_bytes,
        with_decompressed_bytes,
        "bytes of the payload once its lossless stage is undone"
    );
    limit!(items, with_items, "literals, choices or entries of metadata in one section");
}
