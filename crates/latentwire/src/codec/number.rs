//! Numbers as callers hold them: f32, or bf16, which models compute in.

use half::bf16;

/// A number that an f32 holds exactly.
pub(crate) trait Number: Copy {
    /// As an f32.
    fn wide(self) -> f32;
}

impl Number for f32 {
    #[inline]
    fn wide(self) -> f32 {
        self
    }
}

impl Number for bf16 {
    // Not its own conversion, which treats what is no number in another way and is no vector.
    #[inline]
    fn wide(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }
}
