//! Finds documents that a model takes for relevant although they are not, and builds training rows
//! with them.
//!
//! ```sh
//! cargo run --release -p embedtune-examples --example mine_hard_negatives -- MODEL [BEIR_DIR]
//! ```
//!
//! prints, for all-MiniLM-L6-v2 and the built-in handbook,
//!
//! ```text
//! with margin  129 of 396 candidates dropped, 97 negatives, 2 queries without any
//! without      0 of 396 candidates dropped, 108 negatives, 0 queries without any
//! how do I start kestrel
//!   0.055  Changing a database schema
//!   0.048  Booking leave
//!   0.039  Handing data to partners
//! kestrel is stuck at half
//!   0.097  Sending e-mail to customers
//!   0.094  Dashboards
//!   0.082  Booking leave
//! 36 rows: 66 mined negatives, 36 random, 6 short
//! ```

#![allow(clippy::print_stdout)]

mod arguments;
mod handbook;

use anyhow::Context as _;
use embedtune::{
    data::{DatasetBuilder, NegativeMix, Split},
    mining::{Miner, MiningConfig},
    prelude::*,
};

fn main() -> anyhow::Result<()> {
    let model = EmbeddingModel::load(arguments::model_dir()?)?;
    let data = handbook::data()?;
    // Only ever the train split: negatives of test queries would leak what is asked there.
    let train = data.qrels(Split::Train).context("the data has no train split")?;

    // A candidate that scores nearly as high as a known positive is more often a positive that
    // nobody labelled than a negative. The margin, on by default, drops those above 95 % of its
    // score; here is what it drops.
    let strict = Miner::new(MiningConfig::default())?;
    let lenient = Miner::new(MiningConfig::default().with_relative_margin(None))?;
    for (name, miner) in [("with margin", &strict), ("without", &lenient)] {
        let mined = miner.mine_with(&model, &data.corpus, &data.queries, train, None)?;
        let stats = mined.stats;
        println!(
            "{name:<11}  {} of {} candidates dropped, {} negatives, {} queries without any",
            stats.rejected(),
            stats.candidates,
            stats.negatives,
            stats.empty_queries
        );
    }

    let mined = strict.mine_with(&model, &data.corpus, &data.queries, train, None)?;
    let title = |id: &str| data.corpus.find(id).map(|number| data.corpus.document(number).title);
    for query in mined.queries.iter().take(2) {
        let text = data.queries.find(&query.query_id).map(|n| &data.queries.texts()[n as usize]);
        println!("{}", text.map_or("", String::as_str));
        for (id, score) in query.negative_ids.iter().zip(&query.negative_scores) {
            println!("  {score:.3}  {}", title(id).unwrap_or_default());
        }
    }

    // Two mined negatives and a random one for each pair: hard ones alone teach a model to mistrust
    // whatever looks right. `mined.write("negatives.jsonl")` keeps them for another run.
    let mix = NegativeMix::default().with_mined(2).with_random(1);
    let (rows, report) = DatasetBuilder::new(&data.corpus, &data.queries, train)
        .with_mined(&mined.by_query())
        .with_mix(mix)
        .build(&*data.name)?;
    println!(
        "{} rows: {} mined negatives, {} random, {} short",
        rows.len(),
        report.mined,
        report.random,
        report.short
    );
    Ok(())
}
