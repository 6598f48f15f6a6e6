//! The grid of levels that a quantized number snaps to: codes times a scale.
//!
//! Codes are taken as *symbols*, unsigned bytes as they stand in a payload before they are packed.

#![expect(clippy::inline_always, reason = "what is not inlined into `simd::widest` is narrow")]

use super::{Encoding, Number};

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

    /// Appends the symbols that numbers snap to.
    #[inline(always)]
    pub(super) fn snap<T: Number>(self, values: &[T], scale: f32, zero: u8, symbols: &mut Vec<u8>) {
        let inverse = inverse(scale);
        let levels = values.iter().map(|value| value.wide() * inverse);
        match self {
            // The clamp changes nothing, but tells the compiler how to pack.
            Self::Int8 => symbols.extend(levels.map(|level| round(level).clamp(-127, 127) as u8)),
            Self::Int4 => symbols.extend(levels.map(|level| (round(level) + 7) as u8)),
            Self::Int2 => symbols.extend(levels.map(|level| {
                u8::from(level >= -2.0) + u8::from(level >= 0.0) + u8::from(level >= 2.0)
            })),
            Self::Sign if scale == 0.0 => symbols.extend(levels.map(|_| 1)),
            Self::Sign => symbols.extend(values.iter().map(|&value| u8::from(value.wide() >= 0.0))),
            Self::Shifted { top } => symbols.extend(
                levels.map(|level| (round(level) + i32::from(zero)).clamp(0, top.into()) as u8),
            ),
        }
    }

    /// The numbers that symbols stand for, whose scale and zero point `scale_of` makes of what stands
    /// in their place. Every product is exact.
    #[inline(always)]
    pub(super) fn restore(
        self,
        symbols: &[u8],
        values: &mut [f32],
        scale_of: impl Fn(f32) -> (f32, u8),
    ) {
        match self {
            Self::Int8 => put(symbols, values, scale_of, |symbol, _| f32::from(symbol as i8)),
            Self::Int4 => put(symbols, values, scale_of, |symbol, _| f32::from(symbol as i8 - 7)),
            Self::Int2 => {
                put(symbols, values, scale_of, |symbol, _| f32::from(2 * symbol as i8 - 3));
            }
            Self::Sign => {
                put(symbols, values, scale_of, |symbol, _| f32::from(2 * symbol as i8 - 1));
            }
            Self::Shifted { .. } => put(symbols, values, scale_of, |symbol, zero| {
                (i32::from(symbol) - i32::from(zero)) as f32
            }),
        }
    }

    /// The largest magnitude of the levels of symbols under one scale; [`Self::top`] where every
    /// symbol is allowed. Under a scale of zero it is zero exactly if all of them stand for zero.
    #[inline(always)]
    pub(super) fn largest(self, symbols: &[u8], scale: f32, zero: u8) -> u8 {
        match self {
            Self::Int8 => max(symbols, |symbol| (symbol as i8).unsigned_abs()),
            Self::Int4 => max(symbols, |symbol| symbol.abs_diff(7)),
            Self::Int2 if scale == 0.0 => max(symbols, |symbol| symbol.abs_diff(2)),
            Self::Int2 => max(symbols, |symbol| if symbol.wrapping_sub(1) < 2 { 1 } else { 3 }),
            Self::Sign if scale == 0.0 => max(symbols, |symbol| 1 - symbol),
            Self::Shifted { .. } if scale == 0.0 => max(symbols, |symbol| symbol.abs_diff(zero)),
            Self::Sign | Self::Shifted { .. } => self.top(),
        }
    }

    /// Whether the symbols of a scale, of that [`Self::largest`], are what a writer writes.
    ///
    /// Under a scale of zero there are only zeros. Where the scale was made of these very numbers
    /// (`is_own`), the largest level is among them: the numbers could otherwise have been written
    /// with another scale too.
    #[inline(always)]
    pub(super) fn allows(self, largest: u8, scale: f32, is_own: bool) -> bool {
        match (scale == 0.0, is_own) {
            (true, _) => largest == 0,
            (false, true) => largest == self.top(),
            (false, false) => largest <= self.top(),
        }
    }

    /// What is expected and what was found where [`Self::allows`] says no.
    #[cold]
    pub(super) fn fault(self, largest: u8, scale: f32, is_own: bool) -> (String, String) {
        let top = self.top();
        let expected = match (scale == 0.0, is_own) {
            (true, _) => "codes of zero".into(),
            (false, true) => format!("largest code {top}"),
            (false, false) => format!("codes up to {top}"),
        };
        (expected, format!("a code of magnitude {largest}"))
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
fn put(
    symbols: &[u8],
    values: &mut [f32],
    scale_of: impl Fn(f32) -> (f32, u8),
    level: impl Fn(u8, u8) -> f32,
) {
    for (value, &symbol) in values.iter_mut().zip(symbols) {
        let (scale, zero) = scale_of(*value);
        *value = level(symbol, zero) * scale;
    }
}

#[inline(always)]
fn max(symbols: &[u8], map: impl Fn(u8) -> u8) -> u8 {
    symbols.iter().fold(0, |largest, &symbol| largest.max(map(symbol)))
}
