//! Tiles in 28 accumulators of 512 bits.

use std::arch::x86_64::*;

use super::{Layout, MR, NR, Operands, Out, UNIT};
use crate::Update;

/// Runs `$step(accumulator, left, right)` over all units; `$zero` is an empty accumulator.
macro_rules! accumulate {
    ($operands:ident, $zero:expr, $step:expr) => {
        match $operands.left.layout {
            // The distances of a panel are constants of the compiled loop.
            Layout::Panel => accumulate!($operands, $zero, $step, |row| row * UNIT, MR * UNIT),
            Layout::Rows { .. } => {
                let starts: [usize; MR] = std::array::from_fn(|row| $operands.left.place(row).0);
                accumulate!($operands, $zero, $step, |row: usize| starts[row], UNIT)
            }
        }
    };
    ($operands:ident, $zero:expr, $step:expr, $start:expr, $next:expr) => {{
        let mut sums = [[$zero; 2]; MR];
        let (mut left, mut right) = ($operands.left.data.as_ptr(), $operands.right.as_ptr());
        let start = $start;
        for _ in 0..$operands.units {
            // SAFETY: `check` found room for so many units of each row and 32 of the right side.
            // Units need no alignment, and registers of one size may hold anything.
            unsafe {
                let columns =
                    [_mm512_loadu_si512(right.cast()), _mm512_loadu_si512(right.add(16).cast())];
                for (row, sums) in sums.iter_mut().enumerate() {
                    let unit = left.add(start(row)).cast::<i32>().read_unaligned();
                    let row = _mm512_set1_epi32(unit);
                    sums[0] = $step(sums[0], row, columns[0]);
                    sums[1] = $step(sums[1], row, columns[1]);
                }
                // After the last unit these may point beyond, and are not used.
                (left, right) = (left.wrapping_add($next), right.wrapping_add(NR));
            }
        }
        sums
    }};
}

/// Writes results from the registers; those of a tile that is not whole go by way of memory.
macro_rules! store {
    ($sums:ident, $rows:expr, $out:ident) => {{
        if $rows < MR || $out.columns < NR {
            let sums = $sums;
            // SAFETY: as the caller's.
            return unsafe { store_part(&sums, $rows, $out) };
        }
        for (row, sums) in $sums.into_iter().enumerate() {
            for (half, sum) in sums.into_iter().enumerate() {
                // SAFETY: `check` found 32 values at each of 14 rows' starts.
                unsafe {
                    let at = $out.data.as_mut_ptr().add(row * $out.stride + 16 * half);
                    let sum = match $out.update {
                        Update::Overwrite => sum,
                        Update::Add => _mm512_add_ps(_mm512_loadu_ps(at), sum),
                    };
                    _mm512_storeu_ps(at, sum);
                }
            }
        }
    }};
}

/// # Safety
/// `check` must hold for both arguments.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn f32(operands: Operands<'_>, out: Out<'_>) {
    let sums = accumulate!(operands, _mm512_setzero_ps(), |sum, row, column| {
        _mm512_fmadd_ps(_mm512_castsi512_ps(row), _mm512_castsi512_ps(column), sum)
    });
    store!(sums, operands.left.rows, out);
}

/// # Safety
/// `check` must hold for both arguments.
#[target_feature(enable = "avx512f,avx512bf16")]
pub(super) unsafe fn bf16(operands: Operands<'_>, out: Out<'_>) {
    let sums = accumulate!(operands, _mm512_setzero_ps(), |sum, row, column| {
        _mm512_dpbf16_ps(
            sum,
            std::mem::transmute::<__m512i, __m512bh>(row),
            std::mem::transmute::<__m512i, __m512bh>(column),
        )
    });
    store!(sums, operands.left.rows, out);
}

/// # Safety
/// `check` must hold for the operands.
#[target_feature(enable = "avx512f,avx512vnni")]
pub(super) unsafe fn int8(operands: Operands<'_>, out: &mut [i32; MR * NR]) {
    let sums = accumulate!(operands, _mm512_setzero_si512(), |sum, row, column| {
        _mm512_dpbusd_epi32(sum, row, column)
    });
    for (sums, out) in sums.iter().zip(out.chunks_exact_mut(NR)) {
        // SAFETY: `out` is a row of 32 values.
        unsafe {
            _mm512_storeu_si512(out.as_mut_ptr().cast(), sums[0]);
            _mm512_storeu_si512(out.as_mut_ptr().add(16).cast(), sums[1]);
        }
    }
}

/// # Safety
/// `check` must hold for `out`.
#[inline(never)]
#[target_feature(enable = "avx512f")]
unsafe fn store_part(sums: &[[__m512; 2]; MR], rows: usize, out: Out<'_>) {
    let mask = ((1u64 << out.columns) - 1) as u32;
    let masks = [mask as u16, (mask >> 16) as u16];
    for (row, sums) in sums.iter().take(rows).enumerate() {
        for (half, &sum) in sums.iter().enumerate() {
            // SAFETY: `check` found `columns` values at each row's start; lanes beyond them are
            // masked out, and a masked-out lane is not accessed (the address may lie outside, so
            // it is computed without a claim to stay inside).
            unsafe {
                let at = out.data.as_mut_ptr().wrapping_add(row * out.stride + 16 * half);
                let sum = match out.update {
                    Update::Overwrite => sum,
                    Update::Add => _mm512_add_ps(_mm512_maskz_loadu_ps(masks[half], at), sum),
                };
                _mm512_mask_storeu_ps(at, masks[half], sum);
            }
        }
    }
}
