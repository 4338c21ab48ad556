//! Softmax of a row of scores, and its gradient.

#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::{
    Element,
    element::{self, Kind},
    math,
    multiversion::multiversion,
};

/// Turns a row of scores into `e^(scale · (x - max))` and returns the inverse of their sum: what a
/// softmax divides by can be multiplied in after the sums over keys, once a row of results. A NaN shows in the sum.
///
/// Powers are off by at most `(1 + |scale · (x - max)|) · 2.5e-7` of their value, and below 2⁻¹²⁵ where
/// that is smaller still: what minus infinity gives is next to nothing.
pub(super) fn powers(row: &mut [f32], scale: f32) -> f32 {
    #[cfg(target_arch = "x86_64")]
    if crate::CpuFeatures::get().avx512_full {
        // SAFETY: the processor has AVX-512 with its extensions.
        return unsafe { avx512::powers(row, scale) };
    }
    let mut inverse = 0.0;
    portable(row, scale, &mut inverse);
    inverse
}

/// [`powers`], rounded to the format of `out`; the sum is that of the rounded ones, so that what they
/// weigh is weighed by 1 in all. Rows are whole blocks of 32.
pub(super) fn powers_rounded<E: Element>(row: &mut [f32], scale: f32, out: &mut [E]) -> f32 {
    assert!(row.len() == out.len() && row.len().is_multiple_of(32), "rows of whole registers");
    match E::KIND {
        Kind::F32 => {
            let inverse = powers(row, scale);
            element::round_to(row, out);
            inverse
        }
        Kind::Bf16 => {
            #[cfg(target_arch = "x86_64")]
            if crate::CpuFeatures::get().avx512_bf16 {
                // SAFETY: the processor has AVX-512 BF16, the format is bf16, and rows have one
                // length in whole blocks.
                return unsafe { avx512::powers_bf16(row, scale, out.as_mut_ptr().cast()) };
            }
            let mut inverse = 0.0;
            portable_rounded(row, scale, out, &mut inverse);
            inverse
        }
    }
}

multiversion! {
    fn portable_rounded<E: Element>(row: &mut [f32], scale: f32, out: &mut [E], inverse: &mut f32) {
        let largest = math::lane_max(row);
        let scale = scale * std::f32::consts::LOG2_E;
        for (x, out) in row.iter().zip(out.iter_mut()) {
            *out = E::of(math::exp2((*x - largest) * scale));
        }
        *inverse = 1.0 / math::lane_sum2(row, out, |_, power| power.get());
    }
}

multiversion! {
    fn portable(row: &mut [f32], scale: f32, inverse: &mut f32) {
        let largest = math::lane_max(row);
        let scale = scale * std::f32::consts::LOG2_E;
        for x in row.iter_mut() {
            *x = math::exp2((*x - largest) * scale);
        }
        *inverse = 1.0 / math::lane_sum(row, |x| x);
    }
}

/// From [`powers`] `p` of a row, the `inverse` of their sum and the gradient `d` of the
/// probabilities after dropout: writes these probabilities to `dropped`, and the gradient of the
/// unscaled scores to `d_scores`. `factors` are those of dropout; all three rows are used up.
pub(super) fn backward<E: Element>(
    p: &mut [f32],
    inverse: f32,
    scale: f32,
    factors: Option<&mut [f32]>,
    d: &mut [f32],
    [dropped, d_scores]: [&mut [E]; 2],
) {
    match factors {
        Some(factors) => {
            drop_both(p, inverse, factors, d);
            element::round_to(factors, dropped);
        }
        None => {
            multiply(p, inverse);
            element::round_to(p, dropped);
        }
    }
    gradient(p, scale, d);
    element::round_to(d, d_scores);
}

multiversion! {
    /// Multiplies a row by a number.
    pub(super) fn multiply(row: &mut [f32], factor: f32) {
        for x in row {
            *x *= factor;
        }
    }
}

multiversion! {
    /// Turns powers into probabilities, `factors` into probabilities after dropout, and the gradient
    /// of the latter into that of the former.
    fn drop_both(p: &mut [f32], inverse: f32, factors: &mut [f32], d: &mut [f32]) {
        for ((p, factor), d) in p.iter_mut().zip(factors).zip(d) {
            *p *= inverse;
            *d *= *factor;
            *factor *= *p;
        }
    }
}

