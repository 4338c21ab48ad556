use embedtune_kernels::{
    DropoutMask, Element, add_bias, add_column_sums, apply_masks, gather_rows, reference,
    scatter_add_rows, spread_row, sum_rows,
};
use proptest::prelude::*;

use super::{
    UNIT, assert_within, both, elements, got, masks, mix, rounded, rounding, values, wide,
};

#[test]
fn a_mask_drops_its_share_and_keeps_the_mean() {
    let mask = DropoutMask::new(7, 0.25);
    let factors: Vec<f32> = (0..100_000).map(|feature| mask.factor(feature)).collect();
    assert!(factors.iter().all(|&factor| factor == 0.0 || factor == 1.0 / 0.75));
    let mean: f64 = wide(&factors).iter().sum::<f64>() / 1e5;
    // Six standard deviations.
    assert!((mean - 1.0).abs() < 0.011, "mean factor {mean}");
    let none = DropoutMask::new(7, 0.0);
    assert!((0..1000).all(|feature| none.factor(feature) == 1.0));
}

#[test]
fn masks_of_mixed_keys_are_unlike() {
    let dropped = |key: u64| {
        let mask = DropoutMask::new(mix(key), 0.5);
        (0..10_000).map(move |feature| mask.factor(feature) == 0.0)
    };
    for (a, b) in [(0, 1), (1, 2), (0, 1 << 32), (1 << 63, 0), (7, 8)] {
        let equal = dropped(a).zip(dropped(b)).filter(|(a, b)| a == b).count();
        assert!((4_700..5_300).contains(&equal), "keys {a} and {b} agree on {equal} of 10000");
    }
}

#[test]
fn nan_is_not_dropped() {
    fn check<E: Element>() {
        let mut out = vec![E::default(); 64];
        apply_masks(Some(&masks(2, 0.5, 3)), &[f32::NAN; 64], &mut out);
        assert!(got(&out).iter().all(|x| x.is_nan()));
        let mut sum = [0.0; 2];
        add_column_sums(&elements::<E>(&[1.0, f32::NAN, 1.0, 1.0]), &mut sum);
        assert!(sum[0] == 2.0 && sum[1].is_nan());
        let mut out = vec![E::default(); 4];
        add_bias(&[0.0, f32::NAN], &[1.0, 1.0, f32::NAN, 1.0], &mut out);
        let nan: Vec<bool> = got(&out).iter().map(|x| x.is_nan()).collect();
        assert_eq!(nan, [false, true, true, true]);
    }
    both!(check());
    let (mut out, mut table) = ([0.0; 4], [0.0; 6]);
    gather_rows(&[0.0, 1.0, f32::NAN, 2.0], &[1, 0], &[1.0; 4], &mut out);
    assert!(out[0].is_nan() && out[1..] == [3.0, 1.0, 2.0]);
    scatter_add_rows(&[f32::NAN, 1.0, 2.0, 3.0], &[2, 0], &mut table);
    assert!(table[4].is_nan() && table[..4] == [2.0, 3.0, 0.0, 0.0] && table[5] == 1.0);
}

#[test]
fn no_rows_are_no_work() {
    let mut sums = [1.0; 3];
    add_column_sums::<f32>(&[], &mut sums);
    add_bias::<f32>(&[1.0; 3], &[], &mut []);
    apply_masks::<f32>(Some(&[]), &[], &mut []);
    apply_masks::<f32>(None, &[], &mut []);
    gather_rows(&[1.0; 6], &[], &[1.0; 3], &mut []);
    scatter_add_rows(&[], &[], &mut sums);
    assert_eq!(sums, [1.0; 3]);
}

#[test]
#[should_panic(expected = "rows of another width")]
fn a_row_is_spread_over_rows_of_its_width() {
    spread_row(&[0.0; 3], 1.0, &mut [0.0; 4]);
}

#[test]
fn equal_ids_add_up() {
    let mut table = [1.0; 6];
    scatter_add_rows(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[2, 0, 2], &mut table);
    assert_eq!(table, [4.0, 5.0, 1.0, 1.0, 7.0, 9.0]);
}

#[test]
#[should_panic(expected = "rows and masks differ in number")]
fn each_row_needs_a_mask() {
    apply_masks(Some(&masks(2, 0.5, 3)), &[0.0; 5], &mut [0.0f32; 5]);
}

#[test]
#[should_panic(expected = "rows and masks differ in number")]
fn rows_without_masks_are_not_skipped() {
    apply_masks(Some(&[]), &[0.0; 5], &mut [0.0f32; 5]);
}

#[test]
#[should_panic(expected = "rows of another width")]
fn rows_have_the_width_of_the_bias() {
    add_bias(&[0.0; 3], &[0.0; 4], &mut [0.0f32; 4]);
}

#[test]
#[should_panic(expected = "rows and ids differ in number")]
fn rows_without_ids_are_not_skipped() {
    gather_rows(&[0.0; 6], &[], &[0.0; 6], &mut [0.0; 6]);
}

