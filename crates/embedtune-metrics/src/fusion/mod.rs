//! Merging the runs of several systems into one: a dense model with BM25, several models, several
//! chunks of a query.
//!
//! | method | a document's fused score | when |
//! |---|---|---|
//! | [`FusionMethod::ReciprocalRank`] | `Σ w / (k + rank)` | scores of the systems are not comparable; needs no tuning: the first choice |
//! | [`FusionMethod::CombSum`] | `Σ w · score` | scores are comparable or [normalised](Normalization); weights can be tuned |
//! | [`FusionMethod::CombMnz`] | `Σ w · score`, times the number of runs that found it | agreement between systems is worth more than a high score in one |
//!
//! Sums run over the runs that retrieved the document, in the order of the runs. A document that a
//! run did not retrieve gets nothing from it, see [`MissingScore`]; a query that it does not have
//! likewise. So runs need not be about the same queries: the fused run has all of them.
//!
//! **Ties.** Ranks within a run are those of `trec_eval`: score descending, equal scores by
//! document id descending. Fused scores that are equal rank by the same rule, when the fused run
//! is evaluated.
//!
//! Values agree with ranx where its definitions do: it breaks ties by order of insertion and
//! refuses runs about different queries.
//!
//! ```
//! use embedtune_metrics::fusion::{FusionOptions, fuse};
//! use embedtune_metrics::{Run, ScorePrecision};
//!
//! let (mut dense, mut bm25) = (Run::new(), Run::new());
//! for (doc, score) in [("a", 0.9), ("b", 0.8), ("c", 0.7)] {
//!     dense.insert("q1", doc, score)?;
//! }
//! for (doc, score) in [("b", 12.0), ("d", 9.5)] {
//!     bm25.insert("q1", doc, score)?;
//! }
//! let fused = fuse(&[&dense, &bm25], &FusionOptions::default())?;
//! let ids: Vec<&str> = fused.ranking("q1", ScorePrecision::F64).map(|(doc, _)| doc).collect();
//! assert_eq!(ids, ["b", "a", "d", "c"]);
//! # Ok::<(), embedtune_metrics::MetricsError>(())
//! ```

mod normalize;
mod options;

use std::collections::{BTreeMap, BTreeSet};

use self::normalize::Contribution;
pub use self::options::{FusionMethod, FusionOptions, MissingScore, Normalization};
use crate::error::MetricsError;
use crate::ranking::ScorePrecision;
use crate::run::Run;

/// Merges `runs` into one, see the [module](self) for the methods.
///
/// One run is merged into its normalised self. The fused run holds every document that some run
/// retrieved, or the best [`FusionOptions::keep`] of them per query.
///
/// # Errors
/// [`MetricsError::InvalidOption`] and [`MetricsError::UnequalLengths`] for options that do not
/// fit; [`MetricsError::BadScore`] for infinite scores, except by ranks.
pub fn fuse(runs: &[&Run], options: &FusionOptions) -> Result<Run, MetricsError> {
    options.validate(runs.len())?;
    let queries: BTreeSet<&str> = runs.iter().flat_map(|run| run.query_ids()).collect();
    let mut fused = Run::new();
    for query in queries {
        let mut documents: Vec<(&str, f64)> = fuse_query(runs, query, options)?;
        // As the fused run will rank them, so that `keep` keeps the best.
        documents.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then_with(|| b.0.cmp(a.0)));
        for (doc, score) in documents.into_iter().take(options.keep.unwrap_or(usize::MAX)) {
            fused.insert(query, doc, score)?;
        }
    }
    Ok(fused)
}

/// What the documents of one query have collected so far.
#[derive(Default)]
struct Collected {
    sum: f64,
    runs: usize,
}

fn fuse_query<'a>(
    runs: &[&'a Run],
    query: &str,
    options: &FusionOptions,
) -> Result<Vec<(&'a str, f64)>, MetricsError> {
    let mut rankings = Vec::with_capacity(runs.len());
    for run in runs {
        let ranking = run.ranking(query, ScorePrecision::F64);
        let ranking: Vec<(&str, f64)> = ranking.take(options.depth.unwrap_or(usize::MAX)).collect();
        let scores: Vec<f64> = ranking.iter().map(|&(_, score)| score).collect();
        rankings.push((ranking, Contribution::of(&scores, options)?));
    }
    let mut documents: BTreeMap<&str, Collected> = BTreeMap::new();
    for (index, (ranking, contribution)) in rankings.iter().enumerate() {
        for (&(doc, _), value) in ranking.iter().zip(&contribution.values) {
            let collected = documents.entry(doc).or_default();
            collected.sum += options.weight(index) * value;
            collected.runs += 1;
        }
    }
    if options.missing == MissingScore::Lowest {
        add_missing(&mut documents, &rankings, options);
    }
    let score = |it: Collected| match options.method {
        FusionMethod::CombMnz => it.sum * it.runs as f64,
        FusionMethod::CombSum | FusionMethod::ReciprocalRank { .. } => it.sum,
    };
    Ok(documents.into_iter().map(|(doc, collected)| (doc, score(collected))).collect())
}

