//! The grid of levels that a quantized number snaps to: codes times a scale.
//!
//! Codes are taken as *symbols*, unsigned bytes as they stand in a payload before they are packed.

#![expect(clippy::inline_always, reason = "what is not inlined has the narrowest instructions")]

use super::Encoding;
use super::simd::widest;

/// 1.5 * 2^23: added to a number of magnitude below 2^22 it rounds it to nearest even, and leaves
/// the integer in the low bits.
const ROUNDER: f32 = 12_582_912.0;

/// The levels of an encoding, in units of the scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grid {
    /// -127 to 127, in two's complement.
    Int8,
    /// -7 to 7, as symbols 0 to 14.
    Int4,
    /// -3, -1, 1 and 3, as symbols 0 to 3.
    Int2,
    /// -1 and 1, as symbols 0 and 1.
    Sign,
    /// 0 to `top`, less the zero point.
    Shifted { top: u8 },
}

impl Grid {
    /// The grid of an encoding; `None` if it has no such grid.
    pub(super) fn of(encoding: Encoding, asymmetric: bool) -> Option<Self> {
        match (encoding, asymmetric) {
            (Encoding::Int8, false) => Some(Self::Int8),
            (Encoding::Int4, false) => Some(Self::Int4),
            (Encoding::Int2, false) => Some(Self::Int2),
            (Encoding::Sign, false) => Some(Self::Sign),
            (Encoding::Int8, true) => Some(Self::Shifted { top: 255 }),
            (Encoding::Int4, true) => Some(Self::Shifted { top: 15 }),
            (Encoding::Int2, true) => Some(Self::Shifted { top: 3 }),
            _ => None,
        }
    }

    /// The largest level.
    pub(super) const fn top(self) -> u8 {
        match self {
            Self::Int8 => 127,
            Self::Int4 => 7,
            Self::Int2 => 3,
            Self::Sign => 1,
            Self::Shifted { top } => top,
        }
    }

    /// Symbols that a payload may hold: those from 0 up to this, but for two's complement.
    pub(super) const fn alphabet(self) -> u16 {
        match self {
            Self::Int8 => 255,
            Self::Int4 => 15,
            Self::Int2 => 4,
            Self::Sign => 2,
            Self::Shifted { top } => top as u16 + 1,
        }
    }

    /// Snaps numbers to symbols.
    pub(super) fn snap(self, values: &[f32], scale: f32, zero: u8, symbols: &mut [u8]) {
        widest(
            #[inline(always)]
            || self.snap_inline(values, scale, zero, symbols),
        );
    }

    #[inline(always)]
    fn snap_inline(self, values: &[f32], scale: f32, zero: u8, symbols: &mut [u8]) {
        let inverse = inverse(scale);
        match self {
            Self::Int8 => fill(values, symbols, |value| round(value * inverse) as u8),
            Self::Int4 => fill(values, symbols, |value| (round(value * inverse) + 7) as u8),
            Self::Int2 => fill(values, symbols, |value| {
                let level = value * inverse;
                u8::from(level >= -2.0) + u8::from(level >= 0.0) + u8::from(level >= 2.0)
            }),
            Self::Sign if scale == 0.0 => symbols.fill(1),
            Self::Sign => fill(values, symbols, |value| u8::from(value >= 0.0)),
            Self::Shifted { top } => fill(values, symbols, |value| {
                (round(value * inverse) + i32::from(zero)).clamp(0, top.into()) as u8
            }),
        }
    }

    /// Appends the numbers that symbols stand for. Every product is exact.
    pub(super) fn restore(self, symbols: &[u8], scale: f32, zero: u8, values: &mut Vec<f32>) {
        widest(
            #[inline(always)]
            || self.restore_inline(symbols, scale, zero, values),
        );
    }

    #[inline(always)]
    fn restore_inline(self, symbols: &[u8], scale: f32, zero: u8, values: &mut Vec<f32>) {
        let symbols = symbols.iter().copied();
        let zero = i32::from(zero);
        match self {
            Self::Int8 => values.extend(symbols.map(|symbol| f32::from(symbol as i8) * scale)),
            Self::Int4 => values.extend(symbols.map(|symbol| f32::from(symbol as i8 - 7) * scale)),
            Self::Int2 => {
                values.extend(symbols.map(|symbol| f32::from(2 * symbol as i8 - 3) * scale));
            }
            Self::Sign => {
                values.extend(symbols.map(|symbol| f32::from(2 * symbol as i8 - 1) * scale));
            }
            Self::Shifted { .. } => {
                values.extend(symbols.map(|symbol| (i32::from(symbol) - zero) as f32 * scale));
            }
        }
    }

    /// What is wrong with the symbols of one scale: what was expected and what was found.
    ///
    /// Under a scale of zero there are only zeros. Where the scale was made of these very numbers
    /// (`is_own`), the largest level is among them: the numbers could otherwise have been written
    /// with another scale too.
    pub(super) fn fault(
        self,
        symbols: &[u8],
        scale: f32,
        zero: u8,
        is_own: bool,
    ) -> Option<(String, String)> {
        let largest = match self {
            Self::Int8 => max(symbols, |symbol| (symbol as i8).unsigned_abs()),
            Self::Int4 => max(symbols, |symbol| symbol.abs_diff(7)),
            Self::Int2 if scale == 0.0 => max(symbols, |symbol| symbol.abs_diff(2)),
            Self::Int2 => max(symbols, |symbol| if symbol.wrapping_sub(1) < 2 { 1 } else { 3 }),
            Self::Sign if scale == 0.0 => max(symbols, |symbol| 1 - symbol),
            Self::Shifted { .. } if scale == 0.0 => max(symbols, |symbol| symbol.abs_diff(zero)),
            Self::Sign | Self::Shifted { .. } => return None,
        };
        let top = self.top();
        let is_right = match (scale == 0.0, is_own) {
            (true, _) => largest == 0,
            (false, true) => largest == top,
            (false, false) => largest <= top,
        };
        let expected = match (scale == 0.0, is_own) {
            (true, _) => "codes of zero".into(),
            (false, true) => format!("largest code {top}"),
            (false, false) => format!("codes up to {top}"),
        };
        (!is_right).then(|| (expected, format!("a code of magnitude {largest}")))
    }
}

/// What to multiply numbers with to get their levels.
#[inline(always)]
fn inverse(scale: f32) -> f32 {
    if scale == 0.0 { 0.0 } else { 1.0 / scale }
}

/// To the nearest integer, ties to even; the magnitude is below 2^22.
#[inline(always)]
fn round(level: f32) -> i32 {
    ((level + ROUNDER).to_bits() as i32).wrapping_sub(ROUNDER.to_bits() as i32)
}

#[inline(always)]
fn fill<T: Copy, U>(from: &[T], to: &mut [U], map: impl Fn(T) -> U) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = map(from);
    }
}

fn max(symbols: &[u8], map: impl Fn(u8) -> u8) -> u8 {
    widest(
        #[inline(always)]
        || symbols.iter().fold(0, |largest, &symbol| largest.max(map(symbol))),
    )
}
