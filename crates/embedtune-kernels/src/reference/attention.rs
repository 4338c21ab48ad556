use crate::{AttentionShape, DropoutMask};

/// Attention of one sequence; see [`crate::attention`].
///
/// # Panics
/// If lengths do not fit together.
pub fn attention(
    shape: AttentionShape,
    query: &[f64],
    key: &[f64],
    value: &[f64],
    masks: Option<&[DropoutMask]>,
    out: &mut [f64],
) {
    out.fill(0.0);
    for head in 0..shape.heads {
        for i in 0..shape.len {
            let probabilities = probabilities(shape, query, key, head, i);
            for (j, p) in probabilities.into_iter().enumerate() {
                let p = p * factor(masks, head, i, j);
                add_scaled(p, part(shape, value, head, j), part_mut(shape, out, head, i));
            }
        }
    }
}

/// Gradient of [`attention`]; see [`crate::attention_backward`].
///
/// # Panics
/// If lengths do not fit together.
pub fn attention_backward(
    shape: AttentionShape,
    query: &[f64],
    key: &[f64],
    value: &[f64],
    masks: Option<&[DropoutMask]>,
    d_out: &[f64],
    (d_query, d_key, d_value): (&mut [f64], &mut [f64], &mut [f64]),
) {
    [&mut *d_query, &mut *d_key, &mut *d_value].into_iter().for_each(|d| d.fill(0.0));
    for head in 0..shape.heads {
        for i in 0..shape.len {
            let p = probabilities(shape, query, key, head, i);
            let d_out = part(shape, d_out, head, i);
            let d_p: Vec<f64> = (0..shape.len)
                .map(|j| factor(masks, head, i, j) * dot(d_out, part(shape, value, head, j)))
                .collect();
            let mean = dot(&p, &d_p);
            for j in 0..shape.len {
                let kept = p[j] * factor(masks, head, i, j);
                add_scaled(kept, d_out, part_mut(shape, d_value, head, j));
                let d_score = p[j] * (d_p[j] - mean) / (shape.head_dim as f64).sqrt();
                add_scaled(d_score, part(shape, key, head, j), part_mut(shape, d_query, head, i));
                add_scaled(d_score, part(shape, query, head, i), part_mut(shape, d_key, head, j));
            }
        }
    }
}

/// What query token `i` attends to, before dropout: `softmax(query · keyᵀ / √head_dim)`, `(len)`.
fn probabilities(
    shape: AttentionShape,
    query: &[f64],
    key: &[f64],
    head: usize,
    i: usize,
) -> Vec<f64> {
    let query = part(shape, query, head, i);
    let scale = 1.0 / (shape.head_dim as f64).sqrt();
    let scores: Vec<f64> =
        (0..shape.len).map(|j| scale * dot(query, part(shape, key, head, j))).collect();
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

/// Dropout's factor on the probability that query token `i` attends to key token `j`.
fn factor(masks: Option<&[DropoutMask]>, head: usize, i: usize, j: usize) -> f64 {
    masks.map_or(1.0, |masks| f64::from(masks[i].factor((head << 16 | j) as u32)))
}

/// Values of one head of one token.
fn part(shape: AttentionShape, data: &[f64], head: usize, token: usize) -> &[f64] {
    &data[(token * shape.heads + head) * shape.head_dim..][..shape.head_dim]
}

fn part_mut(shape: AttentionShape, data: &mut [f64], head: usize, token: usize) -> &mut [f64] {
    &mut data[(token * shape.heads + head) * shape.head_dim..][..shape.head_dim]
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add_scaled(scale: f64, x: &[f64], sum: &mut [f64]) {
    sum.iter_mut().zip(x).for_each(|(sum, x)| *sum += scale * x);
}
