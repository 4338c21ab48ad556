//! The AdamW step against PyTorch, against its twin, and under different numbers of threads.

#![allow(clippy::unwrap_used)]

use embedtune_kernels::{AdamWStep, adamw_step, axpy, reference, sum_of_squares};
use proptest::prelude::*;

fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(work)
}

fn values(length: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(length).collect()
}

const STEP: AdamWStep = AdamWStep {
    lr: 0.01,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    weight_decay: 0.1,
    step: 1,
    grad_scale: 1.0,
};

#[test]
fn follows_torch() {
    let table = include_str!("../fixtures/adamw.csv");
    let mut lines = table.lines().skip(1);
    let numbers = |line: &str, skip: usize| -> Vec<f32> {
        line.split(',').skip(skip).map(|cell| cell.parse().unwrap()).collect()
    };
    let mut params = numbers(lines.next().unwrap(), 1);
    let (mut m, mut v) = (vec![0.0; params.len()], vec![0.0; params.len()]);
    let rows: Vec<Vec<f32>> = lines.map(|line| numbers(line, 2)).collect();
    for (number, rows) in rows.chunks(params.len()).enumerate() {
        let gradients: Vec<f32> = rows.iter().map(|row| row[0]).collect();
        let step = number as u64 + 1;
        let step = AdamWStep { lr: 0.01 * step as f64, step, grad_scale: rows[0][1], ..STEP };
        adamw_step(&mut params, &gradients, &mut m, &mut v, step);
        for (i, row) in rows.iter().enumerate() {
            let close = |got: f32, expected: f32| (got - expected).abs() <= 3e-7 * expected.abs();
            // A parameter is the difference of a step and itself: its error is relative to 1.
            assert!((params[i] - row[2]).abs() <= 2e-7, "step {number}, parameter {i}");
            assert!(close(m[i], row[3]) || (m[i] - row[3]).abs() < 1e-9, "step {number}, mean {i}");
            assert!(close(v[i], row[4]), "step {number}, mean square {i}");
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let length = 100_003;
    let run = || {
        let mut params = values(length, 1);
        let gradients = values(length, 2);
        let (mut m, mut v) = (vec![0.0; length], vec![0.0; length]);
        for step in 1..=3 {
            adamw_step(&mut params, &gradients, &mut m, &mut v, AdamWStep { step, ..STEP });
        }
        axpy(0.3, &gradients, &mut params);
        (sum_of_squares(&params).to_bits(), params, m, v)
    };
    let one = on_threads(1, run);
    for threads in [2, 3, 7] {
        assert!(one == on_threads(threads, run), "{threads} threads differ from one");
    }
}

#[test]
#[should_panic(expected = "counts steps from 1")]
fn step_zero_has_no_bias_correction() {
    adamw_step(&mut [0.0], &[0.0], &mut [0.0], &mut [0.0], AdamWStep { step: 0, ..STEP });
}

proptest! {
    #[test]
    fn equals_the_twins_to_the_bit(
        length in 0usize..200,
        seed in any::<u32>(),
        grad_scale in 0.01f32..2.0,
        step in 1u64..1000,
        weight_decay in 0.0f64..0.5,
    ) {
        let step = AdamWStep { grad_scale, step, weight_decay, ..STEP };
        let gradients = values(length, seed);
        let start = (values(length, !seed), values(length, seed / 2), vec![0.5; length]);
        let (mut fast, mut slow) = (start.clone(), start);
        adamw_step(&mut fast.0, &gradients, &mut fast.1, &mut fast.2, step);
        reference::adamw_step(&mut slow.0, &gradients, &mut slow.1, &mut slow.2, step);
        axpy(grad_scale, &gradients, &mut fast.0);
        reference::axpy(grad_scale, &gradients, &mut slow.0);
        prop_assert_eq!(fast, slow);
    }

    #[test]
    fn sum_of_squares_equals_its_twin(x in prop::collection::vec(-1e4f32..1e4, 0..3000)) {
        let expected = reference::sum_of_squares(&x);
        prop_assert!((sum_of_squares(&x) - expected).abs() <= 1e-12 * expected);
    }
}
