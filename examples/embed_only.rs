//! Embeds texts and compares them: the smallest use of a model.
//!
//! ```sh
//! cargo run --release -p embedtune-examples --example embed_only -- path/to/all-MiniLM-L6-v2
//! ```
//!
//! prints
//!
//! ```text
//! 384 values, at most 256 tokens
//! How do I keep bread from going stale?
//!   0.526  Wrap a loaf in linen and leave it, cut side down, on a board; a fridge dries it out.
//! Why is my bicycle chain squeaking?
//!   0.261  Wipe the links, put one drop of oil on each roller, and turn the pedals backwards.
//! When should tomatoes be watered?
//!   0.329  Water the bed early in the morning, at the root, so that leaves stay dry.
//! ```

#![allow(clippy::print_stdout)]

mod arguments;

use embedtune::prelude::*;

const QUESTIONS: [&str; 3] = [
    "How do I keep bread from going stale?",
    "Why is my bicycle chain squeaking?",
    "When should tomatoes be watered?",
];

const ANSWERS: [&str; 6] = [
    "Wrap a loaf in linen and leave it, cut side down, on a board; a fridge dries it out.",
    "Wipe the links, put one drop of oil on each roller, and turn the pedals backwards.",
    "Water the bed early in the morning, at the root, so that leaves stay dry.",
    "A sourdough needs eight hours at room temperature before it goes into the oven.",
    "Check tyre pressure once a week; soft tyres wear out sooner.",
    "Basil grows well between other plants if it gets six hours of sun.",
];

fn main() -> anyhow::Result<()> {
    let model = EmbeddingModel::load(arguments::model_dir()?)?;
    // The fingerprint names everything that a vector depends on: weights, tokenizer, pooling,
    // prompts, maximum length. Keep it beside stored vectors, and never mix two.
    println!("{} values, at most {} tokens", model.dim(), model.max_seq_len());

    // The role decides which prompt is put before a text, for models that have prompts.
    let questions = model.embed(&QUESTIONS, Role::Query)?;
    let answers = model.embed(&ANSWERS, Role::Document)?;
    for (row, question) in QUESTIONS.iter().enumerate() {
        // This model normalizes its vectors, so the inner product is the cosine.
        let cosine = |answer: usize| -> f32 {
            questions.row(row).iter().zip(answers.row(answer)).map(|(a, b)| a * b).sum()
        };
        let best = (0..ANSWERS.len()).max_by(|&a, &b| cosine(a).total_cmp(&cosine(b)));
        let best = best.expect("there are answers");
        println!("{question}\n  {:.3}  {}", cosine(best), ANSWERS[best]);
    }
    Ok(())
}