multiversion! {
    /// From the gradient `d` of probabilities `p` to that of unscaled scores.
    fn gradient(p: &[f32], scale: f32, d: &mut [f32]) {
        let mean = math::lane_sum2(p, d, |p, d| p * d);
        for (d, p) in d.iter_mut().zip(p) {
            *d = scale * p * (*d - mean);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Bf16, cpu::forced};

    fn check(scores: &[f32], scale: f32) {
        let largest = scores.iter().fold(f64::NEG_INFINITY, |max, &x| max.max(f64::from(x)));
        let place = |x: f32| f64::from(scale) * (f64::from(x) - largest);
        let expected: Vec<f64> = scores.iter().map(|&x| place(x).exp()).collect();
        for (name, features) in forced::levels() {
            let (got, inverse) = forced::on(features, || {
                let mut row = scores.to_vec();
                let inverse = powers(&mut row, scale);
                (row, inverse)
            });
            let mut bound = 0.0;
            for ((&got, &expected), &x) in got.iter().zip(&expected).zip(scores) {
                let relative = if expected > 0.0 { 2.5e-7 * (1.0 + place(x).abs()) } else { 0.0 };
                let off = expected * relative + 2f64.powi(-125);
                bound += off;
                let error = (f64::from(got) - expected).abs();
                assert!(error <= off, "{name}: e^{} is not {got:e}", place(x));
            }
            let sum: f64 = expected.iter().sum();
            let error = (1.0 / f64::from(inverse) - sum).abs();
            assert!(error <= bound + sum * scores.len() as f64 * 1.2e-7, "{name}: {inverse}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn powers_are_close_on_every_path(
            mut scores in prop::collection::vec(-300.0f32..300.0, 1..90),
            scale in 0.01f32..2.0,
            padding in 0usize..40,
        ) {
            scores.resize(scores.len() + padding, f32::NEG_INFINITY);
            check(&scores, scale);
        }
    }

    #[test]
    fn rounded_powers_weigh_one_in_all_on_every_path() {
        for (name, features) in forced::levels() {
            let scores: Vec<f32> = (0..96).map(|i| (i * 37 % 90) as f32 / 20.0).collect();
            let (rounded, inverses) = forced::on(features, || {
                let mut rounded = vec![Bf16::default(); 96];
                let of_rounded = powers_rounded(&mut scores.clone(), 0.5, &mut rounded);
                (rounded, [powers(&mut scores.clone(), 0.5), of_rounded])
            });
            let sum: f64 = rounded.iter().map(|power| f64::from(power.get())).sum();
            assert!((sum * f64::from(inverses[1]) - 1.0).abs() < 1e-5, "{name}");
            assert!((inverses[0] / inverses[1] - 1.0).abs() < 1.0 / 256.0, "{name}");
            for (power, score) in rounded.iter().zip(&scores) {
                let expected = (0.5 * (score - 4.45)).exp();
                assert!((power.get() - expected).abs() <= expected / 255.0, "{name}: {score}");
            }
        }
    }

    #[test]
    fn gradients_are_those_of_the_formula_on_every_path() {
        let scores = [0.3f32, -2.0, 1.5, 0.0, 4.0];
        let d = [1.0f32, -0.5, 0.25, 2.0, -1.0];
        let factors = [1.25f32, 0.0, 1.25, 1.25, 1.25];
        let scale = 0.7;
        let exps = scores.map(|x| (f64::from(scale) * f64::from(x)).exp());
        let p = exps.map(|x| x / exps.iter().sum::<f64>());
        for with_dropout in [false, true] {
            let factor = |i: usize| if with_dropout { f64::from(factors[i]) } else { 1.0 };
            let terms = (0..5).map(|i| p[i] * factor(i) * f64::from(d[i]));
            let mean: f64 = terms.sum();
            for (name, features) in forced::levels() {
                // Padded as rows of scores are.
                let (dropped, d_scores) = forced::on(features, || {
                    let mut row = vec![f32::NEG_INFINITY; 32];
                    row[..5].copy_from_slice(&scores);
                    let (mut d_row, mut keep) = (vec![0.0; 32], vec![1.0; 32]);
                    d_row[..5].copy_from_slice(&d);
                    keep[..5].copy_from_slice(&factors);
                    let (mut dropped, mut d_scores) = (vec![0.0f32; 32], vec![0.0f32; 32]);
                    let inverse = powers(&mut row, scale);
                    let factors = with_dropout.then_some(&mut keep[..]);
                    let outs = [&mut dropped[..], &mut d_scores[..]];
                    backward(&mut row, inverse, scale, factors, &mut d_row, outs);
                    (dropped, d_scores)
                });
                for i in 0..5 {
                    let expected = p[i] * factor(i);
                    assert!((f64::from(dropped[i]) - expected).abs() < 1e-6, "{name}, {i}");
                    let expected = f64::from(scale) * p[i] * (factor(i) * f64::from(d[i]) - mean);
                    assert!((f64::from(d_scores[i]) - expected).abs() < 1e-6, "{name}, {i}");
                }
                assert!(d_scores[5..].iter().all(|d| d.abs() < 1e-30), "{name}");
            }
        }
    }

    #[test]
    fn the_largest_score_is_one_and_padding_is_nothing() {
        for (name, features) in forced::levels() {
            let mut row = vec![f32::NEG_INFINITY; 64];
            row[3] = 1e30;
            row[40] = -1e30;
            let (row, inverse) = forced::on(features, move || {
                let inverse = powers(&mut row, 0.5);
                (row, inverse)
            });
            assert!((row[3] - 1.0).abs() < 1e-6 && (inverse - 1.0).abs() < 1e-6, "{name}");
            assert!(row[40] < 1e-37 && row[63] < 1e-37, "{name}");
        }
    }

    #[test]
    fn a_nan_is_not_hidden() {
        for length in [1, 17, 64, 70] {
            for (name, features) in forced::levels() {
                let inverse = forced::on(features, || {
                    let mut row = vec![0.5; length];
                    row[length - 1] = f32::NAN;
                    powers(&mut row, 1.0)
                });
                assert!(inverse.is_nan(), "{name}, {length}");
            }
        }
    }
}
