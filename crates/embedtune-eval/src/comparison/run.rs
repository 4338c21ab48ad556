//! What another program retrieved, scored as if a model had retrieved it here.

use embedtune_data::{Fingerprint, TextHash};
use embedtune_metrics::{Run, evaluate};

use crate::{EvalError, Evaluation, RetrievalEvaluator};

impl RetrievalEvaluator {
    /// Scores a run that was made elsewhere.
    ///
    /// What would be asked of a model holds for the run too: judged queries alone, the first
    /// [`RetrievalConfig::depth`](crate::RetrievalConfig::depth) documents of each, and no
    /// document with the id of its query where `exclude_self` says so. Judged queries that it lacks
    /// are in [`Report::missing_queries`](embedtune_metrics::Report::missing_queries).
    ///
    /// The fingerprint is `run:` and a hash of what counts, so that equal runs have equal ones.
    ///
    /// # Errors
    /// If the run holds no judged query, or retrieved a document that the corpus lacks.
    pub fn evaluate_run(&self, run: &Run) -> Result<Evaluation, EvalError> {
        let run = self.comparable(run)?;
        let report = evaluate(&self.qrels, &run, &self.config.measures, &self.config.scoring)?;
        Ok(Evaluation {
            fingerprint: fingerprint(&run),
            documents: self.corpus.len(),
            subset: self.subset,
            report,
            run,
        })
    }

    /// The part of `run` that a model would have been asked for.
    fn comparable(&self, run: &Run) -> Result<Run, EvalError> {
        let precision = self.config.scoring.score_precision;
        let mut kept = Run::new();
        let mut unknown = (0, None);
        for query in run.query_ids() {
            let is_judged = self.qrels.judgements(query).is_some();
            let documents = run
                .ranking(query, precision)
                .filter(|(document, _)| !(self.config.exclude_self && *document == query))
                .take(self.config.depth());
            for (document, score) in documents {
                if is_judged && self.corpus.find(document).is_none() {
                    unknown.0 += 1;
                    unknown.1.get_or_insert_with(|| (query.to_owned(), document.to_owned()));
                }
                // Other queries stay too: an error about foreign ids names one of them.
                kept.insert(query, document, score)?;
            }
        }
        match unknown {
            (count, Some((query, document))) => {
                Err(EvalError::UnknownRetrieved { query, document, count })
            }
            _ => Ok(kept),
        }
    }
}

fn fingerprint(run: &Run) -> Fingerprint {
    let mut hashes = String::new();
    for query in run.query_ids() {
        let mut ranked: Vec<(&str, f64)> = run.documents(query).collect();
        ranked.sort_unstable_by_key(|(document, _)| *document);
        let lines = ranked.iter().map(|(document, score)| format!("{document}\t{score}\n"));
        let text = format!("{query}\n{}", lines.collect::<String>());
        hashes.push_str(&TextHash::of(&text).to_string());
    }
    Fingerprint(format!("run:{}", TextHash::of(&hashes)))
}
