//! AdamW, schedules and a whole run against torch, transformers and Sentence Transformers.

use std::sync::{Arc, Mutex};

use embedtune_data::SequentialSampler;
use embedtune_encoder::Parameters;
use embedtune_testkit::{Tolerance, assert_close, golden_json};
use embedtune_train::{
    AdamWConfig, Callback, OptimizerConfig, Schedule, StepReport, TrainConfig, Trainer, Warmup,
};
use serde::Deserialize;

use crate::common::{mnrl, model, pairs};

#[derive(Deserialize)]
struct AdamWRun {
    weight_decay: f64,
    decay_vector: bool,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    start: Tensors,
    steps: Vec<AdamWStep>,
}

#[derive(Deserialize)]
struct Tensors {
    matrix: Vec<Vec<f64>>,
    vector: Vec<f64>,
}

impl Tensors {
    /// Matrix, then vector.
    fn flat(&self) -> Vec<f64> {
        [self.matrix.concat(), self.vector.clone()].concat()
    }
}

#[derive(Deserialize)]
struct AdamWStep {
    learning_rate: f64,
    gradients: Tensors,
    matrix: Vec<Vec<f64>>,
    vector: Vec<f64>,
    matrix_first_moment: Vec<Vec<f64>>,
    vector_first_moment: Vec<f64>,
    matrix_second_moment: Vec<Vec<f64>>,
    vector_second_moment: Vec<f64>,
}

fn f32s(values: &[f64]) -> Vec<f32> {
    values.iter().map(|&value| value as f32).collect()
}

#[test]
fn adamw_equals_torch() {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/adamw.json");
    for run in golden_json::<Vec<AdamWRun>>(fixture) {
        let start = f32s(&run.start.flat());
        // Decay is a matter of shape: a vector that decays is a matrix of one row.
        let vector_shape = if run.decay_vector { vec![1, 4] } else { vec![4] };
        let mut parameters = Parameters::new([
            ("matrix".to_owned(), vec![3, 4], start[..12].to_vec()),
            ("vector".to_owned(), vector_shape, start[12..].to_vec()),
        ]);
        let config = AdamWConfig::default()
            .with_weight_decay(run.weight_decay)
            .with_betas(run.beta1, run.beta2)
            .with_eps(run.epsilon);
        let mut optimizer = OptimizerConfig::AdamW(config).build(&parameters);
        for step in &run.steps {
            // Twice the gradient at half the scale: the factor must reach every moment.
            let gradients: Vec<f32> =
                f32s(&step.gradients.flat()).iter().map(|g| g * 2.0).collect();
            optimizer.step(&mut parameters, &gradients, step.learning_rate, 0.5);
            let close = |actual: &[f32], matrix: &[Vec<f64>], vector: &[f64]| {
                assert_close(&actual[..12], &matrix.concat(), Tolerance::relative(1e-6));
                assert_close(&actual[12..], vector, Tolerance::relative(1e-6));
            };
            close(parameters.trainable(), &step.matrix, &step.vector);
            let state = optimizer.state().buffers;
            close(&state["m"], &step.matrix_first_moment, &step.vector_first_moment);
            close(&state["v"], &step.matrix_second_moment, &step.vector_second_moment);
        }
    }
}

#[derive(Deserialize)]
struct ScheduleRun {
    schedule: Schedule,
    learning_rate: f64,
    warmup: Warmup,
    warmup_steps: u64,
    total_steps: u64,
    learning_rates: Vec<f64>,
}

#[test]
fn schedules_equal_transformers() {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/schedules.json");
    for run in golden_json::<Vec<ScheduleRun>>(fixture) {
        let warmup = run.warmup.steps(run.total_steps);
        assert_eq!(warmup, run.warmup_steps, "{:?} of {}", run.warmup, run.total_steps);
        let rates: Vec<f64> = (0..run.learning_rates.len() as u64)
            .map(|step| run.learning_rate * run.schedule.factor(step, warmup, run.total_steps))
            .collect();
        assert_close(&rates, &run.learning_rates, Tolerance::relative(1e-14));
    }
}

#[derive(Deserialize)]
struct Step {
    loss: f64,
    grad_norm: f64,
    learning_rate: f64,
}

/// Keeps the reports of a run.
struct Reports(Arc<Mutex<Vec<StepReport>>>);

impl Callback for Reports {
    fn on_step(&mut self, report: &StepReport) {
        self.0.lock().unwrap().push(report.clone());
    }
}

#[test]
fn a_run_equals_sentence_transformers() {
    let expected: Vec<Step> =
        golden_json(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/run.json"));
    let mut data = pairs();
    data.rows.iter_mut().for_each(|row| row.negatives.clear());
    let config = TrainConfig::default()
        .with_epochs(6.0)
        .with_gradient_accumulation(2)
        .with_learning_rate(2e-3)
        .with_warmup(Warmup::Steps(2))
        .with_dropout(Some(0.0));
    let reports = Arc::default();
    Trainer::new(model(), data, mnrl(), Box::new(SequentialSampler::new(3)), config)
        .unwrap()
        .with_callback(Box::new(Reports(Arc::clone(&reports))))
        .run()
        .unwrap();
    let reports = reports.lock().unwrap();
    let actual = |value: fn(&StepReport) -> f64| reports.iter().map(value).collect::<Vec<_>>();
    let golden = |value: fn(&Step) -> f64| expected.iter().map(value).collect::<Vec<_>>();
    assert_eq!(reports.len(), 12);
    let close = |actual: &[f64], golden: &[f64], relative| {
        assert_close(actual, golden, Tolerance::relative(relative));
    };
    close(&actual(|r| r.learning_rate), &golden(|s| s.learning_rate), 1e-12);
    close(&actual(|r| r.loss), &golden(|s| s.loss), 1e-4);
    close(&actual(|r| r.grad_norm), &golden(|s| s.grad_norm), 1e-3);
}
