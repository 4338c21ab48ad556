//! Checkpoints and exact resume.

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use embedtune_data::SequentialSampler;
use embedtune_encoder::EmbeddingModel;
use embedtune_losses::Loss;
use embedtune_testkit::temp_dir;
use embedtune_train::{
    Callback, Checkpoint, EarlyStopping, Every, InBatchMrr, StepReport, StopReason, TrainConfig,
    TrainError, TrainOutcome, Trainer,
};

use crate::{
    common::{bits, config, entries, files, mnrl, model, pairs, threes, trainer},
    custom_parts::{Attract, Smallness},
};

/// Raises a flag after a step.
struct StopAfter(u64, Arc<AtomicBool>);

impl Callback for StopAfter {
    fn on_step(&mut self, report: &StepReport) {
        self.1.store(report.step >= self.0, Ordering::Relaxed);
    }
}

fn interrupt(trainer: Trainer, step: u64) -> TrainOutcome {
    let stop = Arc::new(AtomicBool::new(false));
    let callback = Box::new(StopAfter(step, Arc::clone(&stop)));
    let outcome = trainer.with_callback(callback).with_stop_flag(stop).run().unwrap();
    assert_eq!((outcome.reason, outcome.steps), (StopReason::Interrupted, step));
    outcome
}

/// Dropout as pretrained, accumulation, a schedule, evaluations, early stopping, a best metric.
fn full(dir: &Path) -> TrainConfig {
    TrainConfig::default()
        .with_learning_rate(2e-3)
        .with_epochs(6.0)
        .with_gradient_accumulation(2)
        .with_eval_every(Every::Steps(2))
        .with_best_metric(Some(InBatchMrr::METRIC.to_owned()))
        .with_early_stopping(Some(EarlyStopping::new(5)))
        .with_output_dir(Some(dir.into()))
}

fn full_trainer(config: TrainConfig, loss: Box<dyn Loss>) -> Trainer {
    Trainer::new(model(), pairs(), loss, threes(), config)
        .unwrap()
        .with_evaluator(Box::new(InBatchMrr::new(pairs(), 8)))
}

fn log(dir: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(dir.join("metrics.jsonl")).unwrap();
    let mut lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for line in &mut lines {
        let fields = line.as_object_mut().unwrap();
        fields.remove("seconds");
        fields.remove("tokens_per_second");
    }
    lines
}

#[test]
fn a_resumed_run_is_the_same_run_bit_for_bit() {
    let losses: [fn() -> Box<dyn Loss>; 2] = [mnrl, || Box::new(Attract::new())];
    for loss in losses {
        let (whole_dir, dir) = (temp_dir(), temp_dir());
        let whole = full_trainer(full(whole_dir.path()), loss()).run().unwrap();
        // Epochs have three batches, so every other step ends one; 3, 5 and 6 cover both.
        for step in [3, 5, 6] {
            let mut run = full_trainer(full(dir.path()), loss());
            if step > 3 {
                run = run.resume(dir.path()).unwrap();
            }
            interrupt(run, step);
        }
        let resumed =
            full_trainer(full(dir.path()), loss()).resume(dir.path()).unwrap().run().unwrap();
        assert_eq!(bits(&resumed.model), bits(&whole.model));
        assert_eq!(resumed.losses, whole.losses);
        assert_eq!(resumed.evaluations, whole.evaluations);
        assert_eq!(resumed.best, whole.best);
        assert_eq!((resumed.pairs, resumed.tokens), (whole.pairs, whole.tokens));
        assert_eq!(log(dir.path()), log(whole_dir.path()));
    }
}

#[test]
fn the_best_weights_survive_an_interruption() {
    let dir = temp_dir();
    // At this rate weights grow from the start, which so stays the best, and only the checkpoint knows it later.
    let smallest = || {
        let config = full(dir.path()).with_best_metric(Some("smallness".to_owned()));
        let config = config.with_learning_rate(1.0).with_eval_at_start(true);
        trainer(config).with_evaluator(Box::new(Smallness))
    };
    let outcome = interrupt(smallest(), 4);
    assert_eq!(outcome.best.unwrap().step, 0);
    let resumed = smallest().resume(dir.path()).unwrap().run().unwrap();
    assert_eq!(resumed.best.unwrap().step, 0);
    assert_eq!(bits(&resumed.model), bits(&model()));
}

fn checkpointed(dir: &Path, limit: Option<usize>) -> TrainConfig {
    config()
        .with_epochs(2.0)
        .with_output_dir(Some(dir.into()))
        .with_checkpoint_every(Some(Every::Steps(1)))
        .with_checkpoint_limit(limit)
}

#[test]
fn a_checkpoint_is_a_model_of_its_own() {
    let dir = temp_dir();
    let outcome =
        trainer(checkpointed(dir.path(), Some(1))).with_setting("temperature", 0.05).run().unwrap();
    let checkpoint = Checkpoint::latest(dir.path()).unwrap().unwrap();
    assert_eq!(checkpoint.step(), 6);
    let loaded = EmbeddingModel::load(checkpoint.model_dir()).unwrap();
    assert_eq!(bits(&loaded), bits(&outcome.model));
    let card = fs::read_to_string(checkpoint.model_dir().join("README.md")).unwrap();
    assert!(card.contains("`learning_rate` | 0.002") && card.contains("`temperature` | 0.05"));
}