#[test]
#[should_panic(expected = "rows and ids differ in number")]
fn gradients_without_ids_are_not_skipped() {
    scatter_add_rows(&[0.0; 6], &[], &mut [0.0; 6]);
}

#[test]
#[should_panic(expected = "fewer rows to add than ids")]
fn each_id_has_a_row_to_add() {
    gather_rows(&[0.0; 6], &[0, 1], &[0.0; 3], &mut [0.0; 6]);
}

#[test]
#[should_panic(expected = "out of range")]
fn ids_are_inside_the_table() {
    gather_rows(&[0.0; 6], &[0, 2], &[0.0; 6], &mut [0.0; 6]);
}

fn equal_their_twins<E: Element>(rows: usize, n: usize, seed: u64, rate: f32) {
    let (x, bias, masks) = (values(rows * n, seed), values(n, seed + 1), masks(rows, rate, seed));
    let (mut out, mut expected) = (vec![E::of(f32::NAN); rows * n], vec![f64::NAN; rows * n]);
    add_bias(&bias, &x, &mut out);
    reference::add_bias(&wide(&bias), &wide(&x), &mut expected);
    assert_within(&got(&out), &expected, |at| UNIT + rounding::<E>(expected[at] + UNIT));

    out.fill(E::of(f32::NAN));
    apply_masks(Some(&masks), &x, &mut out);
    reference::apply_masks(&masks, &wide(&x), &mut expected);
    assert_within(&got(&out), &expected, |at| {
        let size = expected[at].abs();
        UNIT * size + rounding::<E>(size * (1.0 + UNIT))
    });
    apply_masks(None, &x, &mut out);
    assert_eq!(got(&out), rounded::<E>(&x));

    let x = elements::<E>(&x);
    let mut sum = values(n, seed + 2);
    let mut expected = wide(&sum);
    // The value that a column's sum is added to is one term more.
    let mut magnitudes: Vec<f64> = expected.iter().map(|x| x.abs()).collect();
    let absolute: Vec<f64> = wide(&got(&x)).iter().map(|x| x.abs()).collect();
    add_column_sums(&x, &mut sum);
    reference::add_column_sums(&wide(&got(&x)), &mut expected);
    reference::add_column_sums(&absolute, &mut magnitudes);
    assert_within(&sum, &expected, |at| (rows + 1) as f64 * UNIT * magnitudes[at]);
}

proptest! {
    #[test]
    fn rows_equal_their_twins(
        rows in 0usize..300, n in 1usize..40, seed in 0u64..1000, rate in 0.0f32..0.9,
    ) {
        both!(equal_their_twins(rows, n, seed, rate));
    }

    #[test]
    fn lookups_equal_their_twins(
        ids in prop::collection::vec(0u32..9, 0..60), n in 1usize..40, more in 0usize..3,
        seed in 0u64..1000,
    ) {
        // There may be more rows to add than ids.
        let (table, other) = (values(9 * n, seed), values((ids.len() + more) * n, seed + 1));
        let mut out = vec![f32::NAN; ids.len() * n];
        let mut expected = vec![f64::NAN; ids.len() * n];
        gather_rows(&table, &ids, &other, &mut out);
        reference::gather_rows(&wide(&table), &ids, &wide(&other), &mut expected);
        let expected: Vec<f32> = expected.into_iter().map(|sum| sum as f32).collect();
        prop_assert_eq!(&out, &expected, "a sum is rounded once");

        let mut sums = table.clone();
        let mut expected = wide(&table);
        let mut magnitudes: Vec<f64> = expected.iter().map(|x| x.abs()).collect();
        let absolute: Vec<f64> = wide(&out).iter().map(|x| x.abs()).collect();
        scatter_add_rows(&out, &ids, &mut sums);
        reference::scatter_add_rows(&wide(&out), &ids, &mut expected);
        reference::scatter_add_rows(&absolute, &ids, &mut magnitudes);
        assert_within(&sums, &expected, |at| (ids.len() + 1) as f64 * UNIT * magnitudes[at]);
    }
}

proptest! {
    #[test]
    fn pooling_equals_its_twin(
        rows in 0usize..80, n in 1usize..70, scale in -2.0f32..2.0, seed in 0u64..1000,
    ) {
        let (x, row) = (values(rows * n, seed), values(n, seed + 1));
        // What was there before must not matter.
        let (mut sum, mut expected, mut sizes) = (vec![f32::NAN; n], vec![0.0; n], vec![0.0; n]);
        sum_rows(&x, scale, &mut sum);
        reference::sum_rows(&wide(&x), scale.into(), &mut expected);
        let absolute: Vec<f64> = x.iter().map(|x| f64::from(x.abs())).collect();
        reference::sum_rows(&absolute, f64::from(scale.abs()), &mut sizes);
        assert_within(&sum, &expected, |at| (rows + 1) as f64 * UNIT * sizes[at]);

        let (mut out, mut expected) = (vec![f32::NAN; rows * n], vec![0.0; rows * n]);
        spread_row(&row, scale, &mut out);
        reference::spread_row(&wide(&row), scale.into(), &mut expected);
        assert_within(&out, &expected, |at| UNIT * expected[at].abs());
    }
}
