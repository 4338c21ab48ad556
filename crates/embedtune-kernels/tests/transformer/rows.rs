use embedtune_kernels::{DropoutMask, add_bias, add_column_sums, apply_masks, reference};
use proptest::prelude::*;

use super::{UNIT, assert_threads_do_not_matter, assert_within, masks, mix, values, wide};

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
    let mut x = vec![f32::NAN; 64];
    apply_masks(&masks(2, 0.5, 3), &mut x);
    assert!(x.iter().all(|x| x.is_nan()));
    let mut sum = [0.0; 2];
    add_column_sums(&[1.0, f32::NAN, 1.0, 1.0], &mut sum);
    assert!(sum[0] == 2.0 && sum[1].is_nan());
}

#[test]
fn threads_do_not_matter() {
    assert_threads_do_not_matter(|| {
        let mut x = values(1000 * 37, 1);
        add_bias(&values(37, 2), &mut x);
        apply_masks(&masks(1000, 0.1, 3), &mut x);
        let mut sum = values(37, 4);
        add_column_sums(&x, &mut sum);
        [x, sum].concat()
    });
}

#[test]
#[should_panic(expected = "rows and masks differ in number")]
fn each_row_needs_a_mask() {
    apply_masks(&masks(2, 0.5, 3), &mut [0.0; 5]);
}

proptest! {
    #[test]
    fn equal_their_twins(
        rows in 0usize..300, n in 1usize..40, seed in 0u64..1000, rate in 0.0f32..0.9,
    ) {
        let (mut x, bias, masks) = (values(rows * n, seed), values(n, seed + 1), masks(rows, rate, seed));
        let mut expected = wide(&x);
        add_bias(&bias, &mut x);
        reference::add_bias(&wide(&bias), &mut expected);
        assert_within(&x, &expected, |_| UNIT);

        expected = wide(&x);
        apply_masks(&masks, &mut x);
        reference::apply_masks(&masks, &mut expected);
        assert_within(&x, &expected, |at| UNIT * expected[at].abs());

        let mut sum = values(n, seed + 2);
        let mut expected = wide(&sum);
        // The value that a column's sum is added to is one term more.
        let mut magnitudes: Vec<f64> = expected.iter().map(|x| x.abs()).collect();
        let absolute: Vec<f64> = x.iter().map(|x| f64::from(x.abs())).collect();
        add_column_sums(&x, &mut sum);
        reference::add_column_sums(&wide(&x), &mut expected);
        reference::add_column_sums(&absolute, &mut magnitudes);
        assert_within(&sum, &expected, |at| (rows + 1) as f64 * UNIT * magnitudes[at]);
    }
}