#[test]
fn the_limit_keeps_the_newest_and_the_best() {
    let checkpoints = |limit| {
        let dir = temp_dir();
        trainer(checkpointed(dir.path(), limit)).run().unwrap();
        let mut names = entries(dir.path());
        names.retain(|name| name != "metrics.jsonl");
        names
    };
    assert_eq!(checkpoints(Some(1)), ["checkpoint-6"]);
    assert_eq!(checkpoints(Some(2)), ["checkpoint-5", "checkpoint-6"]);
    assert_eq!(checkpoints(None).len(), 6);

    let dir = temp_dir();
    let config = checkpointed(dir.path(), Some(2))
        .with_learning_rate(1.0)
        .with_eval_every(Every::Steps(1))
        .with_best_metric(Some("smallness".to_owned()));
    let outcome = trainer(config).with_evaluator(Box::new(Smallness)).run().unwrap();
    // At this rate weights grow with every step.
    assert_eq!(outcome.best.unwrap().step, 1);
    assert_eq!(entries(dir.path())[..2], ["checkpoint-1", "checkpoint-6"]);
}

#[test]
fn damage_to_any_file_is_noticed_and_the_previous_checkpoint_serves() {
    let (dir, whole_dir) = (temp_dir(), temp_dir());
    let whole = trainer(checkpointed(whole_dir.path(), None)).run().unwrap();
    interrupt(trainer(checkpointed(dir.path(), None)), 4);
    let newest = dir.path().join("checkpoint-4");
    for file in files(&newest) {
        let bytes = fs::read(&file).unwrap();
        let cut = &bytes[..bytes.len() / 2];
        let flipped: Vec<u8> = bytes.iter().map(|byte| byte ^ 1).collect();
        for damage in [Some(cut), Some(&flipped), None] {
            match damage {
                Some(damage) => fs::write(&file, damage).unwrap(),
                None => fs::remove_file(&file).unwrap(),
            }
            let error = Checkpoint::open(&newest).unwrap_err();
            assert!(matches!(error, TrainError::Damaged { .. }), "{}: {error}", file.display());
            assert_eq!(Checkpoint::latest(dir.path()).unwrap().unwrap().step(), 3);
        }
        fs::write(&file, &bytes).unwrap();
    }
    // Leftovers of a run that was killed while it wrote and removed checkpoints.
    fs::write(newest.join("trainer_state.json"), "{").unwrap();
    fs::create_dir_all(dir.path().join(".checkpoint-abc/model")).unwrap();
    let run = trainer(checkpointed(dir.path(), None)).resume(dir.path()).unwrap().run().unwrap();
    assert_eq!(bits(&run.model), bits(&whole.model));
    assert_eq!(entries(dir.path()), entries(whole_dir.path()));
    assert_eq!(log(dir.path()), log(whole_dir.path()));
    // The damaged one was written anew on the way.
    assert_eq!(Checkpoint::open(&newest).unwrap().step(), 4);
}

#[test]
fn an_older_checkpoint_can_be_named() {
    let dir = temp_dir();
    let whole = trainer(checkpointed(dir.path(), None)).run().unwrap();
    let older = dir.path().join("checkpoint-2");
    let run = trainer(checkpointed(dir.path(), None)).resume(older).unwrap().run().unwrap();
    assert_eq!(bits(&run.model), bits(&whole.model));
}

#[test]
fn another_run_is_not_resumed() {
    let dir = temp_dir();
    let config = || checkpointed(dir.path(), None);
    interrupt(trainer(config()).with_setting("temperature", 0.05), 2);
    let refuse = |trainer: Trainer| {
        let result = trainer.with_setting("temperature", 0.05).resume(dir.path());
        result.err().unwrap().to_string()
    };
    let error = refuse(trainer(config().with_learning_rate(1e-3)));
    assert!(error.contains("learning_rate was 0.002 and is now 0.001"), "{error}");
    let error = refuse(trainer(config().with_max_steps(Some(9))));
    assert!(error.contains("max_steps was null and is now 9"), "{error}");

    let mut data = pairs();
    data.rows.swap(6, 7);
    let error = refuse(Trainer::new(model(), data, mnrl(), threes(), config()).unwrap());
    assert!(error.contains("the dataset was"), "{error}");

    let sampler = Box::new(SequentialSampler::new(3));
    let error = refuse(Trainer::new(model(), pairs(), mnrl(), sampler, config()).unwrap());
    assert!(error.contains("the sampler's batches"), "{error}");

    let mut other = model();
    other.parameters_mut().trainable_mut()[0] += 1.0;
    let error = refuse(Trainer::new(other, pairs(), mnrl(), threes(), config()).unwrap());
    assert!(error.contains("the base model"), "{error}");

    let loss = Box::new(Attract::new());
    let error = refuse(Trainer::new(model(), pairs(), loss, threes(), config()).unwrap());
    assert!(error.contains("the loss was mnrl and is now attract"), "{error}");

    let error = trainer(config()).resume(dir.path()).err().unwrap().to_string();
    assert!(error.contains("temperature was 0.05 and is now not set"), "{error}");

    // Where files go, how often, and in how much memory changes no weight.
    let free = config().with_log_every(7).with_checkpoint_every(None).with_gradient_caching(true);
    trainer(free).with_setting("temperature", 0.05).resume(dir.path()).unwrap();
}

#[test]
fn nothing_to_resume_and_nothing_to_overwrite() {
    let dir = temp_dir();
    let error = trainer(checkpointed(dir.path(), None)).resume(dir.path()).err().unwrap();
    assert!(error.to_string().contains("no whole checkpoint"), "{error}");
    interrupt(trainer(checkpointed(dir.path(), None)), 2);
    let error = trainer(checkpointed(dir.path(), None)).run().err().unwrap();
    assert!(matches!(error, TrainError::OutputInUse { .. }));
}
