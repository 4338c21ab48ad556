//! The model, the data and the run that tests share.

use std::path::{Path, PathBuf};

use embedtune_data::{BatchSampler, Dataset, Example, NoDuplicatesSampler};
use embedtune_encoder::EmbeddingModel;
use embedtune_losses::{Loss, LossConfig};
use embedtune_testkit::golden_json;
use embedtune_train::{Schedule, TrainConfig, TrainOutcome, Trainer, Warmup};

pub(crate) fn model() -> EmbeddingModel {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../embedtune-encoder/fixtures/tiny-bert");
    EmbeddingModel::load(dir).unwrap()
}

/// Queries and documents with nothing in common.
fn texts() -> Vec<(String, String)> {
    golden_json(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/pairs.json"))
}

/// Eight pairs, some with a negative.
pub(crate) fn pairs() -> Dataset {
    let mut dataset = Dataset::new("eight pairs");
    for (number, (query, document)) in texts().iter().enumerate() {
        let mut row = Example::pair(dataset.texts.intern(query), dataset.texts.intern(document));
        if number % 3 == 0 {
            row.negatives.push(dataset.texts.intern(&format!("the {document}")));
        }
        dataset.push(row);
    }
    dataset
}

/// The pairs with a negative each.
pub(crate) fn pairs_with_negatives() -> Dataset {
    let mut data = pairs();
    let negative = data.texts.intern("large slow fish");
    data.rows.iter_mut().for_each(|row| row.negatives = vec![negative]);
    data
}

/// The same pairs, labelled 1 and 0 in turn.
pub(crate) fn labelled_pairs() -> Dataset {
    let mut dataset = Dataset::new("labelled pairs");
    for (number, (query, document)) in texts().iter().enumerate() {
        let (anchor, positive) = (dataset.texts.intern(query), dataset.texts.intern(document));
        let label = Some(if number % 2 == 0 { 1.0 } else { 0.0 });
        dataset.push(Example { anchor, positive, label, ..Example::default() });
    }
    dataset
}

pub(crate) fn mnrl() -> Box<dyn Loss> {
    LossConfig::default().build().unwrap()
}

/// Batches of 3, 3 and 2 rows.
pub(crate) fn threes() -> Box<dyn BatchSampler> {
    Box::new(NoDuplicatesSampler::new(3))
}

/// Quick to learn, with dropout (as pretrained) and everything at a constant rate.
pub(crate) fn config() -> TrainConfig {
    TrainConfig::default()
        .with_learning_rate(2e-3)
        .with_schedule(Schedule::Constant)
        .with_warmup(Warmup::Steps(0))
}

pub(crate) fn trainer(config: TrainConfig) -> Trainer {
    Trainer::new(model(), pairs(), mnrl(), threes(), config).unwrap()
}

pub(crate) fn run(config: TrainConfig) -> TrainOutcome {
    trainer(config).run().unwrap()
}

/// Every trained value, as bits.
pub(crate) fn bits(model: &EmbeddingModel) -> Vec<u32> {
    model.parameters().trainable().iter().map(|value| value.to_bits()).collect()
}

/// Names of the entries of `dir`, sorted.
pub(crate) fn entries(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Every file below `dir`.
pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
