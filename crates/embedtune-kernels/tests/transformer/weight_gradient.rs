use embedtune_kernels::{
    Bf16, Element, Matrix, MatrixMut, PackedColumns, Update, add_weight_gradients, reference,
};
use proptest::prelude::*;

use super::{UNIT, assert_threads_do_not_matter, both, elements, rounded, values};

/// A layer's outputs and whether its gradient is wanted.
type Layer = (usize, bool);

/// What gradients hold before.
fn start(layers: &[Layer], inputs: usize, seed: u64) -> Vec<Vec<f32>> {
    let length = |&(out, wanted): &Layer| if wanted { out * inputs } else { 0 };
    layers.iter().zip(seed..).map(|(layer, seed)| values(length(layer), seed)).collect()
}

fn add<E: Element>(
    d: &[f32],
    input: &[f32],
    tokens: usize,
    layers: &[Layer],
    gradients: &mut [Vec<f32>],
) {
    let mut each: Vec<(usize, &mut [f32])> =
        layers.iter().map(|&(out, _)| out).zip(gradients.iter_mut().map(|g| &mut g[..])).collect();
    let mut buffer = PackedColumns::default();
    // What was packed before must not matter.
    add_weight_gradients::<E>(
        &elements(&[f32::NAN; 64]),
        &elements(&[f32::NAN; 128 * 64]),
        64,
        &mut [(1, &mut [0.0; 128])],
        &mut buffer,
    );
    let (d, input) = (elements::<E>(d), elements::<E>(input));
    add_weight_gradients(&d, &input, tokens, &mut each, &mut buffer);
}

fn check<E: Element>(tokens: usize, inputs: usize, layers: &[Layer], seed: u64) {
    let width: usize = layers.iter().map(|layer| layer.0).sum();
    let (d, input) = (values(tokens * width, seed), values(tokens * inputs, seed + 1));
    let before = start(layers, inputs, seed + 2);
    let mut got = before.clone();
    add::<E>(&d, &input, tokens, layers, &mut got);

    let (d, input) = (rounded::<E>(&d), rounded::<E>(&input));
    let sizes = |values: &[f32]| values.iter().map(|value| value.abs()).collect::<Vec<_>>();
    let product = |d: &[f32], input: &[f32], sums: &mut [f32], offset: usize, out: usize| {
        if tokens * width > 0 {
            let d = Matrix::strided(&d[offset..], tokens, out, width).t();
            let sums = MatrixMut::new(sums, out, inputs);
            reference::product(d, Matrix::new(input, tokens, inputs), sums, Update::Add);
        }
    };
    let mut offset = 0;
    for ((&(out, wanted), got), before) in layers.iter().zip(&got).zip(&before) {
        if wanted {
            let (mut expected, mut magnitudes) = (before.clone(), vec![0.0; out * inputs]);
            product(&d, &input, &mut expected, offset, out);
            product(&sizes(&d), &sizes(&input), &mut magnitudes, offset, out);
            let strips = tokens.div_ceil(2048) as f64;
            for (at, (&got, &expected)) in got.iter().zip(&expected).enumerate() {
                // One unit more for the twin, which rounds to f32.
                let bound = (tokens + 2) as f64 * UNIT * f64::from(magnitudes[at])
                    + (strips + 1.0) * UNIT * f64::from(before[at].abs());
                let off = (f64::from(got) - f64::from(expected)).abs();
                assert!(off <= bound, "{at} of layer at {offset}: {got}, {expected}, {bound:e}");
            }
        }
        offset += out;
    }
}

#[test]
fn whole_tiles_and_tails() {
    for tokens in [1, 2, 3, 31, 64] {
        for inputs in [1, 31, 32, 33] {
            for out in [1, 13, 14, 15, 113, 230] {
                both!(check(tokens, inputs, &[(out, true)], 1));
            }
        }
    }
}

#[test]
fn more_than_one_strip() {
    for tokens in [2047, 2048, 2049, 4100] {
        both!(check(tokens, 33, &[(5, true), (3, false), (15, true)], tokens as u64));
    }
}

