//! Which column is which.

use std::{fmt, str::FromStr};

use crate::DataError;

/// Well-known names of each role, in lower case.
const ANCHORS: &[&str] =
    &["anchor", "query", "question", "sentence1", "sentence_1", "sentence_a", "text1", "text_a"];
const POSITIVES: &[&str] = &[
    "positive",
    "positives",
    "pos",
    "answer",
    "document",
    "doc",
    "passage",
    "context",
    "response",
    "sentence2",
    "sentence_2",
    "sentence_b",
    "text2",
    "text_b",
];
const NEGATIVES: &[&str] =
    &["negative", "negatives", "neg", "negs", "hard_negative", "hard_negatives"];
const LABELS: &[&str] = &["label", "labels", "score", "scores", "similarity"];

/// Which column holds which text of a row.
///
/// ```
/// use embedtune_data::ColumnMap;
///
/// # fn main() -> Result<(), embedtune_data::DataError> {
/// let map: ColumnMap = "anchor=title,positive=body,negative=bad_1,negative=bad_2".parse()?;
/// assert_eq!(map.anchor, "title");
/// assert_eq!(map.negatives, ["bad_1", "bad_2"]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ColumnMap {
    /// Column of the query, or of the first text of a labelled pair.
    pub anchor: String,
    /// Column of the relevant document, or of the second text of a labelled pair.
    pub positive: String,
    /// Columns of the irrelevant documents, in the order that rows will have them.
    pub negatives: Vec<String>,
    /// Column of the label.
    pub label: Option<String>,
}

/// Why columns do not tell which text is which.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnProblem {
    /// No column for a role that every row needs.
    NoColumn {
        /// The role.
        role: &'static str,
    },
    /// Several columns could have the role.
    Ambiguous {
        /// The role.
        role: &'static str,
        /// The columns.
        columns: Vec<String>,
    },
    /// The map names a column that is not there.
    Absent {
        /// Name of the column.
        column: String,
    },
    /// The same column has two roles, or the header has it twice.
    Twice {
        /// Name of the column.
        column: String,
    },
    /// A row cannot have both a label and negatives.
    LabelAndNegatives,
    /// A part of a map that is not `role=column`.
    Syntax {
        /// The part.
        part: String,
    },
}

impl fmt::Display for ColumnProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoColumn { role } => write!(f, "no column is known to be the {role}"),
            Self::Ambiguous { role, columns } => {
                write!(f, "several columns could be the {role}: {}", columns.join(", "))
            }
            Self::Absent { column } => write!(f, "there is no column `{column}`"),
            Self::Twice { column } => write!(f, "column `{column}` is there twice"),
            Self::LabelAndNegatives => {
                f.write_str("a row has either a label or negatives, not both")
            }
            Self::Syntax { part } => write!(
                f,
                "`{part}` is not role=column with the roles anchor, positive, negative, label"
            ),
        }
    }
}

impl ColumnMap {
    /// A map of pairs.
    pub fn new(anchor: impl Into<String>, positive: impl Into<String>) -> Self {
        Self { anchor: anchor.into(), positive: positive.into(), ..Self::default() }
    }

    /// Adds a column of negatives.
    pub fn with_negative(mut self, column: impl Into<String>) -> Self {
        self.negatives.push(column.into());
        self
    }

    /// Sets the column of the label.
    pub fn with_label(mut self, column: impl Into<String>) -> Self {
        self.label = Some(column.into());
        self
    }

    /// Finds the roles by well-known names, whatever their case: `anchor`, `query`, `question` …;
    /// `positive`, `answer`, `document`, `passage` …; `negative`, `negatives`, `negative_1` to
    /// `negative_n` …; `label`, `score` ….
    ///
    /// # Errors
    /// If a role has no such column, or more than one.
    pub fn recognise(columns: &[String]) -> Result<Self, ColumnProblem> {
        let anchor = one("anchor", columns, ANCHORS)?.ok_or(NO_ANCHOR)?;
        let positive = one("positive", columns, POSITIVES)?.ok_or(NO_POSITIVE)?;
        let map = Self {
            anchor,
            positive,
            negatives: negatives(columns)?,
            label: one("label", columns, LABELS)?,
        };
        map.check(columns)?;
        Ok(map)
    }

