//! Every kernel that is made of tiles, on each path that this processor has; sizes are small under
//! an interpreter, which has the portable path alone.

use crate::{
    AttentionShape, Bf16, DropoutMask, Element, Matrix, MatrixMut, PackedColumns, PackedMatrix,
    QuantizedMatrix, QuantizedRows, Update, add_weight_gradients, attention, attention_backward,
    cpu::forced, multiply, multiply_int8, reference,
};

const UNIT: f32 = 1.0 / (1 << 23) as f32;

/// Values in `[-1, 1)` that the format holds.
fn values<E: Element>(length: usize, seed: u32) -> Vec<E> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        E::of((state >> 8) as f32 / (1 << 23) as f32 - 1.0)
    };
    std::iter::repeat_with(next).take(length).collect()
}

fn wide<E: Element>(values: &[E]) -> Vec<f64> {
    values.iter().map(|value| f64::from(value.get())).collect()
}

fn single<E: Element>(values: &[E]) -> Vec<f32> {
    values.iter().map(|value| value.get()).collect()
}

/// What rounding to the format adds to an error, for values of this size.
fn rounding<E: Element>(size: f64) -> f64 {
    if E::PER_UNIT == 1 { 0.0 } else { size / 256.0 }
}

/// `full` rows, columns or tokens, or as few as an interpreter runs soon.
fn size(full: usize, few: usize) -> usize {
    if cfg!(miri) { few } else { full }
}

/// Results of `kernel` on each path, by name.
fn on_each<T: Send>(kernel: impl Fn() -> T + Sync) -> Vec<(&'static str, T)> {
    let levels = forced::levels().into_iter();
    levels.map(|(name, features)| (name, forced::on(features, &kernel))).collect()
}

/// Values lie within ±1, so `Σ |lᵢ·rᵢ| <= k`; the twin's sum is rounded to f32.
#[track_caller]
fn assert_product(name: &str, got: &[f32], expected: &[f32], k: usize) {
    let bound = (k * k + k + 1) as f32 * UNIT;
    for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!((got - expected).abs() <= bound, "{name}, {at}: {got} is not {expected}");
    }
}

fn products<E: Element>() {
    let shapes: &[_] = if cfg!(miri) {
        &[(3, 3, 2), (15, 1, 33)]
    } else {
        &[(0, 3, 4), (1, 1, 1), (13, 7, 31), (29, 48, 33), (43, 385, 65)]
    };
    for &(m, k, n) in shapes {
        let (left, right) = (values::<E>(m * k, 1), values::<E>(n * k, 2));
        let right = single(&right);
        let start = single(&values::<E>(m * n, 3));
        let runs = on_each(|| {
            let mut matrix = PackedMatrix::<E>::default();
            matrix.pack_transposed(&[&right], k);
            let mut out = start.clone();
            multiply(&left, &matrix, Update::Add, &mut out);
            matrix.pack(&[&right], n);
            let mut second = vec![f32::NAN; m * n];
            multiply(&left, &matrix, Update::Overwrite, &mut second);
            // The last row alone, which no other row may change.
            let mut last = vec![f32::NAN; n.min(m * n)];
            let alone = &left[left.len() - k.min(left.len())..];
            multiply(alone, &matrix, Update::Overwrite, &mut last);
            (out, second, last)
        });
        let left = single(&left);
        let left = Matrix::new(&left, m, k);
        let (mut expected, mut second) = (start.clone(), start.clone());
        let right = (Matrix::new(&right, n, k).t(), Matrix::new(&right, k, n));
        reference::product(left, right.0, MatrixMut::new(&mut expected, m, n), Update::Add);
        reference::product(left, right.1, MatrixMut::new(&mut second, m, n), Update::Overwrite);
        for (name, got) in runs {
            assert_product(name, &got.0, &expected, k);
            assert_product(name, &got.1, &second, k);
            assert_eq!(got.2, got.1[got.1.len() - got.2.len()..], "{name}");
        }
    }
}

#[test]
fn products_on_every_path() {
    products::<f32>();
    products::<Bf16>();
}

fn weight_gradients<E: Element>() {
    let (tokens, inputs, out) = (size(2051, 5), size(65, 3), size(127, 15));
    let width = out + 3;
    let (d, input) = (values::<E>(tokens * width, 1), values::<E>(tokens * inputs, 2));
    let runs = on_each(|| {
        let (mut first, mut second) = (vec![0.0; out * inputs], vec![0.0; 2 * inputs]);
        let gradients = &mut [(out, &mut first[..]), (1, &mut []), (2, &mut second[..])];
        let buffer = &mut PackedColumns::default();
        add_weight_gradients(&d, &input, tokens, gradients, buffer);
        [first, second].concat()
    });
    let (d, input) = (single(&d), single(&input));
    let mut expected = vec![0.0; width * inputs];
    let product = MatrixMut::new(&mut expected, width, inputs);
    let (d, input) = (Matrix::new(&d, tokens, width).t(), Matrix::new(&input, tokens, inputs));
    reference::product(d, input, product, Update::Overwrite);
    expected.drain(out * inputs..(out + 1) * inputs);
    for (name, got) in runs {
        assert_product(name, &got, &expected, tokens);
    }
}

