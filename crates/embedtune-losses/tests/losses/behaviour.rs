//! Gradients by finite differences, limits, weights, and errors of every loss.

use candle_core::{Device, Tensor};
use embedtune_losses::{
    Direction, FnLoss, Loss, LossBatch, LossConfig, LossError, MnrlConfig, Partition, Relation,
    StepContext,
};
use embedtune_testkit::{Tolerance, assert_close, finite_difference, normal};

use crate::support::{evaluate, in_columns, tensor, values, with_embeddings};

const DIM: usize = 4;

fn config(json: &str) -> LossConfig {
    serde_json::from_str(json).unwrap()
}

fn every_config() -> Vec<LossConfig> {
    let mut configs: Vec<LossConfig> =
        LossConfig::NAMES.iter().map(|name| name.parse().unwrap()).collect();
    for loss in ["triplet", "contrastive", "online-contrastive"] {
        for (distance, margin) in [("euclidean", 1.0), ("manhattan", 2.0)] {
            configs.push(config(&format!(
                r#"{{"type": "{loss}", "distance": "{distance}", "margin": {margin}}}"#
            )));
        }
    }
    configs
}

/// Five examples with one positive and two negatives each.
fn batch(seed: u64) -> LossBatch {
    in_columns(tensor(&normal(seed, 20 * DIM), DIM), 5, 4)
}

fn error(config: &LossConfig, batch: &LossBatch) -> String {
    let result = config.build().unwrap().evaluate(batch, &StepContext::default());
    result.unwrap_err().to_string()
}

#[test]
fn gradients_equal_finite_differences() {
    for config in every_config() {
        for seed in 0..5 {
            let mut batch = batch(seed);
            batch.weights = vec![1.0, 0.5, 0.0, 2.0, 1.0];
            batch.labels = vec![1.0, 0.0, 1.0, 1.0, 0.0];
            let output = evaluate(&config, &batch);
            let numeric = finite_difference(&values(&batch.embeddings), 1e-6, |x| {
                evaluate(&config, &with_embeddings(&batch, tensor(x, DIM))).value
            });
            println!("{config:?}, seed {seed}");
            let close = Tolerance::relative(1e-6).or_absolute(1e-9);
            assert_close(&values(&output.d_embeddings), &numeric, close);
        }
    }
}

#[test]
fn weights_of_one_change_nothing_and_a_weight_of_zero_removes_an_example() {
    for config in every_config() {
        let plain = batch(1);
        let mut ones = plain.clone();
        ones.weights = vec![1.0; 5];
        assert_eq!(evaluate(&config, &plain).value, evaluate(&config, &ones).value);

        let mut none = plain.clone();
        none.weights = vec![0.0; 5];
        let output = evaluate(&config, &none);
        assert_eq!(output.value, 0.0, "{config:?}");
        assert!(values(&output.d_embeddings).iter().all(|&g| g == 0.0), "{config:?}");
    }
}

#[test]
fn weighted_losses_are_weighted_means() {
    for name in ["mnrl", "triplet", "contrastive"] {
        let config: LossConfig = name.parse().unwrap();
        let one = |i: usize| {
            let mut batch = batch(2);
            batch.weights = (0..5).map(|j| f32::from(u8::from(i == j))).collect();
            evaluate(&config, &batch).value
        };
        let weights = [1.0, 3.0, 0.5, 0.0, 2.0];
        let mut weighted = batch(2);
        weighted.weights = weights.to_vec();
        let sum: f64 = (0..5).map(|i| f64::from(weights[i]) * one(i)).sum();
        let mean = sum / f64::from(weights.iter().sum::<f32>());
        assert_close(&[evaluate(&config, &weighted).value], &[mean], Tolerance::relative(1e-12));
    }
}

