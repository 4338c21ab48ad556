//! The lines of `trec_eval`, and the same as JSON.

use std::fmt;

use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Serialize, Serializer};

use super::TrecEval;
use super::select::What;
use crate::measure::Summary;
use crate::report::Report;

/// Values in the order of `trec_eval`. [`fmt::Display`] writes its lines, byte for byte.
///
/// In JSON: `{"run": "tag", "queries": 2, "metrics": {"map": 0.5}, "per_query": {"q1": {"map":
/// 0.5}}, "missing_queries": []}`, with every digit; what was not asked for is left out.
#[derive(Debug, Clone)]
pub struct TrecEvalOutput {
    rows: Vec<OutputRow>,
    query_ids: Vec<String>,
    missing_queries: Vec<String>,
    per_query: bool,
    summary: bool,
    zscored: bool,
    run: String,
}

/// One measure: a line for each query and one for all.
#[derive(Debug, Clone)]
struct OutputRow {
    name: String,
    values: Values,
}

#[derive(Debug, Clone)]
enum Values {
    RunId,
    Strings(Vec<String>),
    Numbers { values: Vec<f64>, all: f64, count: bool, kind: Summary },
}

impl TrecEvalOutput {
    pub(super) fn new(
        asked: &TrecEval,
        report: Report,
        strings: &[String],
        tag: Option<&str>,
    ) -> Self {
        let rows = asked.items.iter().map(|item| {
            let values = match item.what {
                What::RunId => Values::RunId,
                What::RelString(length) => {
                    Values::Strings(shown(asked, &report, strings, &item.name, length))
                }
                What::Value(measure) => numbers(asked, &report, measure, &item.name),
            };
            OutputRow { name: item.name.clone(), values }
        });
        Self {
            rows: rows.collect(),
            query_ids: report.query_ids().to_vec(),
            missing_queries: report.missing_queries().to_vec(),
            per_query: asked.per_query,
            summary: asked.summary,
            zscored: asked.zscores.is_some(),
            run: tag.unwrap_or("-").to_owned(),
        }
    }

    /// Judged queries that retrieved nothing. Without
    /// [`complete`](crate::EvaluateOptions::complete) they are left out; `trec_eval` 9 does so
    /// without a word, version 10 stops.
    pub fn missing_queries(&self) -> &[String] {
        &self.missing_queries
    }

    /// The evaluated queries, in bytewise order of their ids.
    pub fn query_ids(&self) -> &[String] {
        &self.query_ids
    }

    /// The value of the measure that is printed as `name` for all queries, `None` for an unknown
    /// one.
    pub fn summary(&self, name: &str) -> Option<f64> {
        self.rows.iter().find(|row| row.name == name).and_then(|row| match row.values {
            Values::Numbers { all, .. } => Some(all),
            _ => None,
        })
    }

    fn write_number(
        &self,
        f: &mut fmt::Formatter<'_>,
        row: &OutputRow,
        query: &str,
        value: f64,
        count: bool,
    ) -> fmt::Result {
        let name = &row.name;
        match (self.zscored, count) {
            (true, _) => writeln!(f, "Z{name:<22}\t{query}\t{value:6.4}"),
            (false, true) => writeln!(f, "{name:<22}\t{query}\t{}", value as i64),
            (false, false) => writeln!(f, "{name:<22}\t{query}\t{value:6.4}"),
        }
    }

    fn write_query(&self, f: &mut fmt::Formatter<'_>, n: usize, query: &str) -> fmt::Result {
        for row in &self.rows {
            match &row.values {
                Values::Strings(strings) => {
                    writeln!(f, "{:<22}\t{query}\t'{}'", row.name, strings[n])?;
                }
                Values::Numbers { values, count, kind, .. } if kind.is_printed_per_query() => {
                    self.write_number(f, row, query, values[n], *count)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// The first `length` signs of each string.
///
/// `trec_eval -c` scores a missing query as one document that nobody judged, and hides it when the
/// measure has its default name.
fn shown(
    asked: &TrecEval,
    report: &Report,
    strings: &[String],
    name: &str,
    length: usize,
) -> Vec<String> {
    let is_missing = |query: &String| report.missing_queries().binary_search(query).is_ok();
    let shows_missing = name != "relstring" && !asked.options.judged_only;
    let of_query = |(query, string): (&String, &String)| {
        if shows_missing && is_missing(query) {
            "-".to_owned()
        } else {
            string.chars().take(length).collect()
        }
    };
    report.query_ids().iter().zip(strings).map(of_query).collect()
}

fn numbers(asked: &TrecEval, report: &Report, measure: crate::Measure, name: &str) -> Values {
    let mut values = report.per_query(&measure).unwrap_or_default().to_vec();
    let kind = measure.summary();
    let mut all = report.summary(&measure).unwrap_or_default();
    if let Some(zscores) = &asked.zscores {
        for (value, query) in values.iter_mut().zip(report.query_ids()) {
            *value = zscores.score(query, name, *value);
        }
        // The number of relevant documents of `-c` is set, not summed up.
        if !report.is_fixed(&measure) {
            all = kind.of(&values);
        }
    }
    Values::Numbers { values, all, count: measure.is_count(), kind }
}

impl fmt::Display for TrecEvalOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.per_query {
            for (n, query) in self.query_ids.iter().enumerate() {
                self.write_query(f, n, query)?;
            }
        }
        if self.summary {
            for row in &self.rows {
                match &row.values {
                    Values::RunId => writeln!(f, "{:<22}\tall\t{}", row.name, self.run)?,
                    Values::Strings(_) => {}
                    Values::Numbers { all, count, .. } => {
                        self.write_number(f, row, "all", *all, *count)?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Serialize for TrecEvalOutput {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut output = serializer.serialize_struct("TrecEvalOutput", 5)?;
        output.serialize_field("run", &self.run)?;
        output.serialize_field("queries", &self.query_ids.len())?;
        if self.summary {
            output.serialize_field("metrics", &All(self))?;
        }
        if self.per_query {
            output.serialize_field("per_query", &Queries(self))?;
        }
        output.serialize_field("missing_queries", &self.missing_queries)?;
        output.end()
    }
}

struct All<'a>(&'a TrecEvalOutput);

impl Serialize for All<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for row in &self.0.rows {
            if let Values::Numbers { all, .. } = row.values {
                map.serialize_entry(&row.name, &all)?;
            }
        }
        map.end()
    }
}

struct Queries<'a>(&'a TrecEvalOutput);

impl Serialize for Queries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.query_ids.len()))?;
        for (n, query) in self.0.query_ids.iter().enumerate() {
            map.serialize_entry(query, &Query(self.0, n))?;
        }
        map.end()
    }
}

struct Query<'a>(&'a TrecEvalOutput, usize);

impl Serialize for Query<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for row in &self.0.rows {
            match &row.values {
                Values::RunId => {}
                Values::Strings(strings) => map.serialize_entry(&row.name, &strings[self.1])?,
                Values::Numbers { values, .. } => {
                    map.serialize_entry(&row.name, &values[self.1])?
                }
            }
        }
        map.end()
    }
}
