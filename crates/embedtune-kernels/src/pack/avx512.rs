//! Packing by 512-bit registers: blocks of 16 × 16 units are transposed, pairs of rows interleaved.

use std::arch::x86_64::*;

use super::{Block, unit_of_row, units_of};
use crate::element::Unit;

/// Writes up to 16 units at `at`, as many as `out` has room for.
///
/// Units beyond a panel's width are garbage that the next store overwrites: units are stored in
/// ascending order, and the caller's buffer ends with units of no meaning.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn store(out: &mut [u32], at: usize, units: usize, value: __m512i) {
    let out = &mut out[at..];
    assert!(units <= out.len(), "a panel beyond its buffer");
    let mask = if out.len() >= 16 { u16::MAX } else { (1 << out.len()) - 1 };
    // SAFETY: the mask leaves out what lies beyond the slice, which is not accessed.
    unsafe { _mm512_mask_storeu_epi32(out.as_mut_ptr().cast(), mask, value) };
}

/// Panels of rows; see [`rows`](super::rows), which has checked the block's shape.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn rows<T: Unit, const W: usize>(block: Block<'_, T>, out: &mut [u32]) {
    let whole = block.columns / T::PER_UNIT;
    for first in (0..whole).step_by(16) {
        let count = (whole - first).min(16);
        let mask = ((1u32 << count) - 1) as u16;
        let mut halves = [[_mm512_setzero_si512(); 16]; 2];
        for (half, registers) in halves.iter_mut().enumerate().take(W.div_ceil(16)) {
            for (number, register) in registers.iter_mut().enumerate() {
                let row = 16 * half + number;
                if row < block.rows {
                    let at = row * block.stride + first * T::PER_UNIT;
                    // SAFETY: `Block::new` found the row's `columns` values within the slice, and
                    // the mask keeps to whole units of them; the load needs no alignment, and any
                    // bits are a register of integers.
                    *register = unsafe {
                        _mm512_maskz_loadu_epi32(mask, block.data.as_ptr().add(at).cast())
                    };
                }
            }
            *registers = transpose(*registers);
        }
        let units = halves[0].iter().zip(&halves[1]).take(count);
        for (unit, (&lower, &upper)) in units.enumerate() {
            let at = (first + unit) * W;
            store(out, at, W.min(16), lower);
            if W > 16 {
                store(out, at + 16, W - 16, upper);
            }
        }
    }
    for unit in whole..units_of::<T>(block.columns) {
        for row in 0..W {
            out[unit * W + row] = unit_of_row(block, row, unit);
        }
    }
}

/// Panels of columns; see [`columns`](super::columns), which has checked the block's shape.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn columns<T: Unit, const W: usize>(block: Block<'_, T>, out: &mut [u32]) {
    // The loads below are of 32 or 16 bits a value.
    assert!(T::PER_UNIT <= 2, "values of 8 bits");
    let load = |row: usize, first: usize| {
        if row >= block.rows || first >= block.columns {
            return _mm512_setzero_si512();
        }
        let count = (block.columns - first).min(16);
        let mask = ((1u32 << count) - 1) as u16;
        // SAFETY: `Block::new` found the row's `columns` values within the slice, and the mask
        // keeps to them; a value has 32 or 16 bits, as the load that is chosen takes it to have.
        unsafe {
            let at = block.data.as_ptr().add(row * block.stride + first);
            match T::PER_UNIT {
                1 => _mm512_maskz_loadu_epi32(mask, at.cast()),
                _ => _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, at.cast())),
            }
        }
    };
    for unit in 0..units_of::<T>(block.rows) {
        for first in (0..W).step_by(16) {
            let value = match T::PER_UNIT {
                1 => load(unit, first),
                _ => _mm512_or_si512(
                    load(2 * unit, first),
                    _mm512_slli_epi32::<16>(load(2 * unit + 1, first)),
                ),
            };
            store(out, unit * W + first, (W - first).min(16), value);
        }
    }
}

/// Transposes 16 × 16 units.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose(rows: [__m512i; 16]) -> [__m512i; 16] {
    // Pairs of rows, then of pairs, within lanes of 128 bits; then the lanes.
    let mut a = rows;
    for i in (0..16).step_by(2) {
        a[i] = _mm512_unpacklo_epi32(rows[i], rows[i + 1]);
        a[i + 1] = _mm512_unpackhi_epi32(rows[i], rows[i + 1]);
    }
    let mut b = a;
    for i in (0..16).step_by(4) {
        b[i] = _mm512_unpacklo_epi64(a[i], a[i + 2]);
        b[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 2]);
        b[i + 2] = _mm512_unpacklo_epi64(a[i + 1], a[i + 3]);
        b[i + 3] = _mm512_unpackhi_epi64(a[i + 1], a[i + 3]);
    }
    let mut out = b;
    for i in 0..4 {
        let low = [b[i], b[i + 4], b[i + 8], b[i + 12]];
        let x = _mm512_shuffle_i32x4::<0x88>(low[0], low[1]);
        let y = _mm512_shuffle_i32x4::<0xDD>(low[0], low[1]);
        let z = _mm512_shuffle_i32x4::<0x88>(low[2], low[3]);
        let w = _mm512_shuffle_i32x4::<0xDD>(low[2], low[3]);
        out[i] = _mm512_shuffle_i32x4::<0x88>(x, z);
        out[i + 8] = _mm512_shuffle_i32x4::<0xDD>(x, z);
        out[i + 4] = _mm512_shuffle_i32x4::<0x88>(y, w);
        out[i + 12] = _mm512_shuffle_i32x4::<0xDD>(y, w);
    }
    out
}
