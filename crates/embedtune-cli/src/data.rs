//! Training data as the flags name it: a BEIR directory or a file of rows.

use std::{collections::HashMap, path::Path, sync::Arc};

use anyhow::{Context, Result, bail};
use embedtune_data::{
    BeirData, BeirOptions, CheckReport, ColumnMap, Dataset, DatasetBuilder, DatasetKind,
    NegativeMix, RowOptions, Split, SplitConfig, SplitOrigin, TextHash, content_hash, read_rows,
    split_dataset,
};
use embedtune_eval::{RetrievalConfig, RetrievalEvaluator, SampleConfig};
use embedtune_train::{Evaluator, InBatchMrr, TripletAccuracy};

use crate::{
    check_cache::{CheckCache, Key},
    dev::DevRetrieval,
};

/// Hard negatives by query id, hardest first.
pub(crate) type Negatives = HashMap<String, Vec<String>>;

/// How to read training data.
pub(crate) struct TrainingOptions<'a> {
    pub(crate) columns: Option<&'a ColumnMap>,
    pub(crate) negatives: Option<&'a Negatives>,
    pub(crate) negatives_per_row: Option<usize>,
    /// Negatives of a row that were judged not relevant.
    pub(crate) judged_negatives: usize,
    /// Negatives of a row that are drawn at random.
    pub(crate) random_negatives: usize,
    /// Whether dev is evaluated; `None` leaves it to the data: only if it has a dev split.
    pub(crate) evaluate: Option<bool>,
    /// Share of the training queries for dev where there is no dev split.
    pub(crate) dev_fraction: f64,
    pub(crate) dev_sample: SampleConfig,
    pub(crate) seed: u64,
}

/// Rows to train on, and how to evaluate on dev.
pub(crate) struct TrainingData {
    pub(crate) dataset: Dataset,
    pub(crate) check: CheckReport,
    pub(crate) dev: Option<Dev>,
    /// Remarks, a sentence each.
    pub(crate) notes: Vec<String>,
}

/// Evaluation on dev.
pub(crate) struct Dev {
    pub(crate) evaluator: Box<dyn Evaluator>,
    /// Metric that decides if none is named.
    pub(crate) metric: String,
}

/// Data as it lies on disk, and where is kept what was found out about it.
pub(crate) struct Source<'a> {
    hash: TextHash,
    cache: &'a CheckCache,
}

impl Source<'_> {
    /// The report on the data called `name`, read in the way that `how` says.
    fn check(&self, name: &str, how: &str, make: impl FnOnce() -> CheckReport) -> CheckReport {
        let key = Key::new("check", [&self.hash.to_string(), name, how]);
        let report: Result<_, std::convert::Infallible> = self.cache.get_or(&key, || Ok(make()));
        match report {
            Ok(report) => report,
        }
    }
}

/// Reads training data. Checks of the whole data are done once, and then found in `cache`.
pub(crate) fn read(
    path: &Path,
    options: &TrainingOptions<'_>,
    cache: &CheckCache,
) -> Result<TrainingData> {
    if path.is_dir() {
        if options.columns.is_some() {
            bail!("--columns is for files of rows; {} is a BEIR directory", path.display());
        }
        return read_beir(path, options, cache);
    }
    if !path.exists() {
        bail!(
            "{}: not found; give a BEIR directory, or a JSON Lines, JSON, CSV or TSV file",
            path.display()
        );
    }
    if options.negatives.is_some() || options.judged_negatives + options.random_negatives > 0 {
        bail!(
            "--negatives, --judged-negatives and --random-negatives belong to a BEIR directory; \
             {} is a file, which has its negatives in a column",
            path.display()
        );
    }
    let mut rows = RowOptions::default();
    rows.columns = options.columns.cloned();
    let dataset = read_rows(path, &rows)?;
    from_rows(dataset, options, &Source { hash: content_hash(path)?, cache })
}

fn read_beir(
    path: &Path,
    options: &TrainingOptions<'_>,
    cache: &CheckCache,
) -> Result<TrainingData> {
    let fraction = if options.evaluate == Some(true) { options.dev_fraction } else { 0.0 };
    let data = BeirData::open_with(path, &BeirOptions::default().with_dev_fraction(fraction))?;
    let source = Source { hash: content_hash(path)?, cache };
    from_beir(data, options, Some(&source)).with_context(|| path.display().to_string())
}