#[test]
fn mnrl_without_a_competitor_is_zero() {
    let one = in_columns(tensor(&normal(3, 2 * DIM), DIM), 1, 2);
    let mnrl = LossConfig::default();
    let output = evaluate(&mnrl, &one);
    assert_eq!(output.value, 0.0);
    assert!(values(&output.d_embeddings).iter().all(|&g| g.abs() < 1e-15));

    let mut masked = in_columns(tensor(&normal(4, 6 * DIM), DIM), 3, 2);
    for (i, relation) in (0..).zip(&mut masked.relations) {
        relation.ignored = (0..3).filter(|&c| c != i).collect();
    }
    assert_eq!(evaluate(&mnrl, &masked).value, 0.0);
    let off = LossConfig::Mnrl(MnrlConfig::default().with_mask_false_negatives(false));
    assert!(evaluate(&off, &masked).value > 0.0);

    let alone = LossConfig::Mnrl(MnrlConfig::default().with_in_batch_negatives(false));
    let pairs = in_columns(tensor(&normal(4, 6 * DIM), DIM), 3, 2);
    assert_eq!(evaluate(&alone, &pairs).value, 0.0);
}

#[test]
fn joint_partition_counts_the_positive_twice() {
    let one = in_columns(tensor(&normal(3, 2 * DIM), DIM), 1, 2);
    let both = [Direction::QueryToDoc, Direction::DocToQuery];
    let joint = MnrlConfig::default().with_directions(both);
    let value = evaluate(&LossConfig::Mnrl(joint), &one).value;
    assert_close(&[value], &[2.0_f64.ln()], Tolerance::relative(1e-12));
}

#[test]
fn a_shared_row_gets_the_sum_of_its_parts() {
    // Examples 0 and 1 have the same positive: once as one row, once as two equal rows.
    let x = normal(5, 3 * DIM);
    let relations = || {
        vec![
            Relation { positives: vec![0], ..Relation::default() },
            Relation { positives: vec![1], ..Relation::default() },
        ]
    };
    let shared = LossBatch::new(tensor(&x, DIM), vec![0, 1], vec![2, 2], relations()).unwrap();
    let twice = tensor(&[&x[..], &x[2 * DIM..]].concat(), DIM);
    let apart = LossBatch::new(twice, vec![0, 1], vec![2, 3], relations()).unwrap();
    let mnrl = LossConfig::default();
    let shared = values(&evaluate(&mnrl, &shared).d_embeddings);
    let apart = values(&evaluate(&mnrl, &apart).d_embeddings);
    let sum: Vec<f64> = (0..DIM).map(|i| apart[2 * DIM + i] + apart[3 * DIM + i]).collect();
    assert_close(&shared[..2 * DIM], &apart[..2 * DIM], Tolerance::relative(1e-12));
    assert_close(&shared[2 * DIM..], &sum, Tolerance::relative(1e-12));
}

#[test]
fn equal_texts_and_zero_vectors_stay_finite() {
    for config in every_config() {
        for x in [vec![1.0; 20 * DIM], vec![0.0; 20 * DIM]] {
            let output = evaluate(&config, &in_columns(tensor(&x, DIM), 5, 4));
            assert!(output.value.is_finite(), "{config:?}");
            assert!(values(&output.d_embeddings).iter().all(|g| g.is_finite()), "{config:?}");
        }
    }
}

#[test]
fn what_a_batch_lacks_is_named() {
    let mut no_positive = batch(1);
    no_positive.relations[3].positives.clear();
    let text = error(&LossConfig::default(), &no_positive);
    assert_eq!(text, "loss mnrl needs a positive, and example 3 of the batch has none");

    let pairs = in_columns(tensor(&normal(1, 4 * DIM), DIM), 2, 2);
    let text = error(&"triplet".parse().unwrap(), &pairs);
    assert_eq!(
        text,
        "loss triplet needs a negative of its own, and example 0 of the batch has none"
    );

    let mut empty = batch(1);
    empty.relations[1] = Relation::default();
    let text = error(&"contrastive".parse().unwrap(), &empty);
    assert_eq!(text, "loss contrastive needs a second text, and example 1 of the batch has none");
}

