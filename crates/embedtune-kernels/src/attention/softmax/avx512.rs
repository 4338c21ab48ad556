//! Powers by 512-bit registers and fused multiply-add.

use std::arch::x86_64::*;

use crate::{Bf16, math::EXP2};

/// See [`powers`](super::powers).
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
pub(super) fn powers(row: &mut [f32], scale: f32) -> f32 {
    let scale = _mm512_set1_ps(scale * std::f32::consts::LOG2_E);
    let largest = _mm512_set1_ps(largest(row));
    // The difference first: in one step with the product it would inherit the rounding of a large
    // score's.
    let power = |x| exp2(_mm512_mul_ps(_mm512_sub_ps(x, largest), scale));
    let mut sums = [_mm512_setzero_ps(); 2];
    let mut blocks = row.chunks_exact_mut(32);
    for block in &mut blocks {
        for (half, sum) in block.chunks_exact_mut(16).zip(&mut sums) {
            let powers = power(load(half));
            *sum = _mm512_add_ps(*sum, powers);
            store(half, powers);
        }
    }
    for part in blocks.into_remainder().chunks_mut(16) {
        let powers = power(load(part));
        // What lies beyond the row counts as minus infinity.
        sums[0] = _mm512_mask_add_ps(sums[0], mask(part.len()), sums[0], powers);
        store(part, powers);
    }
    1.0 / _mm512_reduce_add_ps(_mm512_add_ps(sums[0], sums[1]))
}

/// See [`powers_rounded`](super::powers_rounded).
///
/// # Safety
/// `out` must be valid for as many values as the row has, and those must be whole blocks of 32.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
pub(super) unsafe fn powers_bf16(row: &[f32], scale: f32, out: *mut Bf16) -> f32 {
    let scale = _mm512_set1_ps(scale * std::f32::consts::LOG2_E);
    let largest = _mm512_set1_ps(largest(row));
    let power = |x| exp2(_mm512_mul_ps(_mm512_sub_ps(x, largest), scale));
    // SAFETY: registers of one size may hold anything.
    let ones: __m512bh = unsafe { std::mem::transmute(_mm512_set1_epi16(0x3F80)) };
    let mut sum = _mm512_setzero_ps();
    for (number, block) in row.chunks_exact(32).enumerate() {
        let rounded = _mm512_cvtne2ps_pbh(power(load(&block[16..])), power(load(&block[..16])));
        sum = _mm512_dpbf16_ps(sum, rounded, ones);
        // SAFETY: as the caller's; registers of one size may hold anything.
        unsafe {
            let rounded = std::mem::transmute::<__m512bh, __m512i>(rounded);
            _mm512_storeu_si512(out.add(32 * number).cast(), rounded);
        }
    }
    1.0 / _mm512_reduce_add_ps(sum)
}

/// Largest value that is not NaN.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn largest(row: &[f32]) -> f32 {
    let mut lanes = [_mm512_set1_ps(f32::NEG_INFINITY); 4];
    let mut blocks = row.chunks_exact(64);
    for block in &mut blocks {
        for (values, lanes) in block.chunks_exact(16).zip(&mut lanes) {
            // Of a NaN and a number it gives the second.
            *lanes = _mm512_max_ps(load(values), *lanes);
        }
    }
    for values in blocks.remainder().chunks(16) {
        lanes[0] = _mm512_mask_max_ps(lanes[0], mask(values.len()), load(values), lanes[0]);
    }
    let lanes = [_mm512_max_ps(lanes[0], lanes[1]), _mm512_max_ps(lanes[2], lanes[3])];
    _mm512_reduce_max_ps(_mm512_max_ps(lanes[0], lanes[1]))
}

/// `2ˣ` for `x` up to 127, and of whatever is below -126 at most 2⁻¹²⁵. NaN gives NaN.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn exp2(x: __m512) -> __m512 {
    // The constant first: of a number and a NaN it gives the second.
    let x = _mm512_max_ps(_mm512_set1_ps(-126.0), x);
    let whole = _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x);
    let rest = _mm512_sub_ps(x, whole);
    let mut p = _mm512_set1_ps(EXP2[0]);
    for &coefficient in &EXP2[1..] {
        p = _mm512_fmadd_ps(p, rest, _mm512_set1_ps(coefficient));
    }
    _mm512_scalef_ps(p, whole)
}

fn mask(values: usize) -> __mmask16 {
    ((1u32 << values.min(16)) - 1) as u16
}

/// Up to 16 values; zeros beyond them.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn load(values: &[f32]) -> __m512 {
    // SAFETY: lanes beyond the slice are masked out, and a masked-out lane is not accessed.
    unsafe { _mm512_maskz_loadu_ps(mask(values.len()), values.as_ptr()) }
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn store(values: &mut [f32], lanes: __m512) {
    // SAFETY: as for `load`.
    unsafe { _mm512_mask_storeu_ps(values.as_mut_ptr(), mask(values.len()), lanes) };
}
