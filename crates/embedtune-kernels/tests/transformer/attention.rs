mod case;

use embedtune_kernels::{AttentionShape, Bf16, Element, attention, attention_backward, reference};
use embedtune_testkit::{Tolerance, assert_close, finite_difference};
use proptest::prelude::*;

use self::case::Case;
use super::{UNIT, assert_threads_do_not_matter, assert_within, both, elements, got, masks, wide};

fn is_f32<E: Element>() -> bool {
    super::rounding::<E>(1.0) == 0.0
}

fn check<E: Element>(case: &Case, seed: u64, rate: Option<f32>) {
    let masks = rate.map(|rate| masks(case.tokens(), rate, seed));
    let masks = masks.as_deref();
    let (projections, d_out) = case.inputs::<E>(seed);
    let (twin, twin_d) = (wide(&got(&projections)), wide(&got(&d_out)));
    let mut expected = vec![f64::NAN; twin_d.len()];
    reference::attention(case.shape(), &twin, masks, &mut expected);
    // Inputs lie within ±1: a score is off by at most head_dim² · 2⁻²³, scaled.
    let score = (case.head_dim as f64).powf(1.5) * UNIT;
    let single = 4.0 * score + (2 * case.longest() + 64) as f64 * UNIT;
    let bound = if is_f32::<E>() { single } else { single + 2f64.powi(-7) };
    let bound = bound * rate.map_or(1.0, |rate| 1.0 / (1.0 - f64::from(rate)));
    assert_within(&got(&case.forward(&projections, masks)), &expected, |_| bound);

    let mut expected = vec![f64::NAN; twin.len()];
    reference::attention_backward(case.shape(), &twin, masks, &twin_d, &mut expected);
    let gradients = got(&case.backward(&projections, masks, &d_out));
    let sizes = case.gradient_sizes(&twin, masks, &twin_d);
    let single = 8.0 * score + (4 * case.longest() + 2 * case.head_dim + 256) as f64 * UNIT;
    let share = if is_f32::<E>() { single } else { single + 2f64.powi(-7) };
    assert_within(&gradients, &expected, |at| share * sizes[at] + 1e-36);
    if is_f32::<E>() {
        for part in 0..3 {
            let expected: Vec<f32> = expected.iter().map(|&d| d as f32).collect();
            // With one token, softmax is constant: queries and keys have a gradient of 0.
            let tolerance = Tolerance::relative(1e-5).or_absolute(1e-6);
            assert_close(&case.part(&gradients, part), &case.part(&expected, part), tolerance);
        }
    }
}

#[test]
fn the_twins_gradient_is_the_slope_of_its_values() {
    let case = Case::new(&[3, 0, 4, 1], 2, 3);
    let masks = masks(8, 0.3, 5);
    for masks in [None, Some(&masks[..])] {
        let (projections, d_out) = case.inputs::<f32>(1);
        let (projections, d_out) = (wide(&projections), wide(&d_out));
        let numeric = finite_difference(&projections, 1e-5, |projections| {
            let mut out = vec![0.0; d_out.len()];
            reference::attention(case.shape(), projections, masks, &mut out);
            out.iter().zip(&d_out).map(|(out, d)| out * d).sum()
        });
        let mut d = vec![f64::NAN; projections.len()];
        reference::attention_backward(case.shape(), &projections, masks, &d_out, &mut d);
        assert_close(&d, &numeric, Tolerance::relative(1e-8));
    }
}

#[test]
fn one_token_attends_to_itself_and_none_to_nothing() {
    fn check_one<E: Element>() {
        let case = Case::new(&[1, 1], 3, 5);
        let (projections, d_out) = case.inputs::<E>(1);
        let out = got(&case.forward(&projections, None));
        assert_eq!(out, case.part(&got(&projections), 2));
        let gradients = got(&case.backward(&projections, None, &d_out));
        for part in 0..2 {
            assert!(case.part(&gradients, part).iter().all(|&d| d == 0.0));
        }
        assert_eq!(case.part(&gradients, 2), got(&d_out));
        for rate in [None, Some(0.2)] {
            for case in [
                Case::new(&[], 3, 5),
                Case::new(&[0, 0], 3, 5),
                Case::new(&[3], 0, 5),
                Case::new(&[3], 2, 0),
            ] {
                check::<E>(&case, 1, rate);
            }
        }
    }
    both!(check_one());
}

#[test]
fn sequences_of_many_lengths() {
    for (number, head_dim) in [1, 17, 32, 64].into_iter().enumerate() {
        let lengths = [0, 1, 13, 0, 14, 15, 1, 31, 33, 0, 70];
        for rate in [None, Some(0.2)] {
            both!(check(&Case::new(&lengths, 2, head_dim), number as u64, rate));
        }
    }
}

#[test]
fn long_sequences() {
    for (len, heads, head_dim) in [(129, 2, 32), (512, 1, 32), (512, 1, 64), (257, 1, 17)] {
        let case = Case::new(&[len, 3], heads, head_dim);
        both!(check(&case, len as u64, Some(0.1)));
    }
    both!(check(&Case::new(&[512], 1, 32), 1, None));
}

