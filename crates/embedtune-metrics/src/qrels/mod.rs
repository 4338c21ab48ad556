//! Relevance judgements: which document answers which query, and how well.

mod beir;
mod json;
mod trec;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::MetricsError;
use crate::lines::Line;

/// Relevance judgements by query and document, in bytewise order of the ids.
///
/// A grade above 0 is relevant, 0 is judged and not relevant, below 0 is "in the pool, not
/// judged": such a document counts neither as relevant nor as not relevant, as in `trec_eval`. A
/// document that is not listed is not judged either.
///
/// In JSON it is an object of objects: `{"q1": {"d3": 1}}`.
///
/// ```
/// use embedtune_metrics::Qrels;
///
/// let mut qrels = Qrels::new();
/// qrels.insert("q1", "d3", 2)?;
/// qrels.insert("q1", "d7", 0)?;
/// assert_eq!(qrels.relevant("q1").collect::<Vec<_>>(), ["d3"]);
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Qrels {
    queries: BTreeMap<String, BTreeMap<String, i32>>,
}

impl Qrels {
    /// No judgements.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one judgement; the same one twice is no harm.
    ///
    /// # Errors
    /// [`MetricsError::ConflictingGrades`] when the document already has another grade for this
    /// query; the first grade stays.
    pub fn insert(&mut self, query: &str, doc: &str, grade: i32) -> Result<(), MetricsError> {
        // Looking up first keeps one allocation per query instead of one per judgement.
        let judgements = match self.queries.get_mut(query) {
            Some(judgements) => judgements,
            None => self.queries.entry(query.to_owned()).or_default(),
        };
        match judgements.get(doc) {
            Some(&first) if first != grade => Err(MetricsError::ConflictingGrades {
                query: query.to_owned(),
                doc: doc.to_owned(),
                first,
                second: grade,
            }),
            Some(_) => Ok(()),
            None => {
                judgements.insert(doc.to_owned(), grade);
                Ok(())
            }
        }
    }

    /// The judged documents of `query` with their grades, or `None` when it has none.
    pub fn judgements(&self, query: &str) -> Option<&BTreeMap<String, i32>> {
        self.queries.get(query)
    }

    /// Queries with their judged documents, in order of the query id.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &BTreeMap<String, i32>)> {
        self.queries.iter().map(|(query, judgements)| (query.as_str(), judgements))
    }

    /// The ids of the judged queries, in order.
    pub fn query_ids(&self) -> impl Iterator<Item = &str> {
        self.queries.keys().map(String::as_str)
    }

    /// The documents of `query` with a grade above 0, in order of their id.
    pub fn relevant<'a>(&'a self, query: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.judgements(query)
            .into_iter()
            .flatten()
            .filter(|&(_, &grade)| grade > 0)
            .map(|(doc, _)| doc.as_str())
    }

    /// Whether any document of any query has a grade above 0. Without one, every measure is 0.
    pub fn has_relevant(&self) -> bool {
        self.queries.values().any(|judgements| judgements.values().any(|&grade| grade > 0))
    }

    /// The number of judged queries.
    pub fn len(&self) -> usize {
        self.queries.len()
    }

    /// Whether there is no judged query.
    pub fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    /// The number of judgements over all queries.
    pub fn judgement_count(&self) -> usize {
        self.queries.values().map(BTreeMap::len).sum()
    }

    fn insert_at(
        &mut self,
        line: &Line<'_>,
        query: &str,
        doc: &str,
        grade: &str,
    ) -> Result<(), MetricsError> {
        let grade = parse_grade(grade).ok_or_else(|| {
            line.malformed("a whole number as the grade", grade, "use 0, 1, 2, …")
        })?;
        self.insert(query, doc, grade).map_err(|problem| line.at(problem))
    }
}

/// A whole number that may be written as a float (`1.0`), as some exports do.
fn parse_grade(text: &str) -> Option<i32> {
    let text = text.trim();
    if let Ok(grade) = text.parse() {
        return Some(grade);
    }
    whole_number(text.parse().ok()?)
}

fn whole_number(grade: f64) -> Option<i32> {
    let in_range = grade >= f64::from(i32::MIN) && grade <= f64::from(i32::MAX);
    (in_range && grade.fract() == 0.0).then_some(grade as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_two_conflicting_grades_stays() {
        let mut qrels = Qrels::new();
        qrels.insert("q", "d", 1).unwrap();
        qrels.insert("q", "d", 1).unwrap();
        let error = qrels.insert("q", "d", 2).unwrap_err();
        assert!(matches!(error, MetricsError::ConflictingGrades { first: 1, second: 2, .. }));
        assert_eq!(qrels.judgements("q").unwrap()["d"], 1);
        assert_eq!((qrels.len(), qrels.judgement_count()), (1, 1));
    }

    #[test]
    fn grades_are_whole_numbers_however_they_are_written() {
        for (text, grade) in [("1", 1), (" -1 ", -1), ("2.0", 2), ("3e0", 3), ("-0.0", 0)] {
            assert_eq!(parse_grade(text), Some(grade), "{text}");
        }
        for text in ["", "0.5", "nan", "inf", "1e99", "one"] {
            assert_eq!(parse_grade(text), None, "{text}");
        }
    }

    #[test]
    fn tells_when_nothing_is_relevant() {
        let mut qrels = Qrels::new();
        assert!(!qrels.has_relevant());
        qrels.insert("q", "d1", 0).unwrap();
        qrels.insert("q", "d2", -1).unwrap();
        assert!(!qrels.has_relevant());
        assert_eq!(qrels.relevant("q").count(), 0);
        qrels.insert("q", "d3", 1).unwrap();
        assert!(qrels.has_relevant());
        assert_eq!(qrels.relevant("other").count(), 0);
    }
}
