//! Inner product and squared Euclidean distance of two vectors.

use crate::CpuFeatures;

/// Inner product `Σ aᵢ·bᵢ` of two vectors of one length.
///
/// Off by at most `n · 2⁻²³ · Σ |aᵢ·bᵢ|`. NaN in, NaN out.
///
/// # Panics
/// If the lengths differ.
#[inline]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "vectors of different lengths");
    #[cfg(target_arch = "x86_64")]
    {
        let cpu = CpuFeatures::get();
        if cpu.avx512 {
            // SAFETY: the processor has AVX-512F.
            return unsafe { avx512::dot(a, b) };
        }
        if cpu.avx2_fma {
            // SAFETY: the processor has AVX2 and FMA.
            return unsafe { avx2::dot(a, b) };
        }
    }
    portable(a, b, |x, y| x * y)
}

/// Squared Euclidean distance `Σ (aᵢ − bᵢ)²` of two vectors of one length.
///
/// Off by at most `(n + 2) · 2⁻²³` of its value. NaN in, NaN out.
///
/// # Panics
/// If the lengths differ.
#[inline]
pub fn squared_l2(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "vectors of different lengths");
    #[cfg(target_arch = "x86_64")]
    {
        let cpu = CpuFeatures::get();
        if cpu.avx512 {
            // SAFETY: the processor has AVX-512F.
            return unsafe { avx512::squared_l2(a, b) };
        }
        if cpu.avx2_fma {
            // SAFETY: the processor has AVX2 and FMA.
            return unsafe { avx2::squared_l2(a, b) };
        }
    }
    portable(a, b, |x, y| (x - y) * (x - y))
}

/// Eight running sums, which compilers turn into vector instructions of any processor.
fn portable(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut sums = [0.0f32; 8];
    let (a_blocks, b_blocks) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f32 =
        a_blocks.remainder().iter().zip(b_blocks.remainder()).map(|(&x, &y)| term(x, y)).sum();
    for (x, y) in a_blocks.zip(b_blocks) {
        for lane in 0..8 {
            sums[lane] += term(x[lane], y[lane]);
        }
    }
    sums.iter().sum::<f32>() + tail
}

/// Both distances for one instruction set. Four running sums hide the latency of a fused
/// multiply-add; the last, partial vector is filled up with zeros.
#[cfg(target_arch = "x86_64")]
macro_rules! distances {
    ($feature:literal, $lanes:literal, $zero:ident, $fma:ident, $add:ident, $sub:ident) => {
        #[target_feature(enable = $feature)]
        pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
            accumulate!(a, b, $lanes, $zero, $add, |x, y, sum| $fma(x, y, sum))
        }

        #[target_feature(enable = $feature)]
        pub(super) fn squared_l2(a: &[f32], b: &[f32]) -> f32 {
            accumulate!(a, b, $lanes, $zero, $add, |x, y, sum| {
                let difference = $sub(x, y);
                $fma(difference, difference, sum)
            })
        }
    };
}

