//! `embedtune advise`.

mod answer;
mod budget;
mod curve;
mod questions;
mod show;
mod vectors;

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Instant,
};

use anyhow::{Context, Result, bail};
use embedtune_data::{
    BeirData, BeirOptions, CheckReport, Corpus, DatasetBuilder, Embed, Queries, Split,
};
use embedtune_encoder::EmbeddingModel;
use embedtune_eval::{
    Advice, AdviceFacts, AdviceRules, Alternative, AlternativeCost, Evaluation, Facts,
    LearningStudy, RetrievalConfig, RetrievalEvaluator, SampleConfig,
};
use embedtune_metrics::{Measure, Qrels};

use self::{
    answer::{Answer, Extent, FullRun, Learned, System},
    budget::{Available, Plan, Speed},
    curve::ShortRuns,
    questions::Questions,
    vectors::StoredVectors,
};
use crate::{
    args::AdviseArgs,
    check_cache::CheckCache,
    interrupt, model,
    model_source::ModelSource,
    output,
    preflight::{self, Preflight},
    progress::{Console, duration, thousands},
    report,
};

/// The measure whose gain is predicted.
const HEADLINE: Measure = Measure::NDCG_10;
/// Pairs that speeds are measured on.
const SAMPLE_PAIRS: usize = 256;

/// Advises.
pub(crate) fn run(args: &AdviseArgs, console: Console) -> Result<()> {
    let report_json = args.report.as_deref().map(report::json_beside).transpose()?;
    if !(args.minutes.is_finite() && args.minutes > 0.0) {
        bail!("--minutes {}: expected a number above 0", args.minutes);
    }
    if !args.no_curve {
        model::check_trains(args.model.precision)?;
        curve::settings(args).validate()?;
    }
    let advisor = Advisor { args, console, started: Instant::now(), stop: interrupt::flag()? };
    let answer = advisor.answer()?;
    if let (Some(page), Some(json)) = (&args.report, &report_json) {
        report::write(&show::report(&answer), page, json)?;
        console.line(&format!("report in {} and {}", page.display(), json.display()));
    }
    if args.json { output::print_json(&answer) } else { output::print(&show::text(&answer)) }
}

struct Advisor<'a> {
    args: &'a AdviseArgs,
    console: Console,
    started: Instant,
    stop: Arc<AtomicBool>,
}

/// Test and held-out queries over the same documents, and the base model on both.
struct Baseline {
    test: RetrievalEvaluator,
    held_out: Option<RetrievalEvaluator>,
    bm25: Evaluation,
    base: Evaluation,
    base_held_out: Option<Evaluation>,
}

