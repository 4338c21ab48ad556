//! Tiles in parts of at most 4 rows by 16 columns, as many as 256-bit registers hold.

use std::arch::x86_64::*;

use super::{MR, NR, Operands};
use crate::element::Kind;

/// # Safety
/// `check` must hold for the operands.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn tile(kind: Kind, operands: Operands<'_>, out: &mut [f32; MR * NR]) {
    for column in [0, 16] {
        // SAFETY: as the caller's; the parts make up the 14 rows and 32 columns.
        unsafe {
            for row in [0, 4, 8] {
                part::<4>(kind, operands, row, column, out);
            }
            part::<2>(kind, operands, 12, column, out);
        }
    }
}

/// # Safety
/// `check` must hold for the operands, `row + ROWS <= 14` and `column + 16 <= 32`.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn part<const ROWS: usize>(
    kind: Kind,
    operands: Operands<'_>,
    row: usize,
    column: usize,
    out: &mut [f32; MR * NR],
) {
    let mut sums = [[_mm256_setzero_ps(); 2]; ROWS];
    let places: [_; ROWS] = std::array::from_fn(|number| operands.left.place(row + number));
    for unit in 0..operands.units {
        // SAFETY: `check` found all units of each row, which need no alignment, and 32 columns.
        unsafe {
            let right = operands.right.as_ptr().add(unit * NR + column);
            let columns =
                [_mm256_loadu_si256(right.cast()), _mm256_loadu_si256(right.add(8).cast())];
            for ((start, step), sums) in places.into_iter().zip(&mut sums) {
                let left = operands.left.data.as_ptr().add(start + unit * step);
                let row = _mm256_set1_epi32(left.cast::<i32>().read_unaligned());
                for (sum, column) in sums.iter_mut().zip(columns) {
                    *sum = match kind {
                        Kind::F32 => _mm256_fmadd_ps(
                            _mm256_castsi256_ps(row),
                            _mm256_castsi256_ps(column),
                            *sum,
                        ),
                        Kind::Bf16 => {
                            let sum = _mm256_fmadd_ps(lower(row), lower(column), *sum);
                            _mm256_fmadd_ps(upper(row), upper(column), sum)
                        }
                    };
                }
            }
        }
    }
    for (number, sums) in sums.into_iter().enumerate() {
        let at = &mut out[(row + number) * NR + column..][..16];
        // SAFETY: `at` is 16 values.
        unsafe {
            _mm256_storeu_ps(at.as_mut_ptr(), sums[0]);
            _mm256_storeu_ps(at.as_mut_ptr().add(8), sums[1]);
        }
    }
}

/// The first bf16 of each unit.
#[inline]
#[target_feature(enable = "avx2")]
fn lower(units: __m256i) -> __m256 {
    _mm256_castsi256_ps(_mm256_slli_epi32::<16>(units))
}

/// The second bf16 of each unit.
#[inline]
#[target_feature(enable = "avx2")]
fn upper(units: __m256i) -> __m256 {
    _mm256_castsi256_ps(_mm256_and_si256(units, _mm256_set1_epi32(0xFFFF_0000_u32 as i32)))
}
