//! What a run computes.

use embedtune_data::{BatchSampler, Dataset, SequentialSampler};
use embedtune_encoder::EmbeddingModel;
use embedtune_losses::{Loss, LossConfig};
use embedtune_testkit::{Tolerance, assert_close};
use embedtune_train::{Every, InBatchMrr, TrainConfig, TrainOutcome, Trainer, TripletAccuracy};

use crate::common::{bits, config, labelled_pairs, mnrl, model, pairs, pairs_with_negatives, run};

#[test]
fn overfits_eight_pairs() {
    let config = config().with_learning_rate(5e-3).with_epochs(60.0).with_dropout(Some(0.0));
    let sampler = Box::new(SequentialSampler::new(8));
    let outcome = Trainer::new(model(), pairs(), mnrl(), sampler, config)
        .unwrap()
        .with_evaluator(Box::new(InBatchMrr::new(pairs(), 8)))
        .with_evaluator(Box::new(TripletAccuracy::new(pairs())))
        .run()
        .unwrap();
    let (first, last) = (outcome.losses[0], outcome.final_loss().unwrap());
    assert!(last < 0.05 * first, "{first} to {last}");
    let metrics = &outcome.evaluations.last().unwrap().metrics;
    assert_eq!(metrics[InBatchMrr::METRIC], 1.0);
    assert_eq!(metrics[TripletAccuracy::METRIC], 1.0);
    assert!(outcome.evaluations[0].metrics[InBatchMrr::METRIC] < 1.0);
    assert_eq!((outcome.steps, outcome.epochs, outcome.pairs), (60, 60.0, 480));
    assert!(outcome.tokens > outcome.pairs && outcome.train_seconds > 0.0);
}

#[test]
fn a_run_is_a_function_of_its_seed() {
    let weights = |seed| bits(&run(config().with_seed(seed)).model);
    assert_eq!(weights(1), weights(1));
    assert_ne!(weights(1), weights(2));
}

/// One step over eight labelled pairs in batches of `batch`. Contrastive loss has no in-batch
/// negatives, so only rounding tells the ways apart.
fn contrastive(batch: usize, change: impl Fn(TrainConfig) -> TrainConfig) -> TrainOutcome {
    let config = change(config().with_max_steps(Some(1)).with_dropout(Some(0.0)));
    let loss = "contrastive".parse::<LossConfig>().unwrap().build().unwrap();
    let sampler = Box::new(SequentialSampler::new(batch));
    Trainer::new(model(), labelled_pairs(), loss, sampler, config).unwrap().run().unwrap()
}

/// AdamW makes nearly equal steps of gradients that are nearly zero, so weights compare after one
/// step by an optimizer step's size (the learning rate), which is 2e-3.
fn assert_same_step(actual: &TrainOutcome, expected: &TrainOutcome) {
    assert_close(&actual.losses, &expected.losses, Tolerance::relative(1e-6));
    let change = |outcome: &TrainOutcome| moved(&outcome.model);
    assert_close(&change(actual), &change(expected), Tolerance::relative(1e-2));
    assert!(change(expected).iter().any(|&d| d.abs() > 1e-3));
}

