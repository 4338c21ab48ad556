//! A run: what a system retrieved, with its scores.

mod json;
mod trec;

use std::collections::BTreeMap;

pub(crate) use self::trec::check_trec_id;
use crate::error::MetricsError;
use crate::hash::{IdHasher, Slots};
use crate::ranking::{Documents, ScorePrecision, TieOrder, in_rank_order};

/// Retrieved documents with their scores, by query.
///
/// Ranks follow from the scores alone: score descending, equal scores by document id descending
/// bytewise, as `trec_eval` orders them. Infinite scores are ordinary numbers here; NaN is refused.
/// The order of insertion is kept, for [`TieOrder::Input`].
///
/// A document costs the bytes of its id and 16 more, and up to 16 again while documents are being added: the
/// ids of a query stand in one buffer.
///
/// ```
/// use embedtune_metrics::{Run, ScorePrecision};
///
/// let mut run = Run::new();
/// run.insert("q1", "a", 0.5)?;
/// run.insert("q1", "b", 0.5)?;
/// run.insert("q1", "c", 0.9)?;
/// let ids: Vec<&str> = run.ranking("q1", ScorePrecision::F64).map(|(doc, _)| doc).collect();
/// assert_eq!(ids, ["c", "b", "a"]);
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// Where a query stands in `queries`.
    places: BTreeMap<String, usize>,
    queries: Vec<Retrieved>,
    /// The query that was inserted into last: runs come query by query.
    last: Option<(String, usize)>,
    tag: Option<String>,
}

impl Run {
    /// A run that retrieved nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one retrieved document.
    ///
    /// # Errors
    /// [`MetricsError::NanScore`]; [`MetricsError::DuplicateDocument`] when the query already
    /// retrieved it, whatever the score: `trec_eval` stops there too;
    /// [`MetricsError::QueryTooLarge`] beyond 4 GiB of ids in one query.
    pub fn insert(&mut self, query: &str, doc: &str, score: f64) -> Result<(), MetricsError> {
        if score.is_nan() {
            return Err(MetricsError::NanScore { query: query.to_owned(), doc: doc.to_owned() });
        }
        let place = match &self.last {
            Some((last, place)) if last == query => *place,
            _ => self.place_of(query),
        };
        self.queries[place].push(doc, score).map_err(|problem| match problem {
            Refusal::Duplicate => {
                MetricsError::DuplicateDocument { query: query.to_owned(), doc: doc.to_owned() }
            }
            Refusal::TooLarge => MetricsError::QueryTooLarge { query: query.to_owned() },
        })
    }

    fn place_of(&mut self, query: &str) -> usize {
        let place = match self.places.get(query) {
            Some(&place) => place,
            None => {
                self.queries.push(Retrieved::default());
                self.places.insert(query.to_owned(), self.queries.len() - 1);
                self.queries.len() - 1
            }
        };
        self.last = Some((query.to_owned(), place));
        place
    }

    /// Gives back the memory that only insertion needs; later insertions are as before.
    pub fn shrink_to_fit(&mut self) {
        self.queries.iter_mut().for_each(Retrieved::shrink_to_fit);
        self.queries.shrink_to_fit();
        self.last = None;
    }

    /// The documents of `query` with their scores from rank 1 on; empty for an unknown query.
    pub fn ranking<'a>(
        &'a self,
        query: &str,
        precision: ScorePrecision,
    ) -> impl Iterator<Item = (&'a str, f64)> + use<'a> {
        let retrieved = self.retrieved(query);
        let order = retrieved
            .map(|it| in_rank_order(it, &precision.round_all(&it.scores), TieOrder::IdDescending));
        retrieved.into_iter().zip(order).flat_map(move |(it, order)| {
            order.into_iter().map(move |n| (it.id(n), precision.round(it.scores[n])))
        })
    }

    /// The documents of `query` with their scores as they were inserted; empty for an unknown
    /// query.
    pub fn documents<'a>(&'a self, query: &str) -> impl Iterator<Item = (&'a str, f64)> + use<'a> {
        self.retrieved(query).into_iter().flat_map(Retrieved::iter)
    }

    /// A copy of the scores of the documents that `query` retrieved, by document id.
    pub fn scores(&self, query: &str) -> Option<BTreeMap<String, f64>> {
        let retrieved = self.retrieved(query)?;
        Some(retrieved.iter().map(|(doc, score)| (doc.to_owned(), score)).collect())
    }

    /// The ids of the queries that retrieved something, in order.
    pub fn query_ids(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// The number of queries that retrieved something.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether nothing was retrieved.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The name of the system: the last column of the last line of a TREC file.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// Names the system.
    pub fn set_tag(&mut self, tag: impl Into<String>) {
        self.tag = Some(tag.into());
    }

    pub(crate) fn retrieved(&self, query: &str) -> Option<&Retrieved> {
        self.places.get(query).map(|&place| &self.queries[place])
    }
}

/// Equal when every query retrieved the same documents with the same scores, in whatever order they
/// were inserted and under whatever tag.
impl PartialEq for Run {
    fn eq(&self, other: &Self) -> bool {
        self.places.keys().eq(other.places.keys())
            && self.places.keys().all(|query| self.scores(query) == other.scores(query))
    }
}

/// Why a document was not added.
#[derive(Debug)]
enum Refusal {
    Duplicate,
    TooLarge,
}

/// What one query retrieved, in order of insertion. Entry `n` is the `n`-th document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Retrieved {
    ids: String,
    /// Where the ids end in `ids`.
    ends: Vec<u32>,
    scores: Vec<f64>,
    hashes: Vec<u32>,
    /// Finds duplicates while documents are added; empty when there is no need for it.
    slots: Slots,
}

