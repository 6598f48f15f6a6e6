//! Checksums of many overlapping ranges, each in constant time.
//!
//! Whoever looks for packets in damaged bytes meets claims of lengths, one every few bytes at
//! worst, and each must be tried. Summing every claimed range would take the square of the
//! stream's length. Here every byte is summed once, a running sum is kept for every block, and the
//! sum of a range follows from two of those: CRCs are linear.

use std::collections::VecDeque;

/// Bytes from one running sum to the next. A range costs summing at most two blocks, which takes
/// about as long as the arithmetic on the sums.
const BLOCK: usize = 512;

/// Running sums over a part of a stream.
#[derive(Debug, Default)]
pub(super) struct RunningSums {
    /// Where the first block boundary that is kept lies in the stream.
    first: u64,
    /// The sum from some place on up to each boundary. Which place does not matter: it cancels out.
    sums: VecDeque<u32>,
}

impl RunningSums {
    /// The CRC-32C of the first `len` bytes of `bytes`, which lie at `offset` in the stream and
    /// hold all of it up to the furthest byte that was ever asked for. Offsets must not descend.
    pub(super) fn crc(&mut self, offset: u64, bytes: &[u8], len: usize) -> u32 {
        let bytes = bytes.get(..len).unwrap_or(bytes);
        if bytes.len() <= 2 * BLOCK {
            return crc32c::crc32c(bytes);
        }
        let front = self.start_at(offset);
        let blocks = (bytes.len() - front) / BLOCK;
        let (head, rest) = bytes.split_at(front);
        let (middle, tail) = rest.split_at(blocks * BLOCK);
        self.extend(middle);
        let (from, to) = (self.sum(0), self.sum(blocks));
        let sum = append_zeros(crc32c::crc32c(head) ^ from, middle.len()) ^ to;
        crc32c::crc32c_append(sum, tail)
    }

    /// Forgets the boundaries before `offset`; bytes from there to the first boundary that is left.
    fn start_at(&mut self, offset: u64) -> usize {
        while self.first < offset && !self.sums.is_empty() {
            self.sums.pop_front();
            self.first += BLOCK as u64;
        }
        if self.sums.is_empty() {
            self.first = offset;
            self.sums.push_back(0);
        }
        (self.first - offset) as usize
    }

    /// Sums the blocks of `middle`, which begins at the first boundary, as far as they are new.
    fn extend(&mut self, middle: &[u8]) {
        let known = self.sums.len() - 1;
        let mut sum = self.sum(known);
        for block in middle.chunks_exact(BLOCK).skip(known) {
            sum = crc32c::crc32c_append(sum, block);
            self.sums.push_back(sum);
        }
    }

    fn sum(&self, index: usize) -> u32 {
        self.sums.get(index).copied().unwrap_or_default()
    }
}

/// Castagnoli's polynomial, reflected.
const POLYNOMIAL: u32 = 0x82F6_3B78;
/// The polynomial 1, reflected.
const ONE: u32 = 1 << 31;

/// The product of two polynomials over GF(2), modulo Castagnoli's.
const fn multiply(a: u32, mut b: u32) -> u32 {
    let (mut product, mut bit) = (0, ONE);
    while bit != 0 {
        // Masks instead of branches, which nobody could predict.
        product ^= b & 0_u32.wrapping_sub((a & bit != 0) as u32);
        b = b >> 1 ^ POLYNOMIAL & 0_u32.wrapping_sub(b & 1);
        bit >>= 1;
    }
    product
}

/// x to the power of 8 x 2^index: what 2^index bytes of zeros multiply a sum with.
const POWERS: [u32; usize::BITS as usize] = {
    let mut powers = [ONE >> 8; usize::BITS as usize];
    let mut index = 1;
    while index < powers.len() {
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            powers[index] = multiply(powers[index - 1], powers[index - 1]);
        }
        index += 1;
    }
    powers
};

/// What the sum `crc` of some bytes adds to the sum of those bytes and `len` more.
fn append_zeros(crc: u32, len: usize) -> u32 {
    let bits = POWERS.iter().enumerate().filter(|(index, _)| len >> index & 1 == 1);
    bits.fold(crc, |product, (_, &power)| multiply(power, product))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_ranges_are_those_of_their_bytes() {
        let bytes: Vec<u8> = (0..20_000_u32).map(|at| ((at * at) >> 3) as u8).collect();
        let mut sums = RunningSums::default();
        // Starts ascend, ends do not.
        for start in (0..bytes.len()).step_by(37) {
            for len in [0, 1, 1024, 1025, 1536, 5000 + start % 999, 12_000] {
                let held = &bytes[start..];
                let len = len.min(held.len());
                let found = sums.crc(7 + start as u64, held, len);
                assert_eq!(found, crc32c::crc32c(&held[..len]), "{start} {len}");
            }
        }
        assert!(sums.sums.len() < 12_000 / BLOCK + 2);
    }

    #[test]
    fn bytes_that_were_passed_over_leave_the_sums_usable() {
        let bytes: Vec<u8> = (0..50_000_u32).map(|at| ((at * 7) >> 2) as u8).collect();
        let mut sums = RunningSums::default();
        for start in [0, 3000, 3001, 20_000, 20_513, 40_000] {
            let found = sums.crc(start as u64, &bytes[start..], 9000);
            assert_eq!(found, crc32c::crc32c(&bytes[start..start + 9000]), "{start}");
        }
    }
}
