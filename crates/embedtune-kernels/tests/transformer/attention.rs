use embedtune_kernels::{AttentionShape, DropoutMask, attention, attention_backward, reference};
use embedtune_testkit::{Tolerance, assert_close, finite_difference};
use proptest::prelude::*;
use rayon::prelude::*;

use super::{UNIT, assert_threads_do_not_matter, assert_within, masks, values, wide};

/// Queries, keys, values and a gradient of the outputs.
fn inputs(shape: AttentionShape, seed: u64) -> [Vec<f32>; 4] {
    let length = shape.len * shape.heads * shape.head_dim;
    [0, 1, 2, 3].map(|number| values(length, 4 * seed + number))
}

fn forward(
    shape: AttentionShape,
    [q, k, v, _]: &[Vec<f32>; 4],
    masks: Option<&[DropoutMask]>,
) -> Vec<f32> {
    // Left-overs in the output and in the scratch buffer must not matter.
    let (mut out, mut scratch) = (vec![f32::NAN; q.len()], vec![f32::NAN; 7]);
    attention(shape, q, k, v, masks, &mut out, &mut scratch);
    out
}

fn backward(
    shape: AttentionShape,
    [q, k, v, d]: &[Vec<f32>; 4],
    masks: Option<&[DropoutMask]>,
) -> [Vec<f32>; 3] {
    let [mut d_q, mut d_k, mut d_v] = [0; 3].map(|_| vec![f32::NAN; q.len()]);
    let mut scratch = vec![f32::NAN; 7];
    let gradients = (&mut d_q[..], &mut d_k[..], &mut d_v[..]);
    attention_backward(shape, q, k, v, masks, d, gradients, &mut scratch);
    [d_q, d_k, d_v]
}

fn check(shape: AttentionShape, seed: u64, masks: Option<&[DropoutMask]>) {
    let inputs = inputs(shape, seed);
    let [q, k, v, d] = inputs.each_ref().map(|values| wide(values));
    let mut expected = vec![0.0; q.len()];
    reference::attention(shape, &q, &k, &v, masks, &mut expected);
    // Inputs lie within ±1: a score is off by at most head_dim² · 2⁻²³, scaled.
    let score = (shape.head_dim as f64).powf(1.5) * UNIT;
    let factor = masks.map_or(1.0, |_| 1.25);
    let bound = factor * (4.0 * score + (2 * shape.len + 64) as f64 * UNIT);
    assert_within(&forward(shape, &inputs, masks), &expected, |_| bound);

    let [mut d_q, mut d_k, mut d_v] = [0; 3].map(|_| vec![0.0; q.len()]);
    let gradients = (&mut d_q[..], &mut d_k[..], &mut d_v[..]);
    reference::attention_backward(shape, &q, &k, &v, masks, &d, gradients);
    for (got, expected) in backward(shape, &inputs, masks).iter().zip([d_q, d_k, d_v]) {
        // With one token, softmax is constant: queries and keys have a gradient of 0.
        assert_close(got, &expected, Tolerance::relative(1e-5).or_absolute(1e-7));
    }
}

#[test]
fn the_twins_gradient_is_the_slope_of_its_values() {
    let shape = AttentionShape { len: 4, heads: 2, head_dim: 3 };
    let masks = masks(4, 0.3, 5);
    for masks in [None, Some(&masks[..])] {
        let [q, k, v, d_out] = inputs(shape, 1).map(|values| wide(&values));
        let value = |q: &[f64], k: &[f64], v: &[f64]| -> f64 {
            let mut out = vec![0.0; q.len()];
            reference::attention(shape, q, k, v, masks, &mut out);
            out.iter().zip(&d_out).map(|(out, d)| out * d).sum()
        };
        let [mut d_q, mut d_k, mut d_v] = [0; 3].map(|_| vec![0.0; q.len()]);
        let gradients = (&mut d_q[..], &mut d_k[..], &mut d_v[..]);
        reference::attention_backward(shape, &q, &k, &v, masks, &d_out, gradients);
        let close = |got: &[f64], numeric: Vec<f64>| {
            assert_close(got, &numeric, Tolerance::relative(1e-8));
        };
        close(&d_q, finite_difference(&q, 1e-5, |q| value(q, &k, &v)));
        close(&d_k, finite_difference(&k, 1e-5, |k| value(&q, k, &v)));
        close(&d_v, finite_difference(&v, 1e-5, |v| value(&q, &k, v)));
    }
}