#[test]
fn numbers_out_of_range_are_named() {
    let contrastive = "contrastive".parse().unwrap();
    let mut bad = batch(1);
    bad.labels = vec![1.0, 0.0, 5.0, 0.0, 0.0];
    let text = error(&contrastive, &bad);
    assert!(text.starts_with("label of example 2 is 5"), "{text}");
    bad.labels = vec![0.5; 5];
    let text = error(&"online-contrastive".parse().unwrap(), &bad);
    assert!(text.starts_with("label of example 0 is 0.5"), "{text}");
    bad.labels = vec![1.0; 4];
    assert_eq!(error(&contrastive, &bad), "label: expected 5, got 4");
    bad.weights = vec![1.0, f32::NAN, 1.0, 1.0, 1.0];
    let text = error(&LossConfig::default(), &bad);
    assert!(text.starts_with("weight of example 1 is NaN"), "{text}");
}

#[test]
fn settings_are_checked_when_the_loss_is_made() {
    use Direction::{DocToDoc, DocToQuery, QueryToDoc};
    let mnrl = MnrlConfig::default;
    for bad in [
        mnrl().with_temperature(0.0),
        mnrl().with_temperature(f64::NAN),
        mnrl().with_directions([DocToQuery]),
        mnrl().with_directions([QueryToDoc, QueryToDoc]),
        mnrl().with_directions([QueryToDoc, DocToDoc]).with_partition(Partition::PerDirection),
        mnrl().with_directions([QueryToDoc, DocToQuery]).with_in_batch_negatives(false),
    ] {
        assert!(LossConfig::Mnrl(bad.clone()).build().is_err(), "{bad:?}");
    }
    for loss in ["triplet", "contrastive", "online-contrastive"] {
        let bad = config(&format!(r#"{{"type": "{loss}", "margin": -1}}"#));
        assert!(matches!(bad.build(), Err(LossError::Config { name: "margin", .. })));
    }
}

#[test]
fn configs_round_trip_and_refuse_unknown_fields() {
    for config in every_config() {
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<LossConfig>(&json).unwrap(), config);
        assert!(json.contains(&format!(r#""type":"{}""#, config.name())));
        assert_eq!(config.build().unwrap().name(), config.name());
    }
    assert!(serde_json::from_str::<LossConfig>(r#"{"type": "mnrl", "scale": 20}"#).is_err());
    let text = "tripplet".parse::<LossConfig>().unwrap_err().to_string();
    assert!(text.contains("`tripplet`") && text.contains("online-contrastive"), "{text}");
}

#[test]
fn closures_are_differentiated_and_a_lost_gradient_is_an_error() {
    let mut square = FnLoss::new("square", |x: &Tensor, _: &LossBatch| Ok(x.sqr()?.sum_all()?));
    let batch = batch(1);
    let output = square.evaluate(&batch, &StepContext::default()).unwrap();
    let expected: Vec<f64> = values(&batch.embeddings).iter().map(|v| 2.0 * v).collect();
    assert_close(&values(&output.d_embeddings), &expected, Tolerance::relative(1e-15));

    let mut cut = FnLoss::new("cut", |x: &Tensor, _: &LossBatch| Ok(x.detach().sum_all()?));
    let result = cut.evaluate(&batch, &StepContext::default());
    assert!(matches!(result, Err(LossError::NoGradient { loss }) if loss == "cut"));

    let mut rows = FnLoss::new("rows", |x: &Tensor, _: &LossBatch| Ok(x.sum(1)?));
    assert!(rows.evaluate(&batch, &StepContext::default()).is_err());
}

#[test]
fn an_empty_batch_is_an_error() {
    let x = Tensor::zeros((1, DIM), candle_core::DType::F32, &Device::Cpu).unwrap();
    let empty = LossBatch::new(x, vec![], vec![], vec![]).unwrap();
    for config in every_config() {
        assert_eq!(error(&config, &empty), "examples: expected 1, got 0");
    }
}
