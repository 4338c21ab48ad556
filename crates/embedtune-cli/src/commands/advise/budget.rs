//! Cuts the work to the time there is, by speeds that were just measured.

use std::time::Instant;

use anyhow::{Result, bail};
use embedtune_data::{BeirData, Embed, Role, Split};
use embedtune_encoder::{EmbeddingModel, Tokens};

use crate::preflight;

/// Queries of the test split to ask at most: more make no interval visibly narrower than the other
/// errors of a prediction.
const TEST_QUERIES: usize = 1_000;
/// Held-out queries to judge short runs on at most.
pub(super) const HELD_OUT_QUERIES: usize = 500;
/// Queries of either that are kept however little time there is.
const MIN_QUERIES: usize = 100;
/// Share of it in which the test split is searched where short runs need the rest: the verdict rests
/// on the base model's recall, which only the whole corpus shows.
const TEST_SHARE: f64 = 0.4;
/// Share of the time that is planned for: speeds are measured on a few texts.
const PLANNED_SHARE: f64 = 0.8;
/// Pairs below which short runs show nothing.
const MIN_PAIRS: usize = 32;
/// Tokens of a pass that measures training.
const TRAINED_TOKENS: usize = 512;
/// Passes that measure a speed, of which the fastest counts: whatever else the machine did in the
/// others is over by then.
const PASSES: usize = 3;
/// Texts that are embedded to measure a speed.
const EMBEDDED_TEXTS: usize = 32;
/// Parts of the pairs that the short runs are trained on.
pub(super) const SHARES: [f64; 3] = [0.25, 0.5, 1.0];

/// How fast this machine is with this model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Speed {
    /// Seconds to embed a document.
    pub(super) document: f64,
    /// Seconds to embed a query.
    pub(super) query: f64,
    /// Seconds to train on a pair; 0 if nothing is trained.
    pub(super) pair: f64,
}

impl Speed {
    /// Measures on some pairs of a query and a relevant document.
    pub(super) fn measure(
        model: &EmbeddingModel,
        pairs: &[(&str, &str)],
        trains: bool,
    ) -> Result<Self> {
        let queries: Vec<&str> = pairs.iter().map(|(query, _)| *query).collect();
        let documents: Vec<&str> = pairs.iter().map(|(_, document)| *document).collect();
        let (queries, documents) =
            (model.tokenize(&queries, Role::Query)?, model.tokenize(&documents, Role::Document)?);
        let mean = |texts: &[Tokens]| {
            texts.iter().map(|text| text.ids.len()).sum::<usize>() as f64 / texts.len() as f64
        };
        let (query, document) = (mean(&queries), mean(&documents));
        let some = &documents[..documents.len().min(EMBEDDED_TEXTS)];
        let tokens = some.iter().map(|text| text.ids.len()).sum::<usize>() as f64;
        // The first pass readies the engine.
        model.embed_tokens(&some[..1])?;
        let token = fastest(|| Ok(model.embed_tokens(some).map(drop)?))? / tokens;
        let mut pair = 0.0;
        if trains {
            let mixed = || queries.iter().zip(&documents).flat_map(|(q, d)| [q, d]);
            let mut speed: f64 = 0.0;
            for _ in 0..PASSES {
                speed = speed.max(preflight::speed(model, mixed(), TRAINED_TOKENS)?);
            }
            pair = (query + document) / speed;
        }
        Ok(Self { document: document * token, query: query * token, pair })
    }
}

/// Seconds that `model` takes to embed a document.
pub(super) fn seconds_a_document(model: &dyn Embed, pairs: &[(&str, &str)]) -> Result<f64> {
    let texts: Vec<&str> = pairs.iter().map(|pair| pair.1).take(EMBEDDED_TEXTS).collect();
    model.embed(&texts[..1], Role::Document)?;
    Ok(fastest(|| Ok(model.embed(&texts, Role::Document).map(drop)?))? / texts.len() as f64)
}

/// Seconds of the fastest of some passes.
fn fastest(mut pass: impl FnMut() -> Result<()>) -> Result<f64> {
    let mut seconds = f64::INFINITY;
    for _ in 0..PASSES {
        let started = Instant::now();
        pass()?;
        seconds = seconds.min(started.elapsed().as_secs_f64());
    }
    Ok(seconds.max(1e-9))
}

/// Up to `count` pairs of a training query and a relevant document.
pub(super) fn sample(data: &BeirData, count: usize) -> Result<Vec<(&str, &str)>> {
    let train = data.qrels(Split::Train).into_iter();
    let pairs = train.flat_map(|train| {
        let queries = train.query_ids();
        queries.filter_map(|id| Some((id, train.relevant(id).next()?)))
    });
    let text = |(query, document)| {
        let (query, document) = (data.queries.find(query)?, data.corpus.find(document)?);
        let queries = data.queries.texts();
        Some((queries[query as usize].as_str(), data.corpus.texts()[document as usize].as_str()))
    };
    let pairs: Vec<(&str, &str)> = pairs.filter_map(text).take(count).collect();
    if pairs.is_empty() {
        bail!("{}: the training split has no relevant document", data.name);
    }
    Ok(pairs)
}

