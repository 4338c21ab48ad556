//! `embedtune quickstart`: the whole workflow on real data.

mod budget;
mod choose;
mod fit;
mod report;
mod subset;

use std::{
    fs,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use embedtune_data::{BeirData, DocId, Embed, Role, Split};
use embedtune_encoder::{EmbeddingModel, ModelCard, Precision};
use embedtune_eval::{
    Advice, AdviceFacts, AdviceRules, CompareConfig, Evaluation, Facts, ModelComparison,
    RetrievalConfig, RetrievalEvaluator, ScoreDistribution, TrainingCurve,
};
use embedtune_index::{ExactIndex, Vectors};
use embedtune_metrics::{Measure, Qrels};
use embedtune_mining::{MinedNegatives, Miner, MiningConfig, MiningCorpus, TrainQueries};
use embedtune_train::TrainConfig;

use crate::{
    args::QuickstartArgs,
    interrupt, model, output,
    preflight::Preflight,
    progress::{Console, duration, thousands},
    training::TrainingFacts,
};
use fit::Trained;

/// Name of the measure that decides.
const HEADLINE: Measure = Measure::NDCG_10;
/// Rows in a batch.
const BATCH_SIZE: usize = 32;
/// Higher than for a long run: there are few steps.
const LEARNING_RATE: f64 = 5e-5;
/// Hard negatives of a row: each costs as much time as another document.
const NEGATIVES: usize = 1;
/// Share of the time in which the corpus of `--data` may be embedded by both models.
const EMBEDDING_SHARE: f64 = 0.4;

/// Everything that the stages find out for the report.
pub(super) struct Story {
    base_model: String,
    precision: Precision,
    data: BeirData,
    notes: Vec<String>,
    bm25: Evaluation,
    base: Evaluation,
    advice: Advice,
    mined: MinedNegatives,
    training: TrainingFacts,
    curve: TrainingCurve,
    preflight: Preflight,
    config: TrainConfig,
    tuned: Evaluation,
    comparison: ModelComparison,
    scores: Vec<ScoreDistribution>,
    seconds: Facts,
}

/// Runs the workflow.
pub(crate) fn run(args: &QuickstartArgs, console: Console) -> Result<()> {
    output::must_not_exist(&args.output)?;
    model::check_trains(args.precision)?;
    if !(args.minutes.is_finite() && args.minutes > 0.0) {
        bail!("--minutes {}: expected a number above 0", args.minutes);
    }
    let parent = output::parent_of(&args.output);
    fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
    let staging = tempfile::Builder::new()
        .prefix(".embedtune-quickstart-")
        .tempdir_in(parent)
        .with_context(|| parent.display().to_string())?;
    let run = Run {
        args,
        console,
        out: staging.path(),
        started: Instant::now(),
        stop: interrupt::flag()?,
    };
    let story = run.tell()?;
    let report = report::write(&story, args, staging.path())?;
    report::publish(staging, &args.output)?;
    report::show(&story, args, console);
    if args.json { output::print(&report) } else { output::print(&report::table(&story)) }
}

struct Run<'a> {
    args: &'a QuickstartArgs,
    console: Console,
    /// Where results are put until all are there.
    out: &'a Path,
    started: Instant,
    stop: Arc<AtomicBool>,
}

