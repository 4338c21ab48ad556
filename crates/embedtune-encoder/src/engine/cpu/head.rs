//! Pooling, projection and normalization, forward and backward. Small next to the transformer, so
//! written plainly.

use embedtune_kernels::{
    Matrix, MatrixMut, Threads, Update, add_bias, add_column_sums, product, spread_row, sum_rows,
};
use rayon::prelude::*;

use super::{gradients::Gradients, layout::Layout};
use crate::{Dense, DenseActivation, EncoderSpec, HeadStep, Parameters, Pooling};

/// Input of each step after pooling, and the last output.
pub(super) struct HeadTape {
    /// `(sequences, width)` after pooling and after each step.
    rows: Vec<Vec<f32>>,
    /// For max pooling: token of each pooled value, `(sequences, hidden)`.
    largest: Vec<usize>,
}

/// Embeddings `(sequences, dim)` from hidden states `(tokens, hidden)`.
pub(super) fn forward(
    spec: &EncoderSpec,
    parameters: &Parameters,
    layout: &Layout,
    hidden: &[f32],
) -> (Vec<f32>, HeadTape) {
    let size = spec.transformer.hidden_size;
    let (pooled, largest) = pool(spec.head.pooling, layout, hidden, size);
    let mut rows = vec![pooled];
    for step in &spec.head.steps {
        let input = rows.last().expect("pooling is the first");
        rows.push(match step {
            HeadStep::Dense(dense) => project(dense, parameters, input, layout.sequences()),
            HeadStep::Normalize => normalize(input, input.len() / layout.sequences().max(1)),
        });
    }
    let output = rows.last().expect("pooling is the first").clone();
    (output, HeadTape { rows, largest })
}

/// Gradient of the hidden states `(tokens, hidden)`, written to `d_hidden`, from that of the
/// embeddings.
pub(super) fn backward(
    spec: &EncoderSpec,
    parameters: &Parameters,
    layout: &Layout,
    tape: &HeadTape,
    d_embeddings: &[f32],
    gradients: &mut Gradients<'_>,
    d_hidden: &mut [f32],
) {
    let mut d = d_embeddings.to_vec();
    for (number, step) in spec.head.steps.iter().enumerate().rev() {
        let (input, output) = (&tape.rows[number], &tape.rows[number + 1]);
        d = match step {
            HeadStep::Dense(dense) => {
                project_backward(dense, parameters, input, output, d, layout.sequences(), gradients)
            }
            HeadStep::Normalize => {
                normalize_backward(input, output, &d, input.len() / layout.sequences().max(1))
            }
        };
    }
    pool_backward(spec, layout, tape, &d, d_hidden);
}

/// Factor of each token in mean pooling, where a sequence has `count` tokens.
fn token_share(pooling: Pooling, count: usize) -> f32 {
    match pooling {
        Pooling::MeanSqrtLen => 1.0 / (count as f32).max(1e-9).sqrt(),
        _ => 1.0 / (count as f32).max(1e-9),
    }
}

fn pool(pooling: Pooling, layout: &Layout, hidden: &[f32], size: usize) -> (Vec<f32>, Vec<usize>) {
    let mut pooled = vec![0.0; layout.sequences() * size];
    if pooling == Pooling::Max {
        let largest = max_pool(layout, hidden, size, &mut pooled);
        return (pooled, largest);
    }
    let tasks: Vec<_> = layout.ranges().zip(layout.pooled()).collect();
    pooled.par_chunks_exact_mut(size).zip(tasks).for_each(|(row, (all, tokens))| match pooling {
        Pooling::Cls => row.copy_from_slice(&hidden[all.start * size..][..size]),
        _ => {
            let share = token_share(pooling, tokens.len());
            sum_rows(&hidden[tokens.start * size..tokens.end * size], share, row);
        }
    });
    (pooled, Vec::new())
}

/// Writes the largest value of each feature; returns the token that has it, `(sequences, hidden)`.
fn max_pool(layout: &Layout, hidden: &[f32], size: usize, pooled: &mut [f32]) -> Vec<usize> {
    let mut largest = Vec::with_capacity(pooled.len());
    let places = pooled.chunks_exact_mut(size).zip(layout.ranges().zip(layout.pooled()));
    for (row, (all, tokens)) in places {
        for (feature, value) in row.iter_mut().enumerate() {
            let of = |token: usize| hidden[token * size + feature];
            let best = tokens
                .clone()
                .reduce(|best, token| if of(best) >= of(token) { best } else { token });
            let best = best.unwrap_or(all.start);
            *value = of(best);
            largest.push(best);
        }
    }
    largest
}

