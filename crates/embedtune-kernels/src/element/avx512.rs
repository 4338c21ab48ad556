//! Rounding to bf16 by the instruction for it.

use std::arch::x86_64::*;

use super::Bf16;

/// Rounds `len` values from `values` to `out`.
///
/// # Safety
/// Both must be valid for that many values.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512bf16")]
pub(super) unsafe fn round(values: *const f32, out: *mut Bf16, len: usize) {
    let whole = len - len % 32;
    // SAFETY: offsets stay below `len`; lanes beyond it are masked out, and a masked-out lane is not
    // accessed. A register of bf16 is one of 16-bit integers.
    unsafe {
        for at in (0..whole).step_by(32) {
            let lower = _mm512_loadu_ps(values.add(at));
            let upper = _mm512_loadu_ps(values.add(at + 16));
            let rounded = _mm512_cvtne2ps_pbh(upper, lower);
            _mm512_storeu_si512(
                out.add(at).cast(),
                std::mem::transmute::<__m512bh, __m512i>(rounded),
            );
        }
        for at in (whole..len).step_by(16) {
            let mask = ((1u32 << (len - at).min(16)) - 1) as u16;
            let rounded = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, values.add(at)));
            let rounded = std::mem::transmute::<__m256bh, __m256i>(rounded);
            _mm256_mask_storeu_epi16(out.add(at).cast(), mask, rounded);
        }
    }
}