/// How far each weight is from where it began, but for the key biases, whose true gradient is 0 so
/// that AdamW's step follows rounding.
pub(crate) fn moved(tuned: &EmbeddingModel) -> Vec<f32> {
    let start = model();
    let infos = tuned.parameters().infos();
    let infos = infos.iter().filter(|info| !info.name.ends_with("key.bias"));
    infos
        .flat_map(|info| {
            let (now, then) = (tuned.parameters().values(info), start.parameters().values(info));
            now.iter().zip(then).map(|(a, b)| a - b).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn accumulation_is_one_big_batch() {
    let big = contrastive(8, |config| config);
    assert_same_step(&contrastive(2, |config| config.with_gradient_accumulation(4)), &big);
}

#[test]
fn the_size_of_an_engine_call_changes_nothing() {
    let whole = contrastive(8, |config| config);
    for micro_tokens in [1, 20, 33] {
        assert_same_step(&contrastive(8, |config| config.with_micro_tokens(micro_tokens)), &whole);
    }
}

#[test]
fn dropout_is_the_models_own_unless_set() {
    let first_loss = |dropout| run(config().with_dropout(dropout)).losses[0];
    assert_eq!(first_loss(None), first_loss(Some(0.1)));
    assert_ne!(first_loss(None), first_loss(Some(0.0)));
}

#[test]
fn every_step_and_every_batch_of_it_drops_other_values() {
    // The same batch again and again, with weights that hardly move.
    let losses = |dropout, accumulation| {
        let config = config().with_learning_rate(1e-12).with_epochs(2.0).with_dropout(dropout);
        let twice = Box::new(Twice);
        let config = config.with_gradient_accumulation(accumulation);
        Trainer::new(model(), pairs(), mnrl(), twice, config).unwrap().run().unwrap().losses
    };
    let same = losses(Some(0.0), 1);
    assert!(same.iter().all(|&loss| (loss - same[0]).abs() < 1e-6), "{same:?}");
    let mut dropped = losses(None, 1);
    dropped.sort_by(f64::total_cmp);
    assert!(dropped.windows(2).all(|pair| pair[1] - pair[0] > 1e-6), "{dropped:?}");
    // Equal masks in both batches of a step would give the loss of its first batch.
    let [first, ..] = losses(None, 1)[..] else { unreachable!() };
    assert!((losses(None, 2)[0] - first).abs() > 1e-6);
}

/// All rows in one batch, twice an epoch.
struct Twice;

impl BatchSampler for Twice {
    fn batches(&self, dataset: &Dataset, _seed: u64, _epoch: u64) -> Vec<Vec<u32>> {
        vec![(0..dataset.len() as u32).collect(); 2]
    }
}

#[test]
fn frozen_layers_stay_and_the_others_learn() {
    let start = model();
    let tuned = run(config().with_freeze_layers(1)).model;
    let (mut frozen, mut trained) = (0, 0);
    for info in tuned.parameters().infos() {
        let (before, after) =
            (start.parameters().get(&info.name).unwrap(), tuned.parameters().values(info));
        let below = info.name.starts_with("embeddings.") || info.name.contains("layer.0.");
        assert_eq!(before == after, below, "{}", info.name);
        if below { frozen += 1 } else { trained += 1 }
    }
    assert!(frozen > 16 && trained >= 16);
}

#[test]
fn clipping_bounds_the_gradient_of_a_step() {
    // Plain SGD shows the gradient itself.
    let step = |max_grad_norm| {
        let config = config().with_max_steps(Some(1)).with_max_grad_norm(max_grad_norm);
        let trainer = crate::common::trainer(config);
        let outcome = trainer.with_optimizer(Box::new(crate::custom_parts::Sgd)).run().unwrap();
        moved(&outcome.model).iter().map(|&d| f64::from(d).powi(2)).sum::<f64>().sqrt() / 2e-3
    };
    let free = step(None);
    assert!(free > 0.5, "{free}");
    let clipped = step(Some(0.25));
    assert!((clipped - 0.25).abs() < 1e-3, "{clipped}");
}

#[test]
fn masking_false_negatives_changes_the_loss() {
    let mut data = pairs();
    let (anchor, document) = (data.rows[0].anchor, data.rows[1].positive);
    data.add_known_positive(anchor, document);
    let loss = |mask| {
        let config = config().with_max_steps(Some(1)).with_mask_false_negatives(mask);
        let sampler = Box::new(SequentialSampler::new(8));
        Trainer::new(model(), data.clone(), mnrl(), sampler, config).unwrap().run().unwrap().losses
            [0]
    };
    assert!(loss(true) < loss(false));
}

#[test]
fn evaluates_when_asked_and_at_the_end() {
    let steps = |every: Every, start| -> Vec<u64> {
        let config = config().with_max_steps(Some(7)).with_eval_every(every);
        let outcome = crate::common::trainer(config.with_eval_at_start(start))
            .with_evaluator(Box::new(InBatchMrr::new(pairs(), 8)))
            .run()
            .unwrap();
        outcome.evaluations.iter().map(|evaluation| evaluation.step).collect()
    };
    assert_eq!(steps(Every::Steps(2), false), [2, 4, 6, 7]);
    assert_eq!(steps(Every::Epoch, true), [0, 3, 6, 7]);
    assert_eq!(steps(Every::Ratio(0.5), false), [4, 7]);
}

#[test]
fn every_loss_of_the_crate_trains() {
    for name in LossConfig::NAMES {
        let config = config().with_max_steps(Some(3));
        let loss: Box<dyn Loss> = name.parse::<LossConfig>().unwrap().build().unwrap();
        let data =
            if name.contains("contrastive") { labelled_pairs() } else { pairs_with_negatives() };
        let sampler = Box::new(SequentialSampler::new(4));
        let outcome = Trainer::new(model(), data, loss, sampler, config).unwrap().run().unwrap();
        assert_ne!(bits(&outcome.model), bits(&model()), "{name}");
    }
}
