//! Why a run ends, and runs that never begin.

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Arc, atomic::AtomicBool},
};

use embedtune_data::{Dataset, Example, SequentialSampler};
use embedtune_encoder::EmbeddingModel;
use embedtune_losses::{Loss, LossBatch, LossError, LossOutput, StepContext};
use embedtune_testkit::temp_dir;
use embedtune_train::{
    Checkpoint, EarlyStopping, Evaluator, Every, InBatchMrr, StopReason, TrainConfig, TrainError,
    Trainer, Warmup,
};

use crate::common::{bits, config, entries, mnrl, model, pairs, run, threes, trainer};

/// Reports the values given, one an evaluation.
struct Script(Vec<f64>);

impl Evaluator for Script {
    fn metric_names(&self) -> Vec<String> {
        vec!["quality".to_owned(), "speed".to_owned()]
    }

    fn evaluate(
        &mut self,
        _: &EmbeddingModel,
    ) -> Result<BTreeMap<String, f64>, Box<dyn Error + Send + Sync>> {
        if self.0.is_empty() {
            return Err("the script is at its end".into());
        }
        Ok(BTreeMap::from([("quality".to_owned(), self.0.remove(0))]))
    }
}

fn scripted(values: &[f64], config: TrainConfig) -> Trainer {
    let config = config
        .with_max_steps(Some(values.len() as u64 + 10))
        .with_eval_every(Every::Steps(1))
        .with_best_metric(Some("quality".to_owned()));
    trainer(config).with_evaluator(Box::new(Script(values.to_vec())))
}

#[test]
fn stops_early_and_hands_back_the_best_weights() {
    let config = config().with_early_stopping(Some(EarlyStopping::new(2)));
    let outcome = scripted(&[0.1, 0.4, 0.3, 0.2, 0.9], config.clone()).run().unwrap();
    assert_eq!((outcome.reason, outcome.steps), (StopReason::EarlyStopping, 4));
    let best = outcome.best.unwrap();
    assert_eq!((best.value, best.step), (0.4, 2));
    // The same run, cut after its best step (the rate is constant).
    let mut cut = config.clone();
    cut.early_stopping = None;
    assert_eq!(bits(&outcome.model), bits(&run(cut.with_max_steps(Some(2))).model));
}

#[test]
fn the_start_can_be_best() {
    let config = config().with_eval_at_start(true);
    let config = config.with_early_stopping(Some(EarlyStopping::new(1)));
    let outcome = scripted(&[0.9, 0.1], config).run().unwrap();
    assert_eq!(outcome.best.unwrap().step, 0);
    assert_eq!(bits(&outcome.model), bits(&model()));
}

#[test]
fn unknown_metrics_are_refused_before_the_first_step() {
    let config = config().with_best_metric(Some("ndcg@10".to_owned()));
    let error = trainer(config.clone()).run().err().unwrap();
    assert!(error.to_string().contains("no evaluator reports `ndcg@10`; add an evaluator"));
    let evaluator = Box::new(InBatchMrr::new(pairs(), 8));
    let error = trainer(config).with_evaluator(evaluator).run().err().unwrap();
    assert!(error.to_string().ends_with("choose one of in_batch_mrr"), "{error}");
}

#[test]
fn two_evaluators_of_one_metric_are_refused() {
    let twice = trainer(config())
        .with_evaluator(Box::new(InBatchMrr::new(pairs(), 8)))
        .with_evaluator(Box::new(InBatchMrr::new(pairs(), 4)));
    assert!(twice.run().err().unwrap().to_string().contains("two evaluators report"));
}

#[test]
fn failing_and_forgetful_evaluators_end_the_run() {
    let error = scripted(&[], config()).run().err().unwrap();
    assert_eq!(error.to_string(), "evaluation after step 1: the script is at its end");
    let config = config().with_best_metric(Some("speed".to_owned()));
    let error = trainer(config).with_evaluator(Box::new(Script(vec![1.0]))).run().err().unwrap();
    assert!(error.to_string().contains("lacks `speed`"), "{error}");
}

/// Multiple negatives ranking that breaks in one step.
struct Breaks {
    inner: Box<dyn Loss>,
    at: u64,
    in_gradient: bool,
}

impl Loss for Breaks {
    fn name(&self) -> &str {
        "breaks"
    }

    fn evaluate(&mut self, batch: &LossBatch, at: &StepContext) -> Result<LossOutput, LossError> {
        let mut output = self.inner.evaluate(batch, at)?;
        if at.step == self.at && self.in_gradient {
            output.d_embeddings = (output.d_embeddings * f64::INFINITY)?;
        } else if at.step == self.at {
            output.value = f64::NAN;
        }
        Ok(output)
    }
}

