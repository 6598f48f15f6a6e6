//! The widest instructions that this machine has, chosen as the program runs.
//!
//! Loops over numbers are written so that the compiler turns them into vectors; here they are
//! compiled once for every width and the widest is taken. The results are the same to the bit:
//! nothing is fused, and no order of a sum depends on the width.

/// Runs `work` compiled for the widest instructions. What it calls must be inlined into it.
pub(super) fn widest<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}