impl Retrieved {
    fn push(&mut self, doc: &str, score: f64) -> Result<(), Refusal> {
        let entry = self.ends.len();
        let end = u32::try_from(self.ids.len() + doc.len()).map_err(|_| Refusal::TooLarge)?;
        if !self.slots.has_room_for(entry + 1) {
            self.rebuild_slots();
        }
        let hash = IdHasher::new().hash(doc);
        let Self { ids, ends, hashes, slots, .. } = self;
        let is_it = |other: usize| hashes[other] == hash && id_at(ids, ends, other) == doc;
        if slots.insert(hash, entry, is_it).is_some() {
            return Err(Refusal::Duplicate);
        }
        self.ids.push_str(doc);
        self.ends.push(end);
        self.scores.push(score);
        self.hashes.push(hash);
        Ok(())
    }

    fn rebuild_slots(&mut self) {
        self.slots.reset((self.ends.len() + 1) * 2);
        for (entry, &hash) in self.hashes.iter().enumerate() {
            self.slots.insert(hash, entry, |_| false);
        }
    }

    fn shrink_to_fit(&mut self) {
        self.slots.free();
        self.ids.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.scores.shrink_to_fit();
        self.hashes.shrink_to_fit();
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        (0..self.ends.len()).map(|n| (self.id(n), self.scores[n]))
    }

    pub(crate) fn scores(&self) -> &[f64] {
        &self.scores
    }

    pub(crate) fn hashes(&self) -> &[u32] {
        &self.hashes
    }
}

impl Documents for Retrieved {
    #[inline]
    fn id(&self, n: usize) -> &str {
        id_at(&self.ids, &self.ends, n)
    }
}

#[inline]
fn id_at<'a>(ids: &'a str, ends: &[u32], n: usize) -> &'a str {
    let start = if n == 0 { 0 } else { ends[n - 1] as usize };
    &ids[start..ends[n] as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_and_duplicates_are_refused_and_infinity_is_a_number() {
        let mut run = Run::new();
        assert!(matches!(run.insert("q", "a", f64::NAN), Err(MetricsError::NanScore { .. })));
        assert!(run.is_empty());
        run.insert("q", "a", f64::INFINITY).unwrap();
        run.insert("q", "b", f64::NEG_INFINITY).unwrap();
        run.insert("q", "c", 0.0).unwrap();
        assert!(matches!(run.insert("q", "a", 1.0), Err(MetricsError::DuplicateDocument { .. })));
        let ids: Vec<_> = run.ranking("q", ScorePrecision::F64).map(|(doc, _)| doc).collect();
        assert_eq!(ids, ["a", "c", "b"]);
        assert_eq!(run.ranking("none", ScorePrecision::F64).count(), 0);
    }

    #[test]
    fn single_precision_ties_what_double_precision_tells_apart() {
        let mut run = Run::new();
        run.insert("q", "a", 0.700_000_000_01).unwrap();
        run.insert("q", "b", 0.7).unwrap();
        let first = |precision| run.ranking("q", precision).next().map(|(doc, _)| doc);
        assert_eq!(first(ScorePrecision::F64), Some("a"));
        assert_eq!(first(ScorePrecision::F32), Some("b"));
    }

    #[test]
    fn duplicates_are_found_among_many_queries_and_after_shrinking() {
        let mut run = Run::new();
        for n in 0..100 {
            for query in ["q1", "q2", "q1x"] {
                run.insert(query, &format!("d{n}"), f64::from(n)).unwrap();
            }
        }
        run.shrink_to_fit();
        assert!(matches!(
            run.insert("q2", "d57", 1.0),
            Err(MetricsError::DuplicateDocument { query, doc }) if query == "q2" && doc == "d57"
        ));
        run.insert("q2", "d100", 1.0).unwrap();
        assert!(run.insert("q2", "d100", 1.0).is_err());
        assert_eq!(run.documents("q2").count(), 101);
        assert_eq!(run.documents("q1").last(), Some(("d99", 99.0)));
    }

    #[test]
    fn equality_is_about_content() {
        let (mut there, mut back) = (Run::new(), Run::new());
        for (query, doc) in [("q1", "a"), ("q1", "b"), ("q2", "a")] {
            there.insert(query, doc, 1.0).unwrap();
        }
        for (query, doc) in [("q2", "a"), ("q1", "b"), ("q1", "a")] {
            back.insert(query, doc, 1.0).unwrap();
        }
        back.set_tag("other");
        assert_eq!(there, back);
        back.insert("q2", "b", 0.0).unwrap();
        assert_ne!(there, back);
    }
}
