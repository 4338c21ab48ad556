//! Differentiable operations with the derivatives PyTorch gives them.
//!
//! candle's own `relu` has derivative 1 at 0, its `abs` 1 at 0, its square root of 0 a derivative
//! that is not a number, and its fused softmax none at all. What happens at exactly 0 matters:
//! equal texts and satisfied margins are common.

use candle_core::{D, Result, Tensor};

/// Squared length below which a vector counts as zero, `(1e-12)^2` as in PyTorch's `normalize`.
pub(crate) const TINY: f64 = 1e-24;

/// `max(x, 0)` with derivative 0 at 0.
pub(crate) fn relu(x: &Tensor) -> Result<Tensor> {
    x * x.detach().gt(0.0)?.to_dtype(x.dtype())?
}

/// `|x|` with derivative 0 at 0.
pub(crate) fn abs(x: &Tensor) -> Result<Tensor> {
    let zero = x.zeros_like()?;
    let sign = (x.detach().gt(&zero)?.to_dtype(x.dtype())?
        - x.detach().lt(&zero)?.to_dtype(x.dtype())?)?;
    x * sign
}

/// Length of each row of `x`, `(rows, dim)` → `(rows, 1)`, with derivative 0 for a zero row.
pub(crate) fn length(x: &Tensor) -> Result<Tensor> {
    let squares = x.sqr()?.sum_keepdim(D::Minus1)?;
    squares.maximum(TINY)?.sqrt()
}

/// Rows of `x` scaled to length 1, `(rows, dim)`; a zero row stays zero.
pub(crate) fn normalize(x: &Tensor) -> Result<Tensor> {
    x.broadcast_div(&length(x)?)
}

/// `log sum exp` over the last dimension, `(rows, columns)` → `(rows)`. Columns may be `-inf`,
/// as long as one of each row is not.
pub(crate) fn log_sum_exp(x: &Tensor) -> Result<Tensor> {
    // The shift cancels out, so it is a constant to the gradient.
    let max = x.detach().max_keepdim(D::Minus1)?;
    let sum = x.broadcast_sub(&max)?.exp()?.sum(D::Minus1)?;
    sum.log()? + max.squeeze(D::Minus1)?
}

/// Rows `indices` of `x`, `(rows, dim)` → `(indices.len(), dim)`.
pub(crate) fn rows(x: &Tensor, indices: &[u32]) -> Result<Tensor> {
    x.index_select(&Tensor::new(indices, x.device())?, 0)
}

/// A constant vector like `x` in type and device.
pub(crate) fn constant(values: &[f64], like: &Tensor) -> Result<Tensor> {
    Tensor::new(values, like.device())?.to_dtype(like.dtype())
}

/// Scales weights so that they sum to 1; all zeros stay.
pub(crate) fn scale_to_one(weights: &mut [f64]) {
    let total: f64 = weights.iter().sum();
    if total > 0.0 {
        weights.iter_mut().for_each(|weight| *weight /= total);
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};
    use embedtune_testkit::{Tolerance, assert_close};

    use super::*;

    fn gradient(x: &[f64], f: impl Fn(&Tensor) -> Result<Tensor>) -> Vec<f64> {
        let x = Var::from_tensor(&Tensor::new(x, &Device::Cpu).unwrap()).unwrap();
        let y = f(x.as_tensor()).unwrap().sum_all().unwrap();
        y.backward().unwrap().get(&x).unwrap().to_vec1().unwrap()
    }

    #[test]
    fn kinks_have_pytorchs_derivatives() {
        assert_eq!(gradient(&[-1.0, 0.0, 2.0], relu), [0.0, 0.0, 1.0]);
        assert_eq!(gradient(&[-1.0, 0.0, 2.0], abs), [-1.0, 0.0, 1.0]);
        let normalized = |x: &Tensor| normalize(&x.reshape((2, 2))?);
        let got = gradient(&[0.0, 0.0, 3.0, 4.0], normalized);
        assert!(got.iter().all(|v| v.is_finite()), "{got:?}");
        assert_eq!(gradient(&[0.0, 0.0], |x| length(&x.reshape((1, 2))?)), [0.0, 0.0]);
    }

    #[test]
    fn log_sum_exp_neither_overflows_nor_minds_masked_columns() {
        let lse = |x: &Tensor| log_sum_exp(&x.reshape((2, 2))?);
        let x = [1000.0, 1000.0, f64::NEG_INFINITY, -1000.0];
        let value: Vec<f64> =
            lse(&Tensor::new(&x, &Device::Cpu).unwrap()).unwrap().to_vec1().unwrap();
        assert_close(&value, &[1000.0 + 2.0_f64.ln(), -1000.0], Tolerance::relative(1e-15));
        assert_close(&gradient(&x, lse), &[0.5, 0.5, 0.0, 1.0], Tolerance::relative(1e-15));
    }
}