#[test]
fn one_token_attends_to_itself_and_none_to_nothing() {
    let shape = AttentionShape { len: 1, heads: 3, head_dim: 5 };
    let inputs = inputs(shape, 1);
    assert_eq!(forward(shape, &inputs, None), inputs[2]);
    let [d_q, d_k, d_v] = backward(shape, &inputs, None);
    assert!(d_q.iter().chain(&d_k).all(|&d| d == 0.0));
    assert_eq!(d_v, inputs[3]);
    check(AttentionShape { len: 0, heads: 3, head_dim: 5 }, 1, None);
    check(AttentionShape { len: 0, heads: 3, head_dim: 5 }, 1, Some(&[]));
    check(AttentionShape { len: 3, heads: 0, head_dim: 5 }, 1, None);
}

#[test]
fn long_sequences() {
    for len in [128, 129, 200] {
        check(AttentionShape { len, heads: 2, head_dim: 32 }, len as u64, None);
        check(AttentionShape { len, heads: 1, head_dim: 17 }, 0, Some(&masks(len, 0.2, 1)));
    }
}

#[test]
fn large_scores_do_not_overflow() {
    let shape = AttentionShape { len: 3, heads: 1, head_dim: 4 };
    let mut inputs = inputs(shape, 1);
    for values in &mut inputs[..2] {
        values.iter_mut().for_each(|value| *value *= 1e4);
    }
    // One key takes everything: each output is one of the values.
    let out = forward(shape, &inputs, None);
    for row in out.chunks_exact(4) {
        assert!(inputs[2].chunks_exact(4).any(|value| value == row), "{row:?}");
    }
    assert!(backward(shape, &inputs, None).iter().flatten().all(|d| d.is_finite()));
}

#[test]
fn nan_reaches_what_it_belongs_to() {
    let shape = AttentionShape { len: 20, heads: 2, head_dim: 8 };
    let (token, in_head) = (11, 5);
    for head in 0..2 {
        let at = token * 16 + head * 8 + in_head;
        let place = |i: usize| (i / 16, i % 16 / 8, i % 8);
        for number in 0..3 {
            let mut inputs = inputs(shape, 3);
            inputs[number][at] = f32::NAN;
            for (i, out) in forward(shape, &inputs, None).iter().enumerate() {
                let (row, part, feature) = place(i);
                let expected = part == head
                    && match number {
                        0 => row == token,       // Its own query.
                        1 => true,               // A key that every query sees.
                        _ => feature == in_head, // A value that every query sees.
                    };
                assert_eq!(out.is_nan(), expected, "input {number}, output {i}");
            }
            let gradients = backward(shape, &inputs, None);
            let hit = |d: &Vec<f32>| d.iter().any(|d| d.is_nan());
            // A value's gradient does not depend on the values.
            assert_eq!(gradients.each_ref().map(hit), [true, true, number < 2], "input {number}");
        }
    }
}

#[test]
fn threads_do_not_matter() {
    let shape = AttentionShape { len: 70, heads: 4, head_dim: 32 };
    let masks = masks(70, 0.1, 1);
    assert_threads_do_not_matter(|| {
        let sequence = |seed| {
            let inputs = inputs(shape, seed);
            let [d_q, d_k, d_v] = backward(shape, &inputs, Some(&masks));
            [forward(shape, &inputs, Some(&masks)), d_q, d_k, d_v].concat()
        };
        (0..6).into_par_iter().flat_map_iter(sequence).collect()
    });
}

#[test]
#[should_panic(expected = "a mask for each query token")]
fn masks_are_one_a_token() {
    let shape = AttentionShape { len: 3, heads: 1, head_dim: 2 };
    forward(shape, &inputs(shape, 1), Some(&masks(2, 0.1, 1)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn equals_its_twin(
        len in prop_oneof![3 => 0usize..40, 1 => 40usize..201], heads in 1usize..5,
        head_dim in 1usize..40, seed in 0u64..1000, dropped in any::<bool>(),
    ) {
        let masks = dropped.then(|| masks(len, 0.2, seed));
        check(AttentionShape { len, heads, head_dim }, seed, masks.as_deref());
    }
}