#[test]
fn weight_gradients_on_every_path() {
    weight_gradients::<f32>();
    weight_gradients::<Bf16>();
}

fn attentions<E: Element>() {
    let (ends, heads, head_dim) = ([1, 1, size(40, 4), size(107, 6)], 2, size(33, 3));
    let shape = AttentionShape { ends: &ends, heads, head_dim };
    let (tokens, width) = (ends[3], heads * head_dim);
    let projections = values::<E>(tokens * 3 * width, 1);
    let d_out = values::<E>(tokens * width, 2);
    let masks: Vec<_> = (0..tokens as u64)
        .map(|key| DropoutMask::new(key.wrapping_mul(0x9E37_79B9_7F4A_7C15), 0.2))
        .collect();
    let runs = on_each(|| {
        let mut out = vec![E::default(); tokens * width];
        attention(shape, &projections, Some(&masks), &mut out);
        let mut d = projections.clone();
        attention_backward(shape, &mut d, Some(&masks), &d_out);
        (wide(&out), wide(&d))
    });
    let (projections, d_out) = (wide(&projections), wide(&d_out));
    let (mut out, mut d) = (d_out.clone(), projections.clone());
    reference::attention(shape, &projections, Some(&masks), &mut out);
    reference::attention_backward(shape, &projections, Some(&masks), &d_out, &mut d);
    let score = (head_dim as f64).powf(1.5);
    let bound = (4.0 * score + (2 * tokens + 64) as f64) * f64::from(UNIT) + rounding::<E>(2.0);
    let largest = d.iter().fold(0.0f64, |max, d| max.max(d.abs()));
    let gradient_bound = largest * (1e-5 + rounding::<E>(2.0));
    for (name, got) in runs {
        let off = |got: &[f64], expected: &[f64]| {
            got.iter().zip(expected).fold(0.0f64, |max, (a, b)| max.max((a - b).abs()))
        };
        assert!(off(&got.0, &out) <= 1.25 * bound, "{name}: {:e}", off(&got.0, &out));
        assert!(off(&got.1, &d) <= gradient_bound, "{name}: {:e}", off(&got.1, &d));
    }
}

#[test]
fn attention_on_every_path() {
    attentions::<f32>();
    attentions::<Bf16>();
}

#[test]
fn int8_products_have_the_same_bits_on_every_path() {
    let shapes: &[_] = if cfg!(miri) {
        &[(2, 5, 3)]
    } else {
        &[(1, 1, 1), (13, 3, 31), (15, 64, 33), (29, 385, 65), (3, 4099, 7)]
    };
    for &(m, k, n) in shapes {
        let (mut left, right) = (values::<f32>(m * k, 1), values::<f32>(n * k, 2));
        // A row on one side of 0, and one of the largest numbers alone.
        left[..k].iter_mut().for_each(|x| *x = x.abs() * 1e3);
        left[(m - 1) * k..].fill(-1.0);
        let runs = on_each(|| {
            let (mut rows, mut matrix) = (QuantizedRows::default(), QuantizedMatrix::default());
            rows.pack(&left, k);
            matrix.pack_transposed(&[&right], k);
            let mut out = vec![f32::NAN; m * n];
            multiply_int8(&rows, &matrix, &mut out);
            out
        });
        let mut expected = vec![0.0; m * n];
        reference::multiply_int8(&left, &right, k, &mut expected);
        for (name, got) in runs {
            assert_eq!(got, expected, "{name}, ({m}, {k}, {n})");
        }
    }
}

#[test]
fn bytes_of_operands_keep_their_signs() {
    // All pairs of an unsigned and a signed number that a unit holds, four at a time.
    let step = size(1, 37);
    let runs = on_each(|| {
        let mut sums = Vec::new();
        for first in (0..256u32).step_by(14 * step) {
            let left: Vec<u32> = (0..14).map(|i| (first + i).min(255) * 0x0101_0101).collect();
            for second in (0..256u32).step_by(32 * step) {
                let right: Vec<u32> = (0..32).map(|i| (second + i) % 256).collect();
                let operands = super::Operands {
                    units: 1,
                    left: super::Left::panel(&left, super::MR),
                    right: &right,
                };
                let mut out = [7; super::MR * super::NR];
                super::tile_int8(operands, &mut out);
                for (at, &sum) in out.iter().enumerate() {
                    let left = (left[at / 32] & 0xFF) as i32;
                    sums.push((sum, left * i32::from(right[at % 32] as u8 as i8)));
                }
            }
        }
        sums
    });
    for (name, sums) in runs {
        assert!(sums.iter().all(|(got, expected)| got == expected), "{name}");
    }
}
