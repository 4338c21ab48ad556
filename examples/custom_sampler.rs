//! Decides which rows meet in a batch: here, only tasks of one kind, so that every in-batch negative
//! is a hard one.
//!
//! ```sh
//! cargo run --release -p embedtune-examples --example custom_sampler -- MODEL
//! ```
//!
//! prints, for all-MiniLM-L6-v2,
//!
//! ```text
//! batch 0: sharpen a chisel, sharpen a knife, sharpen shears
//! batch 1: cut a plank, cut a hedge, cut an onion
//! batch 2: keep flies away, keep slugs away, keep rust away
//! batch 3: collect leaves, collect sawdust, collect peelings
//! mixed          loss of the first epoch 1.373, of the last 0.215
//! within groups  loss of the first epoch 1.653, of the last 0.051
//! ```

#![allow(clippy::print_stdout)]

mod arguments;

use std::collections::BTreeMap;

use embedtune::{data::SeededRng, prelude::*};

/// What is done, to what, and what the shop sells for it.
const ROWS: [(&str, &str, &str); 12] = [
    ("cut", "cut a hedge", "Shears with long handles and serrated blades"),
    ("cut", "cut an onion", "A chef's knife of 18 centimetres"),
    ("cut", "cut a plank", "A fine-toothed hand saw with a mitre box"),
    ("sharpen", "sharpen shears", "A diamond file with a curved side"),
    ("sharpen", "sharpen a knife", "A whetstone with a coarse and a fine face"),
    ("sharpen", "sharpen a chisel", "A honing guide that runs on a wheel"),
    ("keep away", "keep slugs away", "Copper tape for the rim of a raised bed"),
    ("keep away", "keep flies away", "A mesh dome for plates"),
    ("keep away", "keep rust away", "Wax paste for iron tables"),
    ("collect", "collect leaves", "A wide plastic rake and a net bag"),
    ("collect", "collect peelings", "A lidded caddy for the worktop"),
    ("collect", "collect sawdust", "A cyclone separator for the hose"),
];

/// Batches within groups of rows.
struct WithinGroups {
    /// Group of each row.
    groups: Vec<&'static str>,
    batch_size: usize,
}

impl BatchSampler for WithinGroups {
    // Pure in (dataset, seed, epoch): no state, no clock. That is what makes a run resumable, for
    // the trainer asks again for the batches of an epoch and skips those it has done.
    fn batches(&self, dataset: &Dataset, seed: u64, epoch: u64) -> Vec<Vec<u32>> {
        let mut groups: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for row in 0..dataset.len() as u32 {
            groups.entry(self.groups[row as usize]).or_default().push(row);
        }
        let mut rng = SeededRng::derive(seed, &[epoch]);
        let mut batches = Vec::new();
        for rows in groups.values_mut() {
            rng.shuffle(rows);
            batches.extend(rows.chunks(self.batch_size).map(<[u32]>::to_vec));
        }
        rng.shuffle(&mut batches);
        batches
    }
}

fn main() -> anyhow::Result<()> {
    let model = EmbeddingModel::load(arguments::model_dir()?)?;
    let mut dataset = Dataset::new("hardware shop");
    for (_, task, product) in ROWS {
        let (anchor, positive) = (dataset.texts.intern(task), dataset.texts.intern(product));
        dataset.push(Example::pair(anchor, positive));
    }
    let sampler = WithinGroups { groups: ROWS.map(|row| row.0).to_vec(), batch_size: 3 };

    for (number, batch) in sampler.batches(&dataset, 42, 0).iter().enumerate() {
        let tasks = batch.iter().map(|&row| dataset.texts.text(dataset.rows[row as usize].anchor));
        println!("batch {number}: {}", tasks.collect::<Vec<_>>().join(", "));
    }

    // The same loss over batches drawn from all rows, for comparison: its negatives are easier.
    let loss = || LossConfig::default().build();
    let config = TrainConfig::default().with_epochs(6.0).with_learning_rate(5e-5);
    let mixed = Box::new(NoDuplicatesSampler::new(3));
    let mixed = Trainer::new(model, dataset.clone(), loss()?, mixed, config.clone())?.run()?;
    let model = EmbeddingModel::load(arguments::model_dir()?)?;
    let grouped = Trainer::new(model, dataset, loss()?, Box::new(sampler), config)?.run()?;
    for (name, outcome) in [("mixed", mixed), ("within groups", grouped)] {
        let epoch = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        let (first, last) = (&outcome.losses[..4], &outcome.losses[outcome.losses.len() - 4..]);
        println!(
            "{name:<13}  loss of the first epoch {:.3}, of the last {:.3}",
            epoch(first),
            epoch(last)
        );
    }
    Ok(())
}