#[cfg(target_arch = "x86_64")]
macro_rules! accumulate {
    ($a:ident, $b:ident, $lanes:literal, $zero:ident, $add:ident,
     |$x:ident, $y:ident, $acc:ident| $term:expr) => {{
        let (a_vectors, a_tail) = $a.as_chunks::<$lanes>();
        let (b_vectors, b_tail) = $b.as_chunks::<$lanes>();
        let (a_blocks, a_rest) = a_vectors.as_chunks::<4>();
        let (b_blocks, b_rest) = b_vectors.as_chunks::<4>();
        let mut sums = [$zero(); 4];
        for (a_block, b_block) in a_blocks.iter().zip(b_blocks) {
            for lane in 0..4 {
                let ($x, $y, $acc) = (load(&a_block[lane]), load(&b_block[lane]), sums[lane]);
                sums[lane] = $term;
            }
        }
        for (lane, (a_vector, b_vector)) in a_rest.iter().zip(b_rest).enumerate() {
            let ($x, $y, $acc) = (load(a_vector), load(b_vector), sums[lane]);
            sums[lane] = $term;
        }
        if !a_tail.is_empty() {
            let ($x, $y, $acc) = (load_tail(a_tail), load_tail(b_tail), sums[3]);
            sums[3] = $term;
        }
        sum($add($add(sums[0], sums[1]), $add(sums[2], sums[3])))
    }};
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::*;

    distances!("avx512f", 16, _mm512_setzero_ps, _mm512_fmadd_ps, _mm512_add_ps, _mm512_sub_ps);

    #[target_feature(enable = "avx512f")]
    fn load(values: &[f32; 16]) -> __m512 {
        // SAFETY: `values` has the 16 values that are read; the load needs no alignment.
        unsafe { _mm512_loadu_ps(values.as_ptr()) }
    }

    /// The values of `tail`, fewer than 16, then zeros.
    #[target_feature(enable = "avx512f")]
    fn load_tail(tail: &[f32]) -> __m512 {
        let mask = (1u16 << tail.len()) - 1;
        // SAFETY: the mask selects exactly the values of `tail`; masked lanes are not read.
        unsafe { _mm512_maskz_loadu_ps(mask, tail.as_ptr()) }
    }

    #[target_feature(enable = "avx512f")]
    fn sum(x: __m512) -> f32 {
        _mm512_reduce_add_ps(x)
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    distances!("avx2,fma", 8, _mm256_setzero_ps, _mm256_fmadd_ps, _mm256_add_ps, _mm256_sub_ps);

    #[target_feature(enable = "avx2,fma")]
    fn load(values: &[f32; 8]) -> __m256 {
        // SAFETY: `values` has the 8 values that are read; the load needs no alignment.
        unsafe { _mm256_loadu_ps(values.as_ptr()) }
    }

    /// The values of `tail`, fewer than 8, then zeros.
    #[target_feature(enable = "avx2,fma")]
    fn load_tail(tail: &[f32]) -> __m256 {
        let mut values = [0.0; 8];
        values[..tail.len()].copy_from_slice(tail);
        load(&values)
    }

    #[target_feature(enable = "avx2,fma")]
    fn sum(x: __m256) -> f32 {
        let mut lanes = [0.0f32; 8];
        // SAFETY: `lanes` has room for the 8 values that are written.
        unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), x) };
        lanes.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reference;

    type Kernel = fn(&[f32], &[f32]) -> f32;

    /// Every implementation that this processor runs, by name: (name, dot, squared distance).
    fn implementations() -> Vec<(&'static str, Kernel, Kernel)> {
        let mut all: Vec<(&'static str, Kernel, Kernel)> = vec![
            ("dispatched", dot, squared_l2),
            (
                "portable",
                |a, b| portable(a, b, |x, y| x * y),
                |a, b| portable(a, b, |x, y| (x - y) * (x - y)),
            ),
        ];
        #[cfg(target_arch = "x86_64")]
        {
            if CpuFeatures::get().avx2_fma {
                // SAFETY: the processor has AVX2 and FMA.
                let dot: Kernel = |a, b| unsafe { avx2::dot(a, b) };
                // SAFETY: as above.
                let squared_l2: Kernel = |a, b| unsafe { avx2::squared_l2(a, b) };
                all.push(("avx2", dot, squared_l2));
            }
            if CpuFeatures::get().avx512 {
                // SAFETY: the processor has AVX-512F.
                let dot: Kernel = |a, b| unsafe { avx512::dot(a, b) };
                // SAFETY: as above.
                let squared_l2: Kernel = |a, b| unsafe { avx512::squared_l2(a, b) };
                all.push(("avx512", dot, squared_l2));
            }
        }
        all
    }

    fn check(a: &[f32], b: &[f32]) {
        let n = a.len() as f64;
        let wide = |x: f32| f64::from(x);
        let exact: f64 = a.iter().zip(b).map(|(&x, &y)| wide(x) * wide(y)).sum();
        let magnitude: f64 = a.iter().zip(b).map(|(&x, &y)| (wide(x) * wide(y)).abs()).sum();
        let distance: f64 = a.iter().zip(b).map(|(&x, &y)| (wide(x) - wide(y)).powi(2)).sum();
        let unit = 2f64.powi(-23);
        for (name, dot, squared_l2) in implementations() {
            let off = (wide(dot(a, b)) - exact).abs();
            assert!(off <= n * unit * magnitude, "{name} dot of {n}: off by {off:e}");
            let off = (wide(squared_l2(a, b)) - distance).abs();
            assert!(off <= (n + 2.0) * unit * distance, "{name} distance of {n}: off by {off:e}");
        }
        assert!((wide(reference::dot(a, b)) - exact).abs() <= n * unit * magnitude);
        assert!(
            (wide(reference::squared_l2(a, b)) - distance).abs() <= (n + 2.0) * unit * distance
        );
    }

    #[test]
    fn every_length_and_alignment_up_to_two_blocks() {
        let values: Vec<f32> = (0..300).map(|i| ((i * 37 % 101) as f32 - 50.0) / 17.0).collect();
        for length in 0..140 {
            for offset in 0..4 {
                check(
                    &values[offset..offset + length],
                    &values[150 - offset..150 - offset + length],
                );
            }
        }
    }

    #[test]
    fn nan_propagates_from_any_place() {
        for length in [1, 7, 8, 15, 16, 17, 64, 65, 130] {
            for at in 0..length {
                let mut a = vec![1.0; length];
                a[at] = f32::NAN;
                let b = vec![0.0; length];
                for (name, dot, squared_l2) in implementations() {
                    assert!(dot(&a, &b).is_nan(), "{name} at {at} of {length}");
                    assert!(squared_l2(&b, &a).is_nan(), "{name} at {at} of {length}");
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "different lengths")]
    fn lengths_must_agree() {
        dot(&[1.0], &[1.0, 2.0]);
    }

    proptest! {
        #[test]
        fn within_the_stated_error(
            pairs in prop::collection::vec((-1e3f32..1e3, -1e3f32..1e3), 0..600),
            offset in 0usize..4,
        ) {
            let (a, b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let from = offset.min(a.len());
            check(&a[from..], &b[from..]);
        }
    }
}