/// What there is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Available {
    pub(super) documents: usize,
    /// Pairs that may be trained on.
    pub(super) pairs: usize,
    pub(super) epochs: f64,
    /// Seconds that another model takes for a document.
    pub(super) alternative: f64,
    /// Whether a learning curve is wanted.
    pub(super) curve: bool,
}

/// How much of it there is time for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// Documents to search for the test queries; the judged ones are there in any case.
    pub(super) documents: usize,
    /// Documents to search for the held-out ones, by the base model and after each short run.
    pub(super) curve_documents: usize,
    /// Queries of the test split.
    pub(super) test_queries: usize,
    /// Held-out queries.
    pub(super) held_out_queries: usize,
    /// Pairs of the largest short run; `None` for no learning curve.
    pub(super) pairs: Option<usize>,
}

impl Plan {
    /// What fits into `seconds`. Beside the test split, half of the time at most is for training
    /// where all documents would not fit otherwise, and what one side leaves over is the other's.
    pub(super) fn new(seconds: f64, speed: Speed, available: Available) -> Self {
        let Available { documents, pairs, epochs, alternative, curve } = available;
        let runs = 1.0 + SHARES.len() as f64;
        let asked = TEST_QUERIES as f64 + if curve { runs * HELD_OUT_QUERIES as f64 } else { 0.0 };
        let seconds = (PLANNED_SHARE * seconds - asked * speed.query).max(0.0);
        let fit =
            |seconds: f64, each: f64, most: usize| most.min((seconds / each.max(1e-12)) as usize);

        let of_test = if curve { TEST_SHARE * seconds } else { seconds };
        let each = speed.document + alternative;
        let searched = fit(of_test, each, documents);
        let left = seconds - searched as f64 * each;

        let each = SHARES.iter().sum::<f64>() * epochs * speed.pair;
        let searching = documents as f64 * runs * speed.document;
        let training = (pairs as f64 * each).min((left / 2.0).max(left - searching));
        let pairs = fit(training * (1.0 + 1e-9), each, pairs);
        let curve_documents = fit(left - training, runs * speed.document, documents);
        let queries = |most: usize, documents: usize| most.min((documents / 4).max(MIN_QUERIES));
        Self {
            documents: searched,
            curve_documents: if curve { curve_documents } else { 0 },
            test_queries: queries(TEST_QUERIES, searched),
            held_out_queries: queries(HELD_OUT_QUERIES, curve_documents),
            pairs: (curve && pairs >= MIN_PAIRS).then_some(pairs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEED: Speed = Speed { document: 0.01, query: 0.002, pair: 0.05 };

    fn plan(seconds: f64, curve: bool) -> Plan {
        let available =
            Available { documents: 10_000, pairs: 5_000, epochs: 1.0, alternative: 0.02, curve };
        Plan::new(seconds, SPEED, available)
    }

    #[test]
    fn with_enough_time_nothing_is_cut() {
        let all = plan(1e6, true);
        assert_eq!((all.documents, all.curve_documents), (10_000, 10_000));
        assert_eq!(all.pairs, Some(5_000));
        assert_eq!((all.test_queries, all.held_out_queries), (1_000, 500));
        assert_eq!(plan(1e6, false).pairs, None);
    }

    #[test]
    fn what_is_planned_fits() {
        for seconds in [30.0, 100.0, 300.0, 600.0, 900.0] {
            let Plan { documents, curve_documents, pairs, .. } = plan(seconds, true);
            let needed = documents as f64 * (SPEED.document + 0.02)
                + curve_documents as f64 * 4.0 * SPEED.document
                + pairs.unwrap_or(0) as f64 * 1.75 * SPEED.pair
                + 3_000.0 * SPEED.query;
            assert!(needed < 0.81 * seconds, "{needed} in {seconds}");
            assert!(needed > 0.7 * seconds || pairs == Some(5_000), "{needed} in {seconds}");
        }
    }

    #[test]
    fn more_time_is_never_less_of_anything() {
        let plans = [5.0, 20.0, 80.0, 320.0, 1280.0].map(|seconds| plan(seconds, true));
        for pair in plans.windows(2) {
            assert!(pair[0].documents <= pair[1].documents && pair[0].pairs <= pair[1].pairs);
            assert!(pair[0].curve_documents <= pair[1].curve_documents);
            assert!(pair[0].test_queries <= pair[1].test_queries);
        }
        assert_eq!(plans[0].pairs, None);
        assert_eq!(plans[0].test_queries, MIN_QUERIES);
    }

    #[test]
    fn without_a_curve_there_is_time_for_more_documents() {
        assert!(plan(100.0, false).documents > plan(100.0, true).documents);
        assert_eq!(plan(100.0, false).curve_documents, 0);
    }
}