#[test]
fn a_loss_that_is_not_finite_ends_the_run_and_names_the_rows() {
    for in_gradient in [false, true] {
        let dir = temp_dir();
        let config = config()
            .with_output_dir(Some(dir.path().into()))
            .with_checkpoint_every(Some(Every::Steps(2)));
        let loss = Box::new(Breaks { inner: mnrl(), at: 3, in_gradient });
        let sampler = Box::new(SequentialSampler::new(2));
        let error = Trainer::new(model(), pairs(), loss, sampler, config).unwrap().run();
        let error = error.err().unwrap();
        let text = error.to_string();
        assert!(text.contains("step 4; the batch holds rows [6, 7] of eight pairs"), "{text}");
        let TrainError::NonFinite { what, rows, checkpoint, .. } = error else { panic!("{text}") };
        assert_eq!(what == "loss", !in_gradient);
        assert_eq!(rows, [6, 7]);
        assert_eq!(Checkpoint::open(checkpoint.unwrap()).unwrap().step(), 2);
        assert_eq!(entries(dir.path()), ["checkpoint-2", "metrics.jsonl"]);
        // Three good lines, none of the broken step.
        let log = std::fs::read_to_string(dir.path().join("metrics.jsonl")).unwrap();
        assert_eq!(log.lines().count(), 3);
    }
}

#[test]
fn weights_that_diverged_end_the_run_and_name_the_step_and_the_checkpoint() {
    let dir = temp_dir();
    let config = config()
        .with_output_dir(Some(dir.path().into()))
        .with_learning_rate(1e30)
        .with_warmup(Warmup::Steps(0))
        .with_checkpoint_every(Some(Every::Steps(1)));
    let sampler = Box::new(SequentialSampler::new(2));
    let error = Trainer::new(model(), pairs(), mnrl(), sampler, config).unwrap().run();
    let error = error.err().unwrap();
    let text = error.to_string();
    assert!(
        text.starts_with("step 2, rows [2, 3] of eight pairs: the embedding of text"),
        "{text}"
    );
    assert!(text.contains("the last good checkpoint is "), "{text}");
    let TrainError::Diverged { checkpoint, .. } = error else { panic!("{text}") };
    assert_eq!(Checkpoint::open(checkpoint.unwrap()).unwrap().step(), 1);
}

#[test]
fn a_raised_flag_ends_the_run_with_a_checkpoint() {
    let dir = temp_dir();
    let stop = Arc::new(AtomicBool::new(true));
    let config = config().with_output_dir(Some(dir.path().into()));
    let outcome = trainer(config).with_stop_flag(stop).run().unwrap();
    assert_eq!((outcome.reason, outcome.steps), (StopReason::Interrupted, 0));
    assert_eq!(outcome.final_loss(), None);
    assert_eq!(entries(dir.path()), ["checkpoint-0", "metrics.jsonl"]);
}

#[test]
fn unusable_input_is_refused() {
    let refuse = |data: Dataset, config| {
        Trainer::new(model(), data, mnrl(), threes(), config).err().unwrap().to_string()
    };
    assert!(refuse(Dataset::new("nothing"), config()).contains("nothing: no rows"));
    let mut data = crate::common::labelled_pairs();
    data.push(Example::pair(0, 1));
    assert!(refuse(data, config()).contains("row 8: no label"));
    assert!(refuse(pairs(), config().with_freeze_layers(3)).contains("blocks to freeze"));
    let error = refuse(pairs(), config().with_epochs(0.0));
    assert_eq!(error, "epochs = 0: expected a number above 0");

    let mut frozen = model();
    frozen.parameters_mut().set_frozen(|_| true);
    let error = Trainer::new(frozen, pairs(), mnrl(), threes(), config()).err().unwrap();
    assert!(matches!(error, TrainError::NothingToTrain));
}

#[test]
fn a_loss_that_refuses_a_batch_names_its_rows() {
    let loss = "triplet".parse::<embedtune_losses::LossConfig>().unwrap().build().unwrap();
    let sampler = Box::new(SequentialSampler::new(2));
    let error = Trainer::new(model(), pairs(), loss, sampler, config()).unwrap().run();
    let text = error.err().unwrap().to_string();
    assert!(text.starts_with("step 1, rows [0, 1] of eight pairs: "), "{text}");
}