impl Run<'_> {
    fn tell(&self) -> Result<Story> {
        let mut seconds = Facts::new();
        let mut clock = Instant::now();
        let mut lap = |stage: &str| {
            seconds.insert(stage, (clock.elapsed().as_secs_f64() * 10.0).round() / 10.0);
            clock = Instant::now();
        };
        self.stage("1. Base model and data")?;
        let (mut model, base_model) = self.load()?;
        let (data, notes) = self.data(&model)?;
        lap("model and data");

        self.stage("2. Where do we stand? BM25 and the base model on the test split")?;
        let corpus = Arc::new(data.corpus.clone());
        let evaluator = evaluator(&data, Split::Test, Arc::clone(&corpus))?;
        let bm25 = evaluator.evaluate_bm25()?;
        self.say_score("BM25", &bm25);
        let index = model::index(&model, &data.corpus, &self.stop, self.console)?;
        let base = evaluator.evaluate_index(&model, &index)?;
        self.say_score("base model", &base);
        lap("base evaluation");

        self.stage("3. Is fine-tuning worth it?")?;
        let advice = self.advice(&data, &bm25, &base);
        self.stage("4. Hard negatives")?;
        let mined = self.mine(&model, &data, &index)?;
        lap("mining");

        self.stage("5. Training")?;
        model.set_progress(None);
        let trained = self.train(model, &base_model, &data, &mined)?;
        lap("training");

        self.stage("6. Base against tuned on the test split")?;
        let index = model::index(&trained.model, &data.corpus, &self.stop, self.console)?;
        let tuned = evaluator.evaluate_index(&trained.model, &index)?;
        self.say_score("tuned model", &tuned);
        let comparison =
            evaluator.compare(&base, &tuned, &CompareConfig::default().with_headline(HEADLINE))?;
        let scores = evaluator.score_distributions(&[("base", &base), ("tuned", &tuned)]);
        let card = card(&base_model, &data.name, &base, &tuned, &trained.config);
        trained.model.save(self.out.join("model"), &card)?;
        lap("tuned evaluation");
        seconds.insert("total", self.started.elapsed().as_secs_f64().round());
        let Trained { facts, curve, preflight, config, .. } = trained;
        Ok(Story {
            base_model,
            precision: trained.model.precision(),
            data,
            notes,
            bm25,
            base,
            advice,
            mined,
            training: facts,
            curve,
            preflight,
            config,
            tuned,
            comparison,
            scores,
            seconds,
        })
    }

    /// Begins a stage, unless the user wants to end.
    fn stage(&self, title: &str) -> Result<()> {
        interrupt::check(&self.stop)?;
        self.console.heading(title);
        Ok(())
    }

    fn say_score(&self, name: &str, evaluation: &Evaluation) {
        let mean = |measure: &Measure| evaluation.report.mean(measure).unwrap_or(0.0);
        let recall = Measure::RECALL_10;
        self.console.line(&format!(
            "{name}: {HEADLINE} {:.4}, {recall} {:.4}",
            mean(&HEADLINE),
            mean(&recall)
        ));
    }

    fn load(&self) -> Result<(EmbeddingModel, String)> {
        let source = model::find(&self.args.model, self.console)?;
        let model = model::load_from(&source, Some(self.args.max_seq_len), self.args.precision)?;
        self.console.line(&format!("{} from {}", source.name, source.path.display()));
        Ok((model, source.name))
    }

    fn advice(&self, data: &BeirData, bm25: &Evaluation, base: &Evaluation) -> Advice {
        let pairs = |split| {
            let qrels = data.qrels(split)?;
            Some(qrels.query_ids().map(|id| qrels.relevant(id).count()).sum())
        };
        let facts = AdviceFacts {
            base_recall: base.report.mean(&Measure::RECALL_10).unwrap_or(0.0),
            bm25_recall: bm25.report.mean(&Measure::RECALL_10),
            train_pairs: pairs(Split::Train).unwrap_or(0),
            test_queries: data.qrels(Split::Test).map_or(0, Qrels::len),
        };
        let advice = Advice::new(facts, &AdviceRules::default());
        self.console.line(&advice.summary);
        advice.reasons.iter().for_each(|reason| self.console.line(&format!("- {reason}")));
        advice
    }

    fn mine(
        &self,
        model: &EmbeddingModel,
        data: &BeirData,
        index: &ExactIndex,
    ) -> Result<MinedNegatives> {
        let train = data.qrels(Split::Train).context("the data has a training split")?;
        let (mut ids, mut texts, mut positives) = (Vec::new(), Vec::new(), Vec::new());
        for id in train.query_ids() {
            let relevant: Vec<DocId> =
                train.relevant(id).filter_map(|document| data.corpus.find(document)).collect();
            if let (Some(query), false) = (data.queries.find(id), relevant.is_empty()) {
                ids.push(id.to_owned());
                texts.push(data.queries.texts()[query as usize].clone());
                positives.push(relevant);
            }
        }
        let embedded: Vec<&str> = texts.iter().map(String::as_str).collect();
        let queries = model.embed(&embedded, Role::Query)?;
        let fingerprint = model.fingerprint();
        let config = MiningConfig::default().with_per_positive(NEGATIVES).with_seed(self.args.seed);
        let mined = Miner::new(config)?.mine(
            TrainQueries {
                ids: &ids,
                texts: &texts,
                vectors: Vectors::of(&queries, &fingerprint),
                positives: &positives,
            },
            MiningCorpus {
                corpus: &data.corpus,
                vectors: Vectors::of(index.vectors(), &fingerprint),
            },
        )?;
        mined.write(self.out.join("negatives.jsonl"))?;
        self.console.line(&format!(
            "{} negatives for {} queries; {:.0} % of the candidates scored too close to a relevant \
             document and were dropped",
            thousands(mined.stats.negatives),
            thousands(mined.stats.queries),
            100.0 * mined.stats.rejection_rate()
        ));
        Ok(mined)
    }
}

fn evaluator(
    data: &BeirData,
    split: Split,
    corpus: Arc<embedtune_data::Corpus>,
) -> Result<RetrievalEvaluator> {
    let qrels = data.qrels(split).cloned().context("the data has a test split")?;
    Ok(RetrievalEvaluator::new(corpus, &data.queries, qrels, RetrievalConfig::default())?)
}

fn card_of(base_model: &str, data: &str) -> ModelCard {
    let mut card = ModelCard::default();
    card.base_model = base_model.to_owned();
    card.datasets = vec![data.to_owned()];
    card
}

fn card(
    base_model: &str,
    data: &str,
    base: &Evaluation,
    tuned: &Evaluation,
    config: &TrainConfig,
) -> ModelCard {
    let mut card = card_of(base_model, data);
    card.metrics = tuned
        .report
        .means()
        .map(|(measure, mean)| (measure.to_string(), base.report.mean(&measure), mean))
        .collect();
    card.hyperparameters = config.hyperparameters();
    card.hyperparameters.push(("batch_size".to_owned(), BATCH_SIZE.to_string()));
    card
}

/// Time of the whole for people.
fn total(story: &Story) -> String {
    let total = story.seconds.iter().find(|(name, _)| *name == "total");
    duration(total.and_then(|(_, value)| value.as_f64()).unwrap_or(0.0))
}