#[test]
fn some_layers_are_not_trained() {
    let layers = [(0, true), (20, false), (17, true), (0, false), (30, true), (4, false)];
    both!(check(70, 40, &layers, 1));
    both!(check(70, 40, &[(20, false), (3, false)], 1));
}

#[test]
fn nothing_is_added_for_nothing() {
    let mut gradient = [1.0; 6];
    let mut buffer = PackedColumns::default();
    add_weight_gradients::<f32>(&[], &[], 0, &mut [(2, &mut gradient)], &mut buffer);
    assert_eq!(gradient, [1.0; 6]);
    add_weight_gradients::<f32>(&[], &[0.5; 12], 4, &mut [], &mut buffer);
    add_weight_gradients::<f32>(&[0.5; 8], &[], 4, &mut [(2, &mut [])], &mut buffer);
}

#[test]
fn threads_do_not_matter() {
    fn check<E: Element>() {
        let layers = [(130, true), (7, false), (250, true)];
        let (tokens, inputs) = (2100, 70);
        let (d, input) = (values(tokens * 387, 1), values(tokens * inputs, 2));
        assert_threads_do_not_matter(|| {
            let mut gradients = start(&layers, inputs, 3);
            add::<E>(&d, &input, tokens, &layers, &mut gradients);
            gradients.concat()
        });
    }
    both!(check());
}

#[test]
fn nan_reaches_its_row_or_column_and_no_other() {
    fn check<E: Element>() {
        let (tokens, inputs, out) = (37, 33, 30);
        for token in [0, 18, 36] {
            let (mut d, input) = (values(tokens * out, 1), values(tokens * inputs, 2));
            d[token * out + 15] = f32::NAN;
            let mut gradients = start(&[(out, true)], inputs, 3);
            add::<E>(&d, &input, tokens, &[(out, true)], &mut gradients);
            for (at, value) in gradients[0].iter().enumerate() {
                assert_eq!(value.is_nan(), at / inputs == 15, "{at}");
            }
            let (d, mut input) = (values(tokens * out, 1), input);
            input[token * inputs + 32] = f32::NAN;
            let mut gradients = start(&[(out, true)], inputs, 3);
            add::<E>(&d, &input, tokens, &[(out, true)], &mut gradients);
            for (at, value) in gradients[0].iter().enumerate() {
                assert_eq!(value.is_nan(), at % inputs == 32, "{at}");
            }
        }
    }
    both!(check());
}

#[test]
#[should_panic(expected = "gradients of another width")]
fn layers_lie_side_by_side() {
    let mut gradient = [0.0; 6];
    let gradients = &mut [(2, &mut gradient[..])];
    add_weight_gradients::<f32>(&[0.0; 9], &[0.0; 9], 3, gradients, &mut PackedColumns::default());
}

#[test]
#[should_panic(expected = "a gradient of another shape")]
fn gradients_have_the_shape_of_their_layer() {
    let mut gradient = [0.0; 7];
    let gradients = &mut [(3, &mut gradient[..])];
    add_weight_gradients::<f32>(&[0.0; 9], &[0.0; 9], 3, gradients, &mut PackedColumns::default());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn equals_its_twin(
        (tokens, inputs) in (0usize..100, 1usize..70), seed in 0u64..1000,
        layers in prop::collection::vec((0usize..40, any::<bool>()), 1..4),
    ) {
        both!(check(tokens, inputs, &layers, seed));
    }

    #[test]
    fn a_gradient_of_bf16_is_that_of_its_values(tokens in 1usize..60, seed in 0u64..1000) {
        // Numbers that both formats hold, and whose sums are exact: the same result in both.
        let small = |length, seed| -> Vec<f32> {
            values(length, seed).iter().map(|value| (value * 8.0).round()).collect()
        };
        let (d, input) = (small(tokens * 9, seed), small(tokens * 11, seed + 1));
        let (mut narrow, mut single) = (vec![vec![0.0; 99]], vec![vec![0.0; 99]]);
        add::<Bf16>(&d, &input, tokens, &[(9, true)], &mut narrow);
        add::<f32>(&d, &input, tokens, &[(9, true)], &mut single);
        prop_assert_eq!(narrow, single);
    }
}