impl Advisor<'_> {
    fn answer(&self) -> Result<Answer> {
        let mut laps = Facts::new();
        let mut clock = Instant::now();
        let mut lap = |stage: &str| {
            laps.insert(stage, (clock.elapsed().as_secs_f64() * 10.0).round() / 10.0);
            clock = Instant::now();
        };
        self.stage("1. Data and model")?;
        let options = BeirOptions::default().with_dev_fraction(0.0);
        let mut data = BeirData::open_with(&self.args.data, &options)?;
        let mut questions = Questions::new(&data, self.args.seed)?;
        let source = model::find(&self.args.model.model, self.console)?;
        let base = self.base(&source)?;
        let other = self.other_model()?;
        let full = self.full_run(&data, &base)?;
        let available = questions.test.len();
        let (plan, time_ratio) = self.plan(&data, &questions, &base, other.as_ref())?;
        questions.limit(plan.test_queries, plan.held_out_queries, self.args.seed)?;
        if plan.pairs.is_none() {
            // There is nothing to judge.
            (questions.held_out, questions.notes) = (Qrels::new(), Vec::new());
        }
        let whole = Arc::new(std::mem::take(&mut data.corpus));
        let test = self.evaluator(&whole, &data.queries, &questions.test, plan.documents)?;
        let held_out = match plan.pairs {
            Some(_) => {
                let (asked, documents) = (&questions.held_out, plan.curve_documents);
                Some(self.evaluator(&whole, &data.queries, asked, documents)?)
            }
            None => None,
        };
        lap("data and model");

        self.stage("2. Where do we stand? BM25 and the base model")?;
        let baseline = self.baseline(&base, test, held_out)?;
        lap("baselines");

        let learned = match plan.pairs {
            Some(pairs) => {
                self.stage("3. What does training bring? Short runs on parts of the pairs")?;
                let runs = ShortRuns {
                    args: self.args,
                    console: self.console,
                    stop: &self.stop,
                    source: &source,
                    pairs: curve::pairs(&whole, &data.queries, &questions.train)?,
                    count: pairs,
                };
                Some(learn(&runs, &baseline, full.pairs)?)
            }
            None => None,
        };
        lap("learning curve");

        let alternative =
            self.alternative(&baseline, &base, other, time_ratio, learned.as_ref())?;
        lap("alternative");
        laps.insert("total", self.started.elapsed().as_secs_f64().round());

        let extent = Extent {
            minutes: self.args.minutes,
            documents: baseline.test.corpus().len(),
            curve_documents: baseline.held_out.as_ref().map_or(0, |it| it.corpus().len()),
            of_documents: whole.len(),
            test_queries: questions.test.len(),
            of_test_queries: available,
            held_out_queries: learned.as_ref().map_or(0, |_| questions.held_out.len()),
            pairs: plan.pairs.unwrap_or(0),
            of_pairs: full.pairs,
        };
        let advice = advice(&baseline, &extent, learned.as_ref(), alternative);
        let mut notes = questions.notes;
        notes.extend(extent.notes(self.args.no_curve));
        Ok(Answer {
            model: source.name,
            data: data.name.clone(),
            systems: vec![
                System::new("BM25", &baseline.bm25)?,
                System::new("base model", &baseline.base)?,
            ],
            advice,
            learning_curve: learned.as_ref().map(|it| it.outcome.curve.clone()),
            full_run: full.measured(learned.as_ref().map(|it| it.tokens_per_second)),
            extent,
            notes,
            seconds: laps,
        })
    }

    /// Begins a stage, unless the user wants to end.
    fn stage(&self, title: &str) -> Result<()> {
        interrupt::check(&self.stop)?;
        self.console.heading(title);
        Ok(())
    }

    fn base(&self, source: &ModelSource) -> Result<EmbeddingModel> {
        let args = &self.args.model;
        model::load_from(source, args.max_seq_len, args.precision)
    }

    /// The model to compare with, if one is named, and its name.
    fn other_model(&self) -> Result<Option<(String, EmbeddingModel)>> {
        let Some(name) = &self.args.alternative_model else { return Ok(None) };
        let source = model::find(name, self.console)?;
        let model = model::load_from(&source, None, self.args.model.precision)?;
        Ok(Some((report::short(&source.name).to_owned(), model)))
    }

    /// Checks the data, and says what a run on all of it needs.
    fn full_run(&self, data: &BeirData, base: &EmbeddingModel) -> Result<FullRun> {
        let train = data.qrels(Split::Train).context("the split was read")?;
        let (pairs, _) =
            DatasetBuilder::new(&data.corpus, &data.queries, train).build(&data.name)?;
        let batches = pairs.len().div_ceil(self.args.batch_size.max(1));
        let plan = preflight::Plan {
            steps: (batches as f64 * self.args.epochs).ceil() as u64,
            epochs: self.args.epochs,
            batch_size: self.args.batch_size,
            kept_tokens: None,
        };
        let check = CheckReport::of_beir(data);
        let preflight = Preflight::new(base, &pairs, check, &plan, &CheckCache::from_env())?;
        preflight.show(self.console);
        Ok(FullRun::new(preflight, self.args.epochs))
    }

    /// How much there is time for, and how much longer the other model takes.
    fn plan(
        &self,
        data: &BeirData,
        questions: &Questions,
        base: &EmbeddingModel,
        other: Option<&(String, EmbeddingModel)>,
    ) -> Result<(Plan, Option<f64>)> {
        let sample = budget::sample(data, SAMPLE_PAIRS)?;
        let speed = Speed::measure(base, &sample, !self.args.no_curve)?;
        let other =
            other.map(|(_, model)| budget::seconds_a_document(model, &sample)).transpose()?;
        let available = Available {
            documents: data.corpus.len(),
            pairs: questions::pairs(&questions.train),
            epochs: self.args.epochs,
            alternative: other.unwrap_or(0.0),
            curve: !self.args.no_curve && !questions.held_out.is_empty(),
        };
        let seconds = 60.0 * self.args.minutes - self.started.elapsed().as_secs_f64();
        let plan = Plan::new(seconds, speed, available);
        self.console.line(&format!(
            "in {}: {} of {} documents, and {} pairs to train on",
            duration(60.0 * self.args.minutes),
            thousands(plan.documents),
            thousands(data.corpus.len()),
            thousands(plan.pairs.unwrap_or(0))
        ));
        Ok((plan, other.map(|other| other / speed.document)))
    }

    /// Searches all documents for the queries of `asked`, or those judged and others up to
    /// `documents`.
    fn evaluator(
        &self,
        whole: &Arc<Corpus>,
        queries: &Queries,
        asked: &Qrels,
        documents: usize,
    ) -> Result<RetrievalEvaluator> {
        let config = RetrievalConfig::default().with_exclude_self(self.args.exclude_self);
        let all = RetrievalEvaluator::new(Arc::clone(whole), queries, asked.clone(), config)
            .with_context(|| self.args.data.display().to_string())?;
        if documents >= whole.len() {
            return Ok(all);
        }
        let sample = SampleConfig::default()
            .with_queries(asked.len())
            .with_documents(documents)
            .with_seed(self.args.seed);
        Ok(all.sample(&sample)?)
    }

    fn baseline(
        &self,
        model: &EmbeddingModel,
        test: RetrievalEvaluator,
        held_out: Option<RetrievalEvaluator>,
    ) -> Result<Baseline> {
        let bm25 = test.evaluate_bm25()?;
        let index = model::index(model, test.corpus(), &self.stop, self.console)?;
        let base = test.evaluate_index(model, &index)?;
        for (name, evaluation) in [("BM25", &bm25), ("base model", &base)] {
            let mean = |measure| evaluation.report.mean(&measure).unwrap_or(0.0);
            let (ndcg, recall) = (mean(HEADLINE), mean(Measure::RECALL_10));
            self.console.line(&format!("{name}: ndcg@10 {ndcg:.4}, recall@10 {recall:.4}"));
        }
        let base_held_out = match &held_out {
            Some(it) if Arc::ptr_eq(it.corpus(), test.corpus()) => {
                Some(it.evaluate_index(model, &index)?)
            }
            Some(it) => Some(it.evaluate_index(
                model,
                &model::index(model, it.corpus(), &self.stop, self.console)?,
            )?),
            None => None,
        };
        Ok(Baseline { test, held_out, bm25, base, base_held_out })
    }

    fn alternative(
        &self,
        baseline: &Baseline,
        base: &EmbeddingModel,
        model: Option<(String, EmbeddingModel)>,
        time_ratio: Option<f64>,
        learned: Option<&Learned>,
    ) -> Result<Option<Alternative>> {
        let test = &baseline.test;
        let (name, dim, evaluation) = match (model, &self.args.alternative) {
            (Some((name, model)), _) => {
                self.stage("4. Another model instead?")?;
                let index = model::index(&model, test.corpus(), &self.stop, self.console)?;
                (name, model.dim(), test.evaluate_index(&model, &index)?)
            }
            (None, Some(path)) => {
                self.stage("4. Another model instead?")?;
                let (corpus, queries) = (test.corpus(), test.queries());
                let documents = (corpus.ids(), corpus.texts());
                let stored =
                    StoredVectors::read(path, documents, (queries.ids(), queries.texts()))?;
                let name = path.display().to_string();
                (report::short(&name).to_owned(), stored.dim(), test.evaluate(&stored)?)
            }
            (None, None) => return Ok(None),
        };
        let cost = AlternativeCost { base_dim: base.dim(), dim, time_ratio };
        let prediction = learned.map(|it| &it.outcome.prediction);
        Ok(Some(Alternative::new(name, &baseline.base, &evaluation, prediction, cost)?))
    }
}