/// Rows of the training split, with the negatives that were asked for. `source` is where the data
/// comes from, if it is not made on the way.
pub(crate) fn from_beir(
    data: BeirData,
    options: &TrainingOptions<'_>,
    source: Option<&Source<'_>>,
) -> Result<TrainingData> {
    let Some(train) = data.qrels(Split::Train) else {
        bail!("no qrels/train.tsv; `embedtune prepare` splits data that has no training split");
    };
    let make = || CheckReport::of_beir(&data);
    let check = match source {
        // Whether a dev split was cut from train is all that differs between two readings.
        Some(source) => source.check(&data.name, &format!("{:?}", data.origin(Split::Dev)), make),
        None => make(),
    };
    let mut mix = NegativeMix::default()
        .with_judged(options.judged_negatives)
        .with_random(options.random_negatives);
    let mut builder =
        DatasetBuilder::new(&data.corpus, &data.queries, train).with_seed(options.seed);
    if let Some(negatives) = options.negatives {
        let most = negatives.values().map(Vec::len).max().unwrap_or(0);
        mix = mix.with_mined(options.negatives_per_row.unwrap_or(most).min(most));
        builder = builder.with_mined(negatives);
    }
    let (dataset, report) = builder.with_mix(mix).build(&data.name)?;
    let mut notes = Vec::new();
    for (asked, found, kind) in [
        (options.negatives.is_some(), report.mined, "mined"),
        (options.judged_negatives > 0, report.judged, "judged"),
        (options.random_negatives > 0, report.random, "random"),
    ] {
        if asked {
            notes.push(format!("{found} {kind} negatives in {} rows", report.rows));
        }
    }
    let dev =
        if options.evaluate == Some(false) { None } else { retrieval(data, options, &mut notes)? };
    Ok(TrainingData { dataset, check, dev, notes })
}

fn retrieval(
    mut data: BeirData,
    options: &TrainingOptions<'_>,
    notes: &mut Vec<String>,
) -> Result<Option<Dev>> {
    let Some(qrels) = data.qrels(Split::Dev).cloned() else { return Ok(None) };
    if let Some(SplitOrigin::CutFromTrain { fraction }) = data.origin(Split::Dev) {
        notes.push(format!(
            "no dev split: {} queries ({:.0} % by hash) were cut from train for it",
            qrels.len(),
            100.0 * fraction
        ));
    }
    let corpus = Arc::new(std::mem::take(&mut data.corpus));
    let all = RetrievalEvaluator::new(corpus, &data.queries, qrels, RetrievalConfig::default())?;
    let evaluator = all.sample(&options.dev_sample)?;
    if let Some(subset) = evaluator.subset() {
        notes.push(format!(
            "dev: {} of {} queries over {} of {} documents",
            subset.queries, subset.of_queries, subset.documents, subset.of_documents
        ));
    }
    let metric = "ndcg@10".to_owned();
    Ok(Some(Dev { evaluator: Box::new(DevRetrieval { evaluator }), metric }))
}

fn from_rows(
    dataset: Dataset,
    options: &TrainingOptions<'_>,
    source: &Source<'_>,
) -> Result<TrainingData> {
    let how = format!("columns {:?}", options.columns);
    let check = source.check(&dataset.name, &how, || CheckReport::of_dataset(&dataset));
    if options.evaluate != Some(true) {
        return Ok(TrainingData { dataset, check, dev: None, notes: Vec::new() });
    }
    let name = dataset.name.clone();
    let split = SplitConfig::default().with_dev(options.dev_fraction).with_test(0.0);
    let mut parts = split_dataset(&dataset, &split)?;
    parts.train.name = name;
    let mut notes = Vec::new();
    let dev = match (parts.dev.kind(), parts.dev.len()) {
        (_, 0) | (DatasetKind::LabelledPairs, _) => {
            bail!(
                "{}: no dev evaluation is possible with {} rows of this kind; leave out the \
                 evaluation flags, or give a BEIR directory",
                dataset.name,
                dataset.len()
            );
        }
        (DatasetKind::Tuples, rows) => {
            notes.push(format!(
                "no corpus: the dev metric is {} on {rows} rows cut from train by hash",
                TripletAccuracy::METRIC
            ));
            let evaluator = Box::new(TripletAccuracy::new(parts.dev));
            Dev { evaluator, metric: TripletAccuracy::METRIC.to_owned() }
        }
        (DatasetKind::Pairs, rows) => {
            notes.push(format!(
                "no corpus: the dev metric is {} on {rows} rows cut from train by hash",
                InBatchMrr::METRIC
            ));
            let evaluator = Box::new(InBatchMrr::new(parts.dev, 64));
            Dev { evaluator, metric: InBatchMrr::METRIC.to_owned() }
        }
    };
    Ok(TrainingData { dataset: parts.train, check, dev: Some(dev), notes })
}