    /// Checks the map against the columns of a file.
    pub(crate) fn check(&self, columns: &[String]) -> Result<(), ColumnProblem> {
        if self.label.is_some() && !self.negatives.is_empty() {
            return Err(ColumnProblem::LabelAndNegatives);
        }
        match self.names().find(|&name| !columns.iter().any(|column| column == name)) {
            Some(name) => Err(ColumnProblem::Absent { column: name.to_owned() }),
            None => Ok(()),
        }
    }

    /// Every column that has a role.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        [&self.anchor, &self.positive]
            .into_iter()
            .chain(&self.negatives)
            .chain(&self.label)
            .map(String::as_str)
    }
}

const NO_ANCHOR: ColumnProblem = ColumnProblem::NoColumn { role: "anchor" };
const NO_POSITIVE: ColumnProblem = ColumnProblem::NoColumn { role: "positive" };

impl FromStr for ColumnMap {
    type Err = DataError;

    /// Parses `role=column` parts separated by commas; the role `negative` may come several times.
    fn from_str(text: &str) -> Result<Self, DataError> {
        parse(text).map_err(|problem| DataError::ColumnMap { text: text.to_owned(), problem })
    }
}

impl fmt::Display for ColumnMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "anchor={},positive={}", self.anchor, self.positive)?;
        for negative in &self.negatives {
            write!(f, ",negative={negative}")?;
        }
        match &self.label {
            Some(label) => write!(f, ",label={label}"),
            None => Ok(()),
        }
    }
}

fn parse(text: &str) -> Result<ColumnMap, ColumnProblem> {
    let (mut anchor, mut positive, mut label) = (None, None, None);
    let mut negatives = Vec::new();
    for part in text.split(',') {
        let syntax = || ColumnProblem::Syntax { part: part.to_owned() };
        let (role, column) = part.split_once('=').ok_or_else(syntax)?;
        let (role, column) = (role.trim(), column.trim().to_owned());
        if column.is_empty() {
            return Err(syntax());
        }
        let (name, slot) = match role {
            "anchor" => ("anchor", &mut anchor),
            "positive" => ("positive", &mut positive),
            "label" => ("label", &mut label),
            "negative" => {
                negatives.push(column);
                continue;
            }
            _ => return Err(syntax()),
        };
        if let Some(before) = slot.replace(column.clone()) {
            return Err(ColumnProblem::Ambiguous { role: name, columns: vec![before, column] });
        }
    }
    let map = ColumnMap {
        anchor: anchor.ok_or(NO_ANCHOR)?,
        positive: positive.ok_or(NO_POSITIVE)?,
        negatives,
        label,
    };
    let names: Vec<String> = map.names().map(str::to_owned).collect();
    match first_repeated(&names) {
        Some(column) => Err(ColumnProblem::Twice { column: column.to_owned() }),
        None => map.check(&names).map(|()| map),
    }
}

/// The only column among `known`, if there is one.
fn one(
    role: &'static str,
    columns: &[String],
    known: &[&str],
) -> Result<Option<String>, ColumnProblem> {
    let mut found: Vec<String> = columns
        .iter()
        .filter(|column| known.contains(&column.to_ascii_lowercase().as_str()))
        .cloned()
        .collect();
    match found.len() {
        0 | 1 => Ok(found.pop()),
        _ => Err(ColumnProblem::Ambiguous { role, columns: found }),
    }
}

/// One column of negatives, or numbered ones (`negative_1`, `negative_2`, …) in numeric order.
fn negatives(columns: &[String]) -> Result<Vec<String>, ColumnProblem> {
    let mut found: Vec<(String, Option<u64>, &String)> = columns
        .iter()
        .filter_map(|column| {
            let name = column.to_ascii_lowercase();
            let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
            let number = name[stem.len()..].parse().ok();
            let stem = stem.trim_end_matches('_').to_owned();
            let known = NEGATIVES.contains(&stem.as_str()) && (number.is_some() || stem == name);
            known.then_some((stem, number, column))
        })
        .collect();
    let same_stem = found.iter().all(|(stem, ..)| *stem == found[0].0);
    let numbered = found.iter().all(|(_, number, _)| number.is_some());
    if found.len() > 1 && !(same_stem && numbered) {
        let columns = found.into_iter().map(|(_, _, column)| column.clone()).collect();
        return Err(ColumnProblem::Ambiguous { role: "negative", columns });
    }
    found.sort_by_key(|&(_, number, _)| number);
    Ok(found.into_iter().map(|(_, _, column)| column.clone()).collect())
}

/// A name that occurs twice.
pub(crate) fn first_repeated(names: &[String]) -> Option<&str> {
    names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)).map(|(_, n)| n.as_str())
}
