use crate::{
    DropoutMask,
    reference::{add_bias, apply_masks},
};

/// Adds bias, dropout and residual, and normalizes each row; see [`crate::residual_layer_norm`].
///
/// # Panics
/// If lengths do not fit together.
pub fn residual_layer_norm(
    x: &mut [f64],
    bias: &[f64],
    masks: Option<&[DropoutMask]>,
    residual: &[f64],
    eps: f64,
    inverse_deviation: &mut [f64],
) {
    assert_eq!(x.len(), residual.len(), "input and residual differ in length");
    let given = x.to_vec();
    add_bias(bias, &given, x);
    if let Some(masks) = masks {
        let given = x.to_vec();
        apply_masks(masks, &given, x);
    }
    x.iter_mut().zip(residual).for_each(|(x, residual)| *x += residual);
    layer_norm(x, eps, inverse_deviation);
}

/// Normalizes each row of `x`; see [`crate::layer_norm`].
///
/// # Panics
/// If there is no row and `x` is not empty.
pub fn layer_norm(x: &mut [f64], eps: f64, inverse_deviation: &mut [f64]) {
    if x.is_empty() {
        return;
    }
    let n = x.len() / inverse_deviation.len();
    for (row, inverse) in x.chunks_exact_mut(n).zip(inverse_deviation) {
        let mean = row.iter().sum::<f64>() / n as f64;
        let variance = row.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n as f64;
        *inverse = 1.0 / (variance + eps).sqrt();
        row.iter_mut().for_each(|x| *x = (*x - mean) * *inverse);
    }
}

/// `out = normalized · weight + bias`; see [`crate::scale_shift`].
///
/// # Panics
/// If lengths do not fit together.
pub fn scale_shift(normalized: &[f64], weight: &[f64], bias: &[f64], out: &mut [f64]) {
    for (at, out) in out.iter_mut().enumerate() {
        let column = at % weight.len();
        *out = normalized[at] * weight[column] + bias[column];
    }
}

/// Turns `d`, the gradient of `scale_shift(layer_norm(x))`, into that of `x`, and adds the
/// gradients of weight and bias; see [`crate::layer_norm_backward`].
///
/// # Panics
/// If lengths do not fit together.
pub fn layer_norm_backward(
    d: &mut [f64],
    normalized: &[f64],
    inverse_deviation: &[f64],
    weight: &[f64],
    d_weight: &mut [f64],
    d_bias: &mut [f64],
) {
    let n = weight.len();
    for (row, inverse) in inverse_deviation.iter().enumerate() {
        let (d, x) = (&mut d[row * n..(row + 1) * n], &normalized[row * n..(row + 1) * n]);
        for i in 0..n {
            d_weight[i] += d[i] * x[i];
            d_bias[i] += d[i];
            d[i] *= weight[i];
        }
        let mean = d.iter().sum::<f64>() / n as f64;
        let slope = d.iter().zip(x).map(|(d, x)| d * x).sum::<f64>() / n as f64;
        d.iter_mut().zip(x).for_each(|(d, x)| *d = inverse * (*d - mean - x * slope));
    }
}
