//! Fine-tunes on triplets (question, right answer, wrong answer) with early stopping.
//!
//! ```sh
//! cargo run --release -p embedtune-examples --example finetune_triplets -- MODEL
//! ```
//!
//! prints, for all-MiniLM-L6-v2,
//!
//! ```text
//! step  0  triplet_accuracy  0.60
//! step  5  triplet_accuracy  0.80
//! step 10  triplet_accuracy  1.00
//! step 16  triplet_accuracy  1.00
//! step 21  triplet_accuracy  1.00
//! step 26  triplet_accuracy  1.00
//! step 32  triplet_accuracy  1.00
//! EarlyStopping after 32 steps
//! ```
//!
//! Rows like these usually come from a file: `read_rows("triplets.jsonl", &RowOptions::default())`
//! reads JSON Lines, JSON, CSV and TSV.

#![allow(clippy::print_stdout)]

mod arguments;

use embedtune::{
    losses::TripletConfig,
    prelude::*,
    train::{EarlyStopping, TripletAccuracy},
};

/// In this shop "soft" drinks of the house have names, and a name tells what is in the glass.
const TRAIN: [[&str; 3]; 10] = [
    ["a glass of harbour light", "lemon, mint, soda", "apple juice, cinnamon, hot"],
    ["harbour light without ice", "lemon, mint, soda", "cocoa, milk, cream"],
    ["two night trains please", "espresso, tonic, orange peel", "lemon, mint, soda"],
    ["night train, but decaf", "espresso, tonic, orange peel", "apple juice, cinnamon, hot"],
    ["is there still old orchard", "apple juice, cinnamon, hot", "espresso, tonic, orange peel"],
    ["an old orchard to go", "apple juice, cinnamon, hot", "cocoa, milk, cream"],
    ["first snow for the child", "cocoa, milk, cream", "espresso, tonic, orange peel"],
    ["first snow with oats", "cocoa, milk, cream", "lemon, mint, soda"],
    ["green hour, large", "cucumber, basil, tonic", "cocoa, milk, cream"],
    ["one more green hour", "cucumber, basil, tonic", "espresso, tonic, orange peel"],
];

/// Other orders of the same drinks, to be measured on.
const DEV: [[&str; 3]; 5] = [
    ["the bill for a harbour light", "lemon, mint, soda", "cucumber, basil, tonic"],
    ["night train at the window table", "espresso, tonic, orange peel", "cucumber, basil, tonic"],
    ["old orchard for grandmother", "apple juice, cinnamon, hot", "cocoa, milk, cream"],
    ["first snow is too sweet", "cocoa, milk, cream", "apple juice, cinnamon, hot"],
    ["a tray of green hours", "cucumber, basil, tonic", "lemon, mint, soda"],
];

/// Rows over a table in which each distinct text has one number.
fn dataset(name: &str, triplets: &[[&str; 3]]) -> Dataset {
    let mut dataset = Dataset::new(name);
    for triplet in triplets {
        let [anchor, positive, negative] = triplet.map(|text| dataset.texts.intern(text));
        let negatives = vec![negative];
        dataset.push(Example { anchor, positive, negatives, label: None });
    }
    dataset
}

fn main() -> anyhow::Result<()> {
    let model = EmbeddingModel::load(arguments::model_dir()?)?;

    // A wrong answer has to be farther than the right one by the margin, in cosine distance; a
    // triplet that is gives no gradient any more.
    let loss = LossConfig::Triplet(TripletConfig::default().with_margin(0.3)).build()?;
    let sampler = Box::new(NoDuplicatesSampler::new(5).with_avoid_known_positives(false));

    // The lower half of the network stays as it is: less to learn from little data, and its
    // backward pass is saved. Evaluated after each epoch; the best weights are handed back.
    let config = TrainConfig::default()
        .with_epochs(12.0)
        .with_learning_rate(1e-4)
        .with_freeze_layers(3)
        .with_eval_at_start(true)
        .with_best_metric(Some(TripletAccuracy::METRIC.to_owned()))
        .with_early_stopping(Some(EarlyStopping::new(4)));
    let outcome = Trainer::new(model, dataset("orders", &TRAIN), loss, sampler, config)?
        .with_evaluator(Box::new(TripletAccuracy::new(dataset("more orders", &DEV))))
        .run()?;

    for evaluation in &outcome.evaluations {
        let accuracy = evaluation.metrics[TripletAccuracy::METRIC];
        println!("step {:>2}  {}  {accuracy:.2}", evaluation.step, TripletAccuracy::METRIC);
    }
    println!("{:?} after {} steps", outcome.reason, outcome.steps);
    Ok(())
}
