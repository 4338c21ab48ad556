//! The outcome of an evaluation.

use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use crate::measure::{Measure, Summary};

/// Every measure for every query, and the summaries over them.
///
/// In JSON: `{"queries": 2, "metrics": {"ndcg@10": 0.5}, "missing_queries": [], "query_ids":
/// ["q1", "q2"], "per_query": {"ndcg@10": [1.0, 0.0]}}`, measures in the order they were asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    query_ids: Vec<String>,
    missing_queries: Vec<String>,
    columns: Vec<Column>,
}

/// The values of one measure in order of the queries.
#[derive(Debug, Clone, PartialEq)]
struct Column {
    measure: Measure,
    values: Vec<f64>,
    /// The summary, where it does not follow from the values.
    fixed: Option<f64>,
}

impl Column {
    fn mean(&self) -> f64 {
        Summary::Mean.of(&self.values)
    }

    fn summary(&self) -> f64 {
        self.fixed.unwrap_or_else(|| self.measure.summary().of(&self.values))
    }
}

impl Report {
    /// No query yet; a measure that is named twice is kept once.
    pub(crate) fn new(measures: &[Measure]) -> Self {
        let mut columns: Vec<Column> = Vec::with_capacity(measures.len());
        for &measure in measures {
            if columns.iter().all(|column| column.measure != measure) {
                columns.push(Column { measure, values: Vec::new(), fixed: None });
            }
        }
        Self { query_ids: Vec::new(), missing_queries: Vec::new(), columns }
    }

    pub(crate) fn push(&mut self, query: &str, mut score: impl FnMut(Measure) -> f64) {
        self.query_ids.push(query.to_owned());
        for column in &mut self.columns {
            column.values.push(score(column.measure));
        }
    }

    /// Sets the summary of [`Measure::NumRelevant`], if it was asked for.
    pub(crate) fn set_relevant_total(&mut self, documents: usize) {
        let counted = self.columns.iter_mut().find(|it| it.measure == Measure::NumRelevant);
        if let Some(column) = counted {
            column.fixed = Some(documents as f64);
        }
    }

    pub(crate) fn push_missing(&mut self, query: &str) {
        self.missing_queries.push(query.to_owned());
    }

    /// The number that `trec_eval` prints for all queries, or `None` when the measure was not asked
    /// for: the mean, but the geometric one for [`Measure::GeometricMap`] and its like and the sum
    /// for counts. 0 when no query was evaluated.
    pub fn summary(&self, measure: &Measure) -> Option<f64> {
        self.column(measure).map(Column::summary)
    }

    /// The arithmetic mean of `measure` over the queries, or `None` when it was not asked for. 0
    /// when no query was evaluated.
    pub fn mean(&self, measure: &Measure) -> Option<f64> {
        self.column(measure).map(Column::mean)
    }

    /// The value of `measure` for each of [`Report::query_ids`], or `None` when it was not asked
    /// for.
    pub fn per_query(&self, measure: &Measure) -> Option<&[f64]> {
        self.column(measure).map(|column| column.values.as_slice())
    }

    /// The evaluated queries, in bytewise order of their ids.
    pub fn query_ids(&self) -> &[String] {
        &self.query_ids
    }

    /// Judged queries for which nothing was retrieved: counted as 0 or left out, as
    /// [`EvaluateOptions::complete`](crate::EvaluateOptions::complete) says.
    pub fn missing_queries(&self) -> &[String] {
        &self.missing_queries
    }

    /// The measures, in the order they were asked for.
    pub fn measures(&self) -> impl Iterator<Item = Measure> {
        self.columns.iter().map(|column| column.measure)
    }

    /// The measures with their means, in the order they were asked for.
    pub fn means(&self) -> impl Iterator<Item = (Measure, f64)> {
        self.columns.iter().map(|column| (column.measure, column.mean()))
    }

    /// Whether the summary of `measure` does not follow from the values.
    pub(crate) fn is_fixed(&self, measure: &Measure) -> bool {
        self.column(measure).is_some_and(|column| column.fixed.is_some())
    }

    fn column(&self, measure: &Measure) -> Option<&Column> {
        self.columns.iter().find(|column| column.measure == *measure)
    }
}

impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut report = serializer.serialize_struct("Report", 5)?;
        report.serialize_field("queries", &self.query_ids.len())?;
        report.serialize_field("metrics", &ByMeasure(&self.columns, Column::summary))?;
        report.serialize_field("missing_queries", &self.missing_queries)?;
        report.serialize_field("query_ids", &self.query_ids)?;
        let values = |column: &Column| column.values.clone();
        report.serialize_field("per_query", &ByMeasure(&self.columns, values))?;
        report.end()
    }
}

/// A map from the name of each measure to one thing about its column.
struct ByMeasure<'a, F>(&'a [Column], F);

impl<T: Serialize, F: Fn(&Column) -> T> Serialize for ByMeasure<'_, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for column in self.0 {
            map.serialize_entry(&column.measure, &self.1(column))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_keys_in_the_order_asked_for() {
        let mut report = Report::new(&[Measure::NDCG_10, Measure::MAP_100, Measure::NDCG_10]);
        report.push("q1", |_| 1.0);
        report.push("q2", |measure| if measure == Measure::NDCG_10 { 0.0 } else { 0.5 });
        report.push_missing("q2");
        assert_eq!(
            serde_json::to_string(&report).unwrap(),
            "{\"queries\":2,\"metrics\":{\"ndcg@10\":0.5,\"map@100\":0.75},\
             \"missing_queries\":[\"q2\"],\"query_ids\":[\"q1\",\"q2\"],\
             \"per_query\":{\"ndcg@10\":[1.0,0.0],\"map@100\":[1.0,0.5]}}"
        );
        assert_eq!(report.mean(&Measure::MRR_10), None);
        assert_eq!(report.per_query(&Measure::MAP_100), Some(&[1.0, 0.5][..]));
    }
}
