//! `embedtune mine`.

use std::{path::Path, time::Instant};

use anyhow::{Context, Result, bail};
use embedtune_data::{BeirData, BeirOptions, Embed, Role, Split};
use embedtune_encoder::{EmbeddingModel, Precision};
use embedtune_index::EmbeddingStore;
use embedtune_mining::{Miner, MiningConfig, MiningStats, Sampling};
use serde::Serialize;

use crate::{
    args::{MineArgs, SamplingName},
    machine, model, output,
    progress::{Console, thousands},
};

#[derive(Serialize)]
struct Summary<'a> {
    model: &'a str,
    data: &'a str,
    output: &'a Path,
    precision: Precision,
    stats: MiningStats,
    rejection_rate: f64,
    seconds: f64,
    peak_rss_mb: Option<f64>,
}

/// Mines hard negatives.
pub(crate) fn run(args: &MineArgs, console: Console) -> Result<()> {
    output::must_not_exist(&args.output)?;
    if args.split != Split::Train {
        bail!(
            "--split {}: mining looks at the judgements, so only the training split may be mined",
            args.split
        );
    }
    let miner = Miner::new(config(args))?;
    let data = BeirData::open_with(&args.data, &BeirOptions::default().with_dev_fraction(0.0))?;
    let train = data.qrels(Split::Train).with_context(|| {
        format!(
            "{}: no qrels/train.tsv; `embedtune prepare` splits data that has no training split",
            args.data.display()
        )
    })?;
    let mut loaded = model::load(&args.model, console)?;
    console.line(&format!(
        "{} training queries, {} documents",
        thousands(train.len()),
        thousands(data.corpus.len())
    ));
    let started = Instant::now();
    show_progress(&mut loaded.model, console);
    let mut store = args
        .cache
        .as_ref()
        .map(|folder| {
            let model = &loaded.model;
            let format = model.precision().name();
            EmbeddingStore::open_format(
                folder,
                &model.fingerprint(),
                model.dim(),
                Role::Document,
                format,
            )
        })
        .transpose()?;
    let mined =
        miner.mine_with(&loaded.model, &data.corpus, &data.queries, train, store.as_mut())?;
    mined.write(&args.output)?;
    let summary = Summary {
        model: &loaded.name,
        data: &data.name,
        output: &args.output,
        precision: loaded.model.precision(),
        stats: mined.stats,
        rejection_rate: mined.stats.rejection_rate(),
        seconds: started.elapsed().as_secs_f64(),
        peak_rss_mb: machine::peak_rss_mb(),
    };
    if args.json {
        return output::print_json(&summary);
    }
    output::print(&format!(
        "{}: {} negatives for {} queries ({} without any); the margins dropped {:.0} % of {} \
         candidates\n",
        args.output.display(),
        thousands(summary.stats.negatives),
        thousands(summary.stats.queries),
        thousands(summary.stats.empty_queries),
        100.0 * summary.rejection_rate,
        thousands(summary.stats.candidates)
    ))
}

fn config(args: &MineArgs) -> MiningConfig {
    let sampling = match args.sampling {
        SamplingName::Top => Sampling::Top,
        SamplingName::Random => Sampling::Random,
    };
    MiningConfig::default()
        .with_top_k(args.top_k)
        .with_per_positive(args.per_positive)
        .with_relative_margin(Some(args.relative_margin))
        .with_absolute_margin(args.absolute_margin)
        .with_max_score(args.max_score)
        .with_min_score(args.min_score)
        .with_range_min(args.range_min)
        .with_sampling(sampling)
        .with_random_fraction(args.random_fraction)
        .with_seed(args.seed)
}

/// Draws a bar for each call that embeds texts.
pub(crate) fn show_progress(model: &mut EmbeddingModel, console: Console) {
    let bar = console.bar("embedding", 0);
    model.set_progress(Some(Box::new(move |done, total| {
        bar.set_total(total as u64);
        bar.set(done as u64, "tokens");
        if done == total {
            bar.finish();
        }
    })));
}