fn pool_backward(
    spec: &EncoderSpec,
    layout: &Layout,
    tape: &HeadTape,
    d_pooled: &[f32],
    d_hidden: &mut [f32],
) {
    let size = spec.transformer.hidden_size;
    d_hidden.fill(0.0);
    let mut rest = d_hidden;
    let mut tasks = Vec::with_capacity(layout.sequences());
    for (all, tokens) in layout.ranges().zip(layout.pooled()) {
        let (part, after) = rest.split_at_mut(all.len() * size);
        tasks.push((all.start, tokens, part));
        rest = after;
    }
    let tasks = tasks.into_par_iter().zip(d_pooled.par_chunks_exact(size)).enumerate();
    tasks.for_each(|(sequence, ((start, tokens, part), d))| match spec.head.pooling {
        Pooling::Cls => part[..size].copy_from_slice(d),
        Pooling::Max => {
            let largest = &tape.largest[sequence * size..][..size];
            for (feature, (token, d)) in largest.iter().zip(d).enumerate() {
                part[(token - start) * size + feature] += d;
            }
        }
        Pooling::Mean | Pooling::MeanSqrtLen => {
            let share = token_share(spec.head.pooling, tokens.len());
            spread_row(d, share, &mut part[(tokens.start - start) * size..]);
        }
    });
}

fn norm_of(row: &[f32]) -> f32 {
    row.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-12)
}

fn normalize(input: &[f32], width: usize) -> Vec<f32> {
    let mut output = input.to_vec();
    for row in output.chunks_exact_mut(width.max(1)) {
        let inverse = 1.0 / norm_of(row);
        row.iter_mut().for_each(|value| *value *= inverse);
    }
    output
}

/// `d_in = (d_out - out (out · d_out)) / norm(in)`.
fn normalize_backward(input: &[f32], output: &[f32], d_out: &[f32], width: usize) -> Vec<f32> {
    let width = width.max(1);
    let rows = input.chunks_exact(width).zip(output.chunks_exact(width));
    rows.zip(d_out.chunks_exact(width))
        .flat_map(|((input, output), d)| {
            let inverse = 1.0 / norm_of(input);
            let along: f32 = output.iter().zip(d).map(|(output, d)| output * d).sum();
            output.iter().zip(d).map(move |(output, d)| inverse * (d - output * along))
        })
        .collect()
}

fn project(dense: &Dense, parameters: &Parameters, input: &[f32], sequences: usize) -> Vec<f32> {
    let weight = |name: String| parameters.get(&name).expect("the model has every weight");
    let mut output = vec![0.0; sequences * dense.out_features];
    product(
        Matrix::new(input, sequences, dense.in_features),
        Matrix::new(weight(dense.weight()), dense.out_features, dense.in_features).t(),
        MatrixMut::new(&mut output, sequences, dense.out_features),
        Update::Overwrite,
        Threads::All,
    );
    if dense.bias {
        let products = output.clone();
        add_bias(weight(dense.bias()), &products, &mut output);
    }
    if dense.activation == DenseActivation::Tanh {
        output.iter_mut().for_each(|value| *value = value.tanh());
    }
    output
}

fn project_backward(
    dense: &Dense,
    parameters: &Parameters,
    input: &[f32],
    output: &[f32],
    mut d: Vec<f32>,
    sequences: usize,
    gradients: &mut Gradients<'_>,
) -> Vec<f32> {
    if dense.activation == DenseActivation::Tanh {
        d.iter_mut().zip(output).for_each(|(d, output)| *d *= 1.0 - output * output);
    }
    let d_rows = Matrix::new(&d, sequences, dense.out_features);
    if let Some(sum) = gradients.of(&dense.weight()) {
        let input = Matrix::new(input, sequences, dense.in_features);
        let sum = MatrixMut::new(sum, dense.out_features, dense.in_features);
        product(d_rows.t(), input, sum, Update::Add, Threads::All);
    }
    if dense.bias
        && let Some(sum) = gradients.of(&dense.bias())
    {
        add_column_sums(&d, sum);
    }
    let weight = parameters.get(&dense.weight()).expect("the model has every weight");
    let mut d_input = vec![0.0; sequences * dense.in_features];
    product(
        d_rows,
        Matrix::new(weight, dense.out_features, dense.in_features),
        MatrixMut::new(&mut d_input, sequences, dense.in_features),
        Update::Overwrite,
        Threads::All,
    );
    d_input
}
