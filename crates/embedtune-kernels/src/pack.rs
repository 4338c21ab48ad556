//! Copies operands into the order in which [`tile`](crate::tile) reads them.
//!
//! A panel is `(units, W)` with `W` 14 or 32: for each unit of the summed dimension, that unit of W
//! rows (or columns) side by side. What a matrix lacks for whole units or whole panels is zero.

#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::element::Unit;

/// Units that hold `values` values.
pub(crate) fn units_of<T: Unit>(values: usize) -> usize {
    values.div_ceil(T::PER_UNIT)
}

/// A block of a row-major matrix: `rows × columns` values, rows `stride` apart.
#[derive(Clone, Copy)]
pub(crate) struct Block<'a, T> {
    data: &'a [T],
    stride: usize,
    rows: usize,
    columns: usize,
}

impl<'a, T: Unit> Block<'a, T> {
    /// The block of `rows × columns` whose first value is the first of `data`.
    pub(crate) fn new(data: &'a [T], stride: usize, rows: usize, columns: usize) -> Self {
        if rows > 0 {
            let end = (rows - 1).saturating_mul(stride).saturating_add(columns);
            assert!(end <= data.len(), "a block beyond its slice");
        }
        Self { data, stride, rows, columns }
    }

    fn get(&self, row: usize, column: usize) -> u32 {
        if row < self.rows && column < self.columns {
            self.data[row * self.stride + column].bits()
        } else {
            0
        }
    }
}

/// Bits of a value of a type with so many values a unit.
const fn width<T: Unit>() -> usize {
    32 / T::PER_UNIT
}

/// Panel of the rows of `block` (at most W), summed along its columns: `out` is `(units, W)`, and
/// up to 15 units after it may be overwritten where there is room for them.
pub(crate) fn rows<T: Unit, const W: usize>(block: Block<'_, T>, out: &mut [u32]) {
    assert!(block.rows <= W, "more rows than a panel has");
    let units = units_of::<T>(block.columns);
    #[cfg(target_arch = "x86_64")]
    if crate::CpuFeatures::get().avx512_full && block.rows > 0 {
        // SAFETY: the processor has AVX-512 with its extensions.
        return unsafe { avx512::rows::<T, W>(block, out) };
    }
    for unit in 0..units {
        for row in 0..W {
            out[unit * W + row] = unit_of_row(block, row, unit);
        }
    }
}

/// Panel of the columns of `block` (at most W), summed along its rows; `out` as for [`rows`].
pub(crate) fn columns<T: Unit, const W: usize>(block: Block<'_, T>, out: &mut [u32]) {
    assert!(block.columns <= W, "more columns than a panel has");
    let units = units_of::<T>(block.rows);
    #[cfg(target_arch = "x86_64")]
    if crate::CpuFeatures::get().avx512_full && T::PER_UNIT <= 2 && block.columns > 0 {
        // SAFETY: the processor has AVX-512 with its extensions.
        return unsafe { avx512::columns::<T, W>(block, out) };
    }
    for unit in 0..units {
        for column in 0..W {
            out[unit * W + column] = unit_of_column(block, column, unit);
        }
    }
}

fn unit_of_row<T: Unit>(block: Block<'_, T>, row: usize, unit: usize) -> u32 {
    (0..T::PER_UNIT).fold(0, |bits, value| {
        bits | block.get(row, unit * T::PER_UNIT + value) << (value * width::<T>() % 32)
    })
}

fn unit_of_column<T: Unit>(block: Block<'_, T>, column: usize, unit: usize) -> u32 {
    (0..T::PER_UNIT).fold(0, |bits, value| {
        bits | block.get(unit * T::PER_UNIT + value, column) << (value * width::<T>() % 32)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Bf16, cpu::forced};

    fn check<T: Unit + PartialEq + std::fmt::Debug, const W: usize>(
        value: impl Fn(u32) -> T,
        (lines, length, gap): (usize, usize, usize),
    ) {
        let lines = lines % (W + 1);
        let units = units_of::<T>(length);
        // A panel of rows, then the same of the transposed matrix.
        let data: Vec<T> = (0..(lines * (length + gap)) as u32).map(&value).collect();
        let turned: Vec<T> = (0..(length * (lines + gap)) as u32).map(&value).collect();
        let by_row = Block::new(&data, length + gap, lines, length);
        let by_column = Block::new(&turned, lines + gap, length, lines);
        for (name, features) in forced::levels() {
            let pack = || {
                let mut out = vec![u32::MAX; units * W + 16];
                rows::<T, W>(by_row, &mut out);
                let mut second = vec![u32::MAX; units * W + 16];
                columns::<T, W>(by_column, &mut second);
                (out, second)
            };
            let (of_rows, of_columns) = forced::on(features, pack);
            for unit in 0..units {
                for line in 0..W {
                    let at = unit * W + line;
                    assert_eq!(of_rows[at], unit_of_row(by_row, line, unit), "{name} {at}");
                    let expected = unit_of_column(by_column, line, unit);
                    assert_eq!(of_columns[at], expected, "{name} {at}");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn every_path_gives_the_same_panel(lines in 0usize..33, length in 0usize..80, gap in 0usize..5) {
            let shape = (lines, length, gap);
            check::<f32, 14>(|i| i as f32 + 1.0, shape);
            check::<f32, 32>(|i| i as f32 + 1.0, shape);
            check::<Bf16, 14>(|i| Bf16::from_bits(i as u16 + 1), shape);
            check::<Bf16, 32>(|i| Bf16::from_bits(i as u16 + 1), shape);
            check::<u8, 14>(|i| i as u8, shape);
            check::<i8, 32>(|i| i as u8 as i8, shape);
        }
    }

    #[test]
    fn small_panels_too() {
        // Few enough for an interpreter.
        check::<f32, 14>(|i| i as f32 + 1.0, (3, 2, 1));
        check::<Bf16, 14>(|i| Bf16::from_bits(i as u16 + 1), (3, 3, 1));
        check::<u8, 14>(|i| i as u8, (2, 5, 1));
    }

    #[test]
    #[should_panic(expected = "a block beyond its slice")]
    fn a_block_lies_within_its_slice() {
        Block::new(&[0.0f32; 12], usize::MAX / 2, 4, 2);
    }
}
