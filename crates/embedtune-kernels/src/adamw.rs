//! The AdamW update in one pass over the parameters.

use rayon::prelude::*;

use crate::{CHUNK, CpuFeatures};

/// Scalars of one AdamW step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamWStep {
    /// Learning rate of this step.
    pub lr: f64,
    /// Decay of the mean of gradients.
    pub beta1: f64,
    /// Decay of the mean of squared gradients.
    pub beta2: f64,
    /// Added to the root of the mean square, after its bias correction.
    pub eps: f64,
    /// Decoupled weight decay: parameters are first scaled by `1 − lr · weight_decay`.
    pub weight_decay: f64,
    /// Number of this step, from 1: the bias correction depends on it.
    pub step: u64,
    /// Factor on every gradient: the clip factor, or `1 / micro-batches`; 1 changes nothing.
    pub grad_scale: f32,
}

/// Updates `params`, the mean of gradients `m` and the mean of squared gradients `v`, all `(n)`.
///
/// The formula and its order of roundings are those of `torch.optim.AdamW` (Loshchilov and Hutter,
/// *Decoupled Weight Decay Regularization*, 2019): with `g = grad_scale · grad`,
///
/// ```text
/// p ← p · (1 − lr·weight_decay)
/// m ← m + (1 − beta1)·(g − m)
/// v ← beta2·v + (1 − beta2)·g²
/// p ← p − lr / (1 − beta1^step) · m / (√v / √(1 − beta2^step) + eps)
/// ```
///
/// One pass, in parallel. Every value is computed from its own four numbers alone and without fused
/// roundings, so the result is the same to the bit for any number of threads and any processor.
///
/// # Panics
/// If the lengths differ, or `step.step` is 0.
pub fn adamw_step(
    params: &mut [f32],
    grads: &[f32],
    m: &mut [f32],
    v: &mut [f32],
    step: AdamWStep,
) {
    let length = params.len();
    assert_eq!(grads.len(), length, "gradients do not fit the parameters");
    assert_eq!(m.len(), length, "first moments do not fit the parameters");
    assert_eq!(v.len(), length, "second moments do not fit the parameters");
    let coefficients = Coefficients::of(step);
    (
        params.par_chunks_mut(CHUNK),
        grads.par_chunks(CHUNK),
        m.par_chunks_mut(CHUNK),
        v.par_chunks_mut(CHUNK),
    )
        .into_par_iter()
        .for_each(|(params, grads, m, v)| update_chunk(coefficients, params, grads, m, v));
}

/// The scalars as they enter the loop: computed in f64, rounded once.
#[derive(Clone, Copy)]
pub(crate) struct Coefficients {
    grad_scale: f32,
    decay: f32,
    one_minus_beta1: f32,
    beta2: f32,
    one_minus_beta2: f32,
    step_size: f32,
    root_correction: f32,
    eps: f32,
}

impl Coefficients {
    pub(crate) fn of(step: AdamWStep) -> Self {
        assert!(step.step > 0, "AdamW counts steps from 1");
        let power = step.step as f64;
        Self {
            grad_scale: step.grad_scale,
            decay: (1.0 - step.lr * step.weight_decay) as f32,
            one_minus_beta1: (1.0 - step.beta1) as f32,
            beta2: step.beta2 as f32,
            one_minus_beta2: (1.0 - step.beta2) as f32,
            step_size: (step.lr / (1.0 - step.beta1.powf(power))) as f32,
            root_correction: (1.0 - step.beta2.powf(power)).sqrt() as f32,
            eps: step.eps as f32,
        }
    }

    #[inline(always)]
    pub(crate) fn update(&self, param: &mut f32, grad: f32, m: &mut f32, v: &mut f32) {
        let grad = grad * self.grad_scale;
        *m += self.one_minus_beta1 * (grad - *m);
        *v = *v * self.beta2 + self.one_minus_beta2 * grad * grad;
        let denominator = v.sqrt() / self.root_correction + self.eps;
        *param = *param * self.decay - self.step_size * *m / denominator;
    }

    #[inline(always)]
    fn update_all(&self, params: &mut [f32], grads: &[f32], m: &mut [f32], v: &mut [f32]) {
        for (((param, &grad), m), v) in params.iter_mut().zip(grads).zip(m).zip(v) {
            self.update(param, grad, m, v);
        }
    }
}

fn update_chunk(
    coefficients: Coefficients,
    params: &mut [f32],
    grads: &[f32],
    m: &mut [f32],
    v: &mut [f32],
) {
    #[cfg(target_arch = "x86_64")]
    if CpuFeatures::get().avx512 {
        // SAFETY: the processor has AVX-512F.
        return unsafe { update_chunk_avx512(coefficients, params, grads, m, v) };
    } else if CpuFeatures::get().avx2_fma {
        // SAFETY: the processor has AVX2.
        return unsafe { update_chunk_avx2(coefficients, params, grads, m, v) };
    }
    coefficients.update_all(params, grads, m, v);
}

/// The same loop, compiled for vectors of 16: the compiler may not fuse roundings, so only the
/// speed differs.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn update_chunk_avx512(
    coefficients: Coefficients,
    params: &mut [f32],
    grads: &[f32],
    m: &mut [f32],
    v: &mut [f32],
) {
    coefficients.update_all(params, grads, m, v);
}

/// The same loop, compiled for vectors of 8.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn update_chunk_avx2(
    coefficients: Coefficients,
    params: &mut [f32],
    grads: &[f32],
    m: &mut [f32],
    v: &mut [f32],
) {
    coefficients.update_all(params, grads, m, v);
}