fn learn(runs: &ShortRuns<'_>, baseline: &Baseline, full_pairs: usize) -> Result<Learned> {
    let (Some(held_out), Some(base_held_out)) = (&baseline.held_out, &baseline.base_held_out)
    else {
        bail!("no query is held out to judge the short runs on");
    };
    let study = LearningStudy {
        held_out,
        base_held_out,
        base_test: &baseline.base,
        full_pairs,
        measure: HEADLINE,
    };
    let (outcome, tokens_per_second) = runs.measure(&study)?;
    Ok(Learned { outcome, tokens_per_second })
}

fn advice(
    baseline: &Baseline,
    extent: &Extent,
    learned: Option<&Learned>,
    alternative: Option<Alternative>,
) -> Advice {
    let recall = |evaluation: &Evaluation| evaluation.report.mean(&Measure::RECALL_10);
    let facts = AdviceFacts {
        base_recall: recall(&baseline.base).unwrap_or(0.0),
        bm25_recall: recall(&baseline.bm25),
        train_pairs: extent.of_pairs,
        test_queries: baseline.test.queries().len(),
    };
    let mut advice = Advice::new(facts, &AdviceRules::default())
        .with_documents_searched(extent.documents, extent.of_documents);
    if let Some(learned) = learned {
        advice = advice.with_prediction(learned.outcome.prediction.clone());
    }
    advice = advice.with_reason(answer::headroom(&baseline.base));
    match alternative {
        Some(alternative) => advice.with_alternative(alternative),
        None => advice,
    }
}