#[test]
fn a_sequence_does_not_know_of_the_others() {
    fn check<E: Element>() {
        let lengths = [5, 1, 0, 37, 64, 2, 15];
        let case = Case::new(&lengths, 3, 9);
        let masks = masks(case.tokens(), 0.1, 7);
        let (projections, d_out) = case.inputs::<E>(3);
        let out = case.forward(&projections, Some(&masks));
        let gradients = case.backward(&projections, Some(&masks), &d_out);
        for (&end, length) in case.ends.iter().zip(lengths) {
            let (alone, width) = (Case::new(&[length], 3, 9), case.width());
            let masks = &masks[end - length..end];
            let inside =
                |values: &[E], width: usize| values[(end - length) * width..end * width].to_vec();
            let projections = inside(&projections, 3 * width);
            let same = |got: &[E], expected: &[E]| {
                let bits = |x: &E| x.get().to_bits();
                assert!(got.iter().map(bits).eq(expected.iter().map(bits)), "{length} tokens");
            };
            same(&alone.forward(&projections, Some(masks)), &inside(&out, width));
            let d = alone.backward(&projections, Some(masks), &inside(&d_out, width));
            same(&d, &inside(&gradients, 3 * width));
        }
    }
    both!(check());
}

#[test]
fn large_scores_do_not_overflow() {
    fn check<E: Element>() {
        let case = Case::new(&[3], 1, 4);
        let (projections, d_out) = case.inputs::<E>(1);
        let mut large = got(&projections);
        for token in large.chunks_exact_mut(12) {
            token[..8].iter_mut().for_each(|value| *value *= 1e4);
        }
        // One key takes everything: each output is one of the values.
        let out = got(&case.forward(&elements::<E>(&large), None));
        let values = case.part(&large, 2);
        for row in out.chunks_exact(4) {
            assert!(values.chunks_exact(4).any(|value| value == row), "{row:?}");
        }
        let gradients = case.backward(&elements::<E>(&large), None, &d_out);
        assert!(got(&gradients).iter().all(|d| d.is_finite()));
    }
    both!(check());
}

#[test]
fn nan_reaches_what_it_belongs_to() {
    fn check<E: Element>() {
        let case = Case::new(&[4, 20, 3], 2, 8);
        let (token, in_head) = (4 + 11, 5);
        for (head, number) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
            let (projections, d_out) = case.inputs::<E>(3);
            let mut poisoned = got(&projections);
            poisoned[token * 48 + number * 16 + head * 8 + in_head] = f32::NAN;
            let poisoned = elements::<E>(&poisoned);
            for (i, out) in got(&case.forward(&poisoned, None)).iter().enumerate() {
                let (row, part, feature) = (i / 16, i % 16 / 8, i % 8);
                let inside = part == head && (4..24).contains(&row);
                let expected = inside
                    && match number {
                        0 => row == token,       // Its own query.
                        1 => true,               // A key that every query sees.
                        _ => feature == in_head, // A value that every query sees.
                    };
                assert_eq!(out.is_nan(), expected, "input {number}, output {i}");
            }
            let gradients = got(&case.backward(&poisoned, None, &d_out));
            for part in 0..3 {
                let mut hit = false;
                for (i, d) in case.part(&gradients, part).iter().enumerate() {
                    let inside = i % 16 / 8 == head && (4..24).contains(&(i / 16));
                    assert!(inside || d.is_finite(), "input {number}, gradient {part}, {i}");
                    hit |= d.is_nan();
                }
                // A value's gradient does not depend on the values.
                assert_eq!(hit, part < 2 || number < 2, "input {number}, gradient {part}");
            }
        }
    }
    both!(check());
}

#[test]
fn threads_do_not_matter() {
    fn check<E: Element>() {
        let case = Case::new(&[70, 1, 0, 33, 128, 5], 4, 32);
        let masks = masks(case.tokens(), 0.1, 1);
        let (projections, d_out) = case.inputs::<E>(1);
        assert_threads_do_not_matter(|| {
            let mut all = got(&case.forward(&projections, Some(&masks)));
            all.extend(got(&case.backward(&projections, Some(&masks), &d_out)));
            all
        });
    }
    both!(check());
}

#[test]
#[should_panic(expected = "a mask for each query token")]
fn masks_are_one_a_token() {
    let case = Case::new(&[3], 1, 2);
    case.forward(&case.inputs::<f32>(1).0, Some(&masks(2, 0.1, 1)));
}

#[test]
#[should_panic(expected = "a sequence ends before it starts")]
fn ends_ascend() {
    let case = Case { ends: vec![3, 2, 4], heads: 1, head_dim: 2 };
    case.forward(&case.inputs::<f32>(1).0, None);
}

#[test]
#[should_panic(expected = "projections of another shape")]
fn projections_have_three_parts() {
    let case = Case::new(&[3], 1, 2);
    attention(case.shape(), &[0.0f32; 12], None, &mut [0.0; 6]);
}

#[test]
#[should_panic(expected = "a buffer of another shape")]
fn gradients_have_the_shape_of_the_output() {
    let case = Case::new(&[3], 1, 2);
    let zero = Bf16::default();
    attention_backward(case.shape(), &mut [zero; 18], None, &[zero; 4]);
}

#[test]
#[should_panic(expected = "masks of more than 65536 tokens or 65535 heads")]
fn features_of_masks_have_16_bits() {
    let shape = AttentionShape { ends: &[1], heads: 1 << 16, head_dim: 0 };
    attention::<f32>(shape, &[], Some(&masks(1, 0.1, 1)), &mut []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn equals_its_twin(
        lengths in prop::collection::vec(prop_oneof![4 => 0usize..40, 1 => 40usize..130], 1..4),
        heads in 1usize..4, head_dim in 1usize..40, seed in 0u64..1000, dropped in any::<bool>(),
    ) {
        let case = Case::new(&lengths, heads, head_dim);
        both!(check(&case, seed, dropped.then_some(0.2)));
    }
}
