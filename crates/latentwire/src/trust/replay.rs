//! Which packets of a session were received before.

/// How many numbers below the highest one are remembered.
pub(super) const WIDTH: u64 = 64;

/// The numbers that were received, kept as RFC 4303 does: the highest one, and which of the 63 below
/// it. What is older cannot be told from a replay and is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    highest: u64,
    /// Bit 0 is the highest number, bit 1 the one below it. No bit is set before the first packet.
    seen: u64,
}

impl Window {
    /// Notes a number; `false` if it was noted before or is too old to tell.
    pub(super) fn note(&mut self, number: u64) -> bool {
        if self.seen == 0 || number > self.highest {
            let ahead = if self.seen == 0 { WIDTH } else { number - self.highest };
            let kept = u32::try_from(ahead).ok().and_then(|ahead| self.seen.checked_shl(ahead));
            (self.highest, self.seen) = (number, kept.unwrap_or(0) | 1);
            return true;
        }
        let behind = self.highest - number;
        if behind >= WIDTH {
            return false;
        }
        let bit = 1 << behind;
        let is_new = self.seen & bit == 0;
        self.seen |= bit;
        is_new
    }

    /// The highest number so far.
    pub(super) fn highest(&self) -> u64 {
        self.highest
    }
}
