//! Plain twins of the kernels: what they compute, in the fewest words.
//!
//! They are slow and single-threaded. Tests compare every kernel with them; read them to know what
//! a kernel means. The twins of a transformer's passes compute in f64: what they differ by from a
//! kernel is the kernel's own error, and finite differences of them check the gradients.

mod activation;
mod attention;
mod int8;
mod layer_norm;
mod rows;

pub use activation::{activate, activation_backward, bias_activation};
pub use attention::{attention, attention_backward};
pub use int8::multiply_int8;
pub use layer_norm::{layer_norm, layer_norm_backward, residual_layer_norm, scale_shift};
pub use rows::{
    add_bias, add_column_sums, apply_masks, gather_rows, scatter_add_rows, spread_row, sum_rows,
};

use crate::{AdamWStep, MatmulShape, Matrix, MatrixMut, Update, adamw::Coefficients};

/// `c = a · b` for row-major `a` `(m, k)`, `b` `(k, n)`, `c` `(m, n)`.
///
/// # Panics
/// If a slice does not have the length that the shape asks for.
pub fn matmul(shape: MatmulShape, a: &[f32], b: &[f32], c: &mut [f32]) {
    shape.check(a, b, c);
    let MatmulShape { n, k, .. } = shape;
    for (at, value) in c.iter_mut().enumerate() {
        let (row, column) = (at / n, at % n);
        *value = (0..k).map(|i| a[row * k + i] * b[i * n + column]).sum();
    }
}

/// `c = a · bᵀ` for row-major `a` `(m, k)`, `b` `(n, k)`, `c` `(m, n)`.
///
/// # Panics
/// If a slice does not have the length that the shape asks for.
pub fn matmul_nt(shape: MatmulShape, a: &[f32], b: &[f32], c: &mut [f32]) {
    shape.check(a, b, c);
    let MatmulShape { n, k, .. } = shape;
    for (at, value) in c.iter_mut().enumerate() {
        let (row, column) = (at / n, at % n);
        *value = dot(&a[row * k..(row + 1) * k], &b[column * k..(column + 1) * k]);
    }
}

/// `c = a · b` or `c += a · b` for matrices inside slices, summed in f64; see [`crate::product`].
/// Also the twin of [`crate::multiply`] and, with its left matrix transposed, of
/// [`crate::add_weight_gradients`], for values that are rounded to the format.
///
/// # Panics
/// If the shapes do not fit together.
pub fn product(a: Matrix<'_>, b: Matrix<'_>, mut c: MatrixMut<'_>, update: Update) {
    let ((m, inner), (k, n)) = (a.shape(), b.shape());
    assert!(inner == k && c.shape() == (m, n), "shapes do not fit together");
    for row in 0..m {
        for column in 0..n {
            let term = |i| f64::from(a.at(row, i)) * f64::from(b.at(i, column));
            let sum: f64 = (0..k).map(term).sum();
            let value = c.at_mut(row, column);
            *value = match update {
                Update::Overwrite => sum as f32,
                Update::Add => (f64::from(*value) + sum) as f32,
            };
        }
    }
}

/// Adds `dᵀ · input` to `gradient` `(out, inputs)`, summed in f64 from `d` `(tokens, out)` and
/// `input` `(tokens, inputs)`; see [`crate::add_weight_gradients`].
///
/// # Panics
/// If lengths do not fit together.
pub fn add_weight_gradient(d: &[f64], input: &[f64], tokens: usize, gradient: &mut [f64]) {
    let (out, inputs) = (d.len() / tokens, input.len() / tokens);
    for (at, gradient) in gradient.iter_mut().enumerate() {
        let (row, column) = (at / inputs, at % inputs);
        let term = |token| d[token * out + row] * input[token * inputs + column];
        *gradient += (0..tokens).map(term).sum::<f64>();
    }
}

/// `Σ aᵢ·bᵢ`, added from left to right.
///
/// # Panics
/// If the lengths differ.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "vectors of different lengths");
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// `Σ (aᵢ − bᵢ)²`, added from left to right.
///
/// # Panics
/// If the lengths differ.
pub fn squared_l2(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len(), "vectors of different lengths");
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

/// `Σ xᵢ²` in f64, added from left to right.
pub fn sum_of_squares(x: &[f32]) -> f64 {
    x.iter().map(|&value| f64::from(value) * f64::from(value)).sum()
}

/// `yᵢ += alpha · xᵢ`.
///
/// # Panics
/// If the lengths differ.
pub fn axpy(alpha: f32, x: &[f32], y: &mut [f32]) {
    assert_eq!(x.len(), y.len(), "vectors of different lengths");
    for (y, x) in y.iter_mut().zip(x) {
        *y += alpha * x;
    }
}

/// One AdamW step; see [`crate::adamw_step`].
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
    assert!(grads.len() == length && m.len() == length && v.len() == length);
    let coefficients = Coefficients::of(step);
    for i in 0..length {
        coefficients.update(&mut params[i], grads[i], &mut m[i], &mut v[i]);
    }
}