/// Gives the documents that a run did not retrieve the lowest value that it gave.
fn add_missing<'a>(
    documents: &mut BTreeMap<&'a str, Collected>,
    rankings: &[(Vec<(&'a str, f64)>, Contribution)],
    options: &FusionOptions,
) {
    for (index, (ranking, contribution)) in rankings.iter().enumerate() {
        let retrieved: BTreeSet<&str> = ranking.iter().map(|&(doc, _)| doc).collect();
        let lowest = options.weight(index) * contribution.lowest();
        for (doc, collected) in documents.iter_mut() {
            if !retrieved.contains(doc) {
                collected.sum += lowest;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(documents: &[(&str, &str, f64)]) -> Run {
        let mut run = Run::new();
        for (query, doc, score) in documents {
            run.insert(query, doc, *score).unwrap();
        }
        run
    }

    fn scores(run: &Run, query: &str) -> Vec<(String, f64)> {
        run.ranking(query, ScorePrecision::F64)
            .map(|(doc, score)| (doc.to_owned(), score))
            .collect()
    }

    fn named(expected: &[(&str, f64)]) -> Vec<(String, f64)> {
        expected.iter().map(|&(doc, score)| (doc.to_owned(), score)).collect()
    }

    fn pair() -> (Run, Run) {
        let first = run(&[("q", "a", 3.0), ("q", "b", 2.0), ("q", "c", 1.0)]);
        (first, run(&[("q", "b", 20.0), ("q", "d", 10.0)]))
    }

    #[test]
    fn reciprocal_ranks_add_up() {
        let (first, second) = pair();
        let fused = fuse(&[&first, &second], &FusionOptions::default()).unwrap();
        let at = |rank: f64| 1.0 / (60.0 + rank);
        let expected =
            named(&[("b", at(2.0) + at(1.0)), ("a", at(1.0)), ("d", at(2.0)), ("c", at(3.0))]);
        assert_eq!(scores(&fused, "q"), expected);
    }

    #[test]
    fn sums_and_counts_by_hand() {
        let (first, second) = pair();
        let options = FusionOptions::default().with_normalization(Normalization::MinMax);
        let sum = options.clone().with_method(FusionMethod::CombSum);
        let fused = fuse(&[&first, &second], &sum).unwrap();
        assert_eq!(scores(&fused, "q"), named(&[("b", 1.5), ("a", 1.0), ("d", 0.0), ("c", 0.0)]));
        let weighted = sum.with_weights([0.5, 2.0]);
        let fused = fuse(&[&first, &second], &weighted).unwrap();
        assert_eq!(scores(&fused, "q")[0], ("b".to_owned(), 0.25 + 2.0));
        let mnz = options.with_method(FusionMethod::CombMnz);
        assert_eq!(scores(&fuse(&[&first, &second], &mnz).unwrap(), "q")[0].1, 3.0);
    }

    #[test]
    fn a_missing_document_gets_nothing_or_the_lowest() {
        let (first, second) = pair();
        let options = FusionOptions::default()
            .with_method(FusionMethod::CombSum)
            .with_normalization(Normalization::ZScore);
        let zero = fuse(&[&first, &second], &options).unwrap();
        let lowest = fuse(&[&first, &second], &options.with_missing(MissingScore::Lowest)).unwrap();
        // "a" is missing from the second run, whose lowest z-score is -1.
        let of = |run: &Run| run.scores("q").unwrap()["a"];
        assert!((of(&zero) - of(&lowest) - 1.0).abs() < 1e-12);
        assert_eq!(zero.scores("q").unwrap()["b"], lowest.scores("q").unwrap()["b"]);
    }

    #[test]
    fn queries_of_one_run_alone_are_kept() {
        let first = run(&[("q1", "a", 1.0)]);
        let second = run(&[("q2", "b", 1.0)]);
        let fused = fuse(&[&first, &second], &FusionOptions::default()).unwrap();
        assert_eq!(fused.query_ids().collect::<Vec<_>>(), ["q1", "q2"]);
    }

    #[test]
    fn depth_cuts_the_input_and_keep_the_output() {
        let (first, second) = pair();
        let options = FusionOptions::default().with_depth(1);
        let fused = fuse(&[&first, &second], &options).unwrap();
        assert_eq!(scores(&fused, "q").len(), 2);
        let fused = fuse(&[&first, &second], &FusionOptions::default().with_keep(1)).unwrap();
        assert_eq!(scores(&fused, "q").len(), 1);
        assert_eq!(scores(&fused, "q")[0].0, "b");
    }

    #[test]
    fn options_that_do_not_fit_are_refused() {
        let (first, second) = pair();
        let of = |options: FusionOptions| fuse(&[&first, &second], &options).unwrap_err();
        assert!(matches!(
            of(FusionOptions::default().with_weights([1.0])),
            MetricsError::UnequalLengths { expected: 2, got: 1, .. }
        ));
        for bad in [
            FusionOptions::default().with_weights([1.0, f64::NAN]),
            FusionOptions::default().with_depth(0),
            FusionOptions::default().with_keep(0),
            FusionOptions::default().with_method(FusionMethod::ReciprocalRank { k: -1.0 }),
        ] {
            assert!(matches!(of(bad), MetricsError::InvalidOption { .. }));
        }
        assert!(matches!(
            fuse(&[], &FusionOptions::default()),
            Err(MetricsError::InvalidOption { option: "runs", .. })
        ));
        let infinite = run(&[("q", "a", f64::INFINITY), ("q", "b", 1.0)]);
        assert!(fuse(&[&infinite], &FusionOptions::default()).is_ok());
        let sum = FusionOptions::default().with_method(FusionMethod::CombSum);
        assert!(matches!(fuse(&[&infinite], &sum), Err(MetricsError::BadScore { .. })));
    }
}
