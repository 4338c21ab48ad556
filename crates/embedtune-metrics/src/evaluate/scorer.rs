//! Filling a report query by query.

use std::collections::BTreeMap;

use super::EvaluateOptions;
use crate::error::MetricsError;
use crate::hash::{IdHasher, Slots};
use crate::measure::Measure;
use crate::qrels::Qrels;
use crate::ranking::{Documents, GradedRanking, Judged, RankScratch, ScorePrecision, View};
use crate::report::Report;

/// Fills a report query by query; its buffers are reused.
pub(super) struct Scorer<'a> {
    qrels: &'a Qrels,
    options: &'a EvaluateOptions,
    judged: Judged<'a>,
    scratch: RankScratch,
    rounded: Vec<f64>,
    query: GradedRanking,
    report: Report,
}

impl<'a> Scorer<'a> {
    pub(super) fn new(
        qrels: &'a Qrels,
        measures: &[Measure],
        options: &'a EvaluateOptions,
    ) -> Result<Self, MetricsError> {
        options.validate()?;
        if measures.is_empty() {
            return Err(MetricsError::NoMeasures);
        }
        if qrels.is_empty() {
            return Err(MetricsError::NoJudgements);
        }
        let mut query = GradedRanking::default();
        query.collection_size = options.collection_size;
        query.recall_points = options.recall_points;
        Ok(Self {
            qrels,
            options,
            judged: Judged::new(),
            scratch: RankScratch::default(),
            rounded: Vec::new(),
            query,
            report: Report::new(measures),
        })
    }

    /// Refuses a run whose query ids are foreign: zeros everywhere would hide the mistake.
    pub(super) fn check_overlap<'q>(
        &self,
        run_queries: impl Iterator<Item = &'q str>,
    ) -> Result<(), MetricsError> {
        let mut run_queries = run_queries.peekable();
        let Some(&run_example) = run_queries.peek() else { return Ok(()) };
        let Some(judged_example) = self.qrels.query_ids().next() else { return Ok(()) };
        if run_queries.any(|query| self.qrels.judgements(query).is_some()) {
            return Ok(());
        }
        Err(MetricsError::NoCommonQueries {
            run_example: run_example.to_owned(),
            judged_example: judged_example.to_owned(),
        })
    }

    /// Scores a query that retrieved `docs`; `hashes` and `scores` are theirs. Whether it counts.
    pub(super) fn score(
        &mut self,
        query: &str,
        judgements: &'a BTreeMap<String, i32>,
        docs: &(impl Documents + ?Sized),
        hashes: &[u32],
        scores: &[f64],
    ) -> bool {
        self.query.set_judgements(judgements, self.options.relevance_level);
        if self.skips() {
            return false;
        }
        self.judged.fill(judgements);
        let scores = match self.options.score_precision {
            ScorePrecision::F64 => scores,
            precision @ ScorePrecision::F32 => {
                self.rounded.clear();
                self.rounded.extend(scores.iter().map(|&score| precision.round(score)));
                &self.rounded
            }
        };
        let (graded, ties) = (&mut self.query, self.options.ties);
        let ranked = |rank, grade| graded.push(rank, grade);
        self.scratch.each_judged(docs, hashes, scores, &self.judged, ties, ranked);
        let view = View { depth: self.options.depth, judged_only: self.options.judged_only };
        self.query.finish(scores.len(), view);
        self.report.push(query, |measure| measure.score(&self.query));
        true
    }

    /// A judged query that retrieved nothing. Whether it counts.
    pub(super) fn miss(&mut self, query: &str, judgements: &BTreeMap<String, i32>) -> bool {
        self.query.set_judgements(judgements, self.options.relevance_level);
        if self.skips() {
            return false;
        }
        if self.options.complete {
            self.report.push(query, |measure| measure.score_of_nothing(&mut self.query));
        }
        self.report.push_missing(query);
        self.query.finish(0, View { depth: None, judged_only: false });
        self.options.complete
    }

    /// The relevance of the first `shown` documents of the query that was scored last.
    pub(super) fn relevance_string(&self, shown: usize) -> String {
        let mut signs = vec!['-'; shown.min(self.query.retrieved())];
        for hit in self.query.top(None) {
            let Some(sign) = signs.get_mut(hit.rank as usize - 1) else { break };
            *sign = match u32::try_from(hit.grade) {
                Ok(grade) => char::from_digit(grade, 10).unwrap_or('>'),
                Err(_) => '.',
            };
        }
        signs.into_iter().collect()
    }

    fn skips(&self) -> bool {
        self.options.skip_unanswerable && self.query.relevant() == 0
    }

    pub(super) fn finish(mut self) -> Report {
        if self.options.complete {
            // As `trec_eval -c` counts: whatever the relevance level, and queries that were skipped.
            let judged = self.qrels.iter().flat_map(|(_, judgements)| judgements.values());
            self.report.set_relevant_total(judged.filter(|&&grade| grade > 0).count());
        }
        self.report
    }
}

impl<D: AsRef<str>> Documents for [(D, f64)] {
    #[inline]
    fn id(&self, n: usize) -> &str {
        self[n].0.as_ref()
    }
}

/// Scores and hashes of rankings that stand elsewhere; the buffers are reused.
#[derive(Default)]
pub(super) struct InMemory {
    hashes: Vec<u32>,
    scores: Vec<f64>,
    slots: Slots,
}

impl InMemory {
    /// Replaces the content by that of `docs`.
    pub(super) fn fill<D: AsRef<str>>(
        &mut self,
        query: &str,
        docs: &[(D, f64)],
    ) -> Result<(), MetricsError> {
        let hasher = IdHasher::new();
        self.hashes.clear();
        self.hashes.extend(docs.iter().map(|(doc, _)| hasher.hash(doc.as_ref())));
        self.scores.clear();
        self.scores.extend(docs.iter().map(|(_, score)| *score));
        if let Some(n) = self.scores.iter().position(|score| score.is_nan()) {
            let doc = docs[n].0.as_ref().to_owned();
            return Err(MetricsError::NanScore { query: query.to_owned(), doc });
        }
        self.slots.reset(docs.len());
        for (n, &hash) in self.hashes.iter().enumerate() {
            let (hashes, doc) = (&self.hashes, docs[n].0.as_ref());
            let is_it = |other: usize| hashes[other] == hash && docs[other].0.as_ref() == doc;
            if self.slots.insert(hash, n, is_it).is_some() {
                let (query, doc) = (query.to_owned(), doc.to_owned());
                return Err(MetricsError::DuplicateDocument { query, doc });
            }
        }
        Ok(())
    }

    pub(super) fn hashes(&self) -> &[u32] {
        &self.hashes
    }

    pub(super) fn scores(&self) -> &[f64] {
        &self.scores
    }
}
