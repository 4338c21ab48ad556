//! Means and deviations of a reference set of runs, to print how far a run is from them.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::Path;

use crate::error::MetricsError;
use crate::lines::{self, Line, Lines};

/// What `trec_eval -Z` prints where there is no reference.
const MISSING: f64 = -1_000_000.0;

/// Mean and standard deviation of each measure for each query over a set of runs.
///
/// ```
/// use embedtune_metrics::ZScores;
///
/// let zscores = ZScores::read_from("q1 map 0.25 0.125\n".as_bytes(), "zscores")?;
/// assert_eq!(zscores.score("q1", "map", 0.5), 2.0);
/// assert_eq!(zscores.score("q1", "P_5", 0.5), -1_000_000.0);
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ZScores {
    queries: BTreeMap<String, BTreeMap<String, Spread>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Spread {
    mean: f64,
    deviation: f64,
}

impl ZScores {
    /// Reads lines `query measure mean deviation`, separated by white space; measures are called as
    /// `trec_eval` prints them. Blank lines are skipped.
    ///
    /// # Errors
    /// Names the file, the line and the remedy: unreadable, not UTF-8, another number of columns,
    /// not a number.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, MetricsError> {
        let path = path.as_ref();
        Self::read_from(lines::open(path)?, &path.display().to_string())
    }

    /// [`ZScores::read`] from any reader; `name` stands for the file in errors.
    ///
    /// # Errors
    /// As [`ZScores::read`].
    pub fn read_from(reader: impl BufRead, name: &str) -> Result<Self, MetricsError> {
        let mut lines = Lines::new(reader, name);
        let mut queries: BTreeMap<String, BTreeMap<String, Spread>> = BTreeMap::new();
        while let Some(line) = lines.next_line()? {
            if line.text.trim().is_empty() {
                continue;
            }
            let (query, measure, spread) = columns(&line)?;
            queries.entry(query.to_owned()).or_default().insert(measure.to_owned(), spread);
        }
        Ok(Self { queries })
    }

    /// How many standard deviations `value` is above the mean; -1000000 when the mean is not known,
    /// or the deviation is 0 and the value another.
    pub fn score(&self, query: &str, measure: &str, value: f64) -> f64 {
        match self.queries.get(query).and_then(|measures| measures.get(measure)) {
            Some(spread) if spread.deviation != 0.0 => (value - spread.mean) / spread.deviation,
            Some(spread) if spread.mean == value => 0.0,
            _ => MISSING,
        }
    }
}

fn columns<'a>(line: &Line<'a>) -> Result<(&'a str, &'a str, Spread), MetricsError> {
    let mut parts = line.text.split_ascii_whitespace();
    let mut next = || parts.next();
    let (Some(query), Some(measure), Some(mean), Some(deviation), None) =
        (next(), next(), next(), next(), next())
    else {
        let remedy = "write four columns separated by spaces";
        return Err(line.malformed("query measure mean deviation", line.text, remedy));
    };
    let number = |text: &str| {
        let parsed = text.parse().ok().filter(|it: &f64| it.is_finite());
        parsed.ok_or_else(|| line.malformed("a finite number", text, "write it with digits"))
    };
    Ok((query, measure, Spread { mean: number(mean)?, deviation: number(deviation)? }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deviation_of_zero_knows_one_value() {
        let zscores = ZScores::read_from("q num_rel 4 0\n".as_bytes(), "z").unwrap();
        assert_eq!(zscores.score("q", "num_rel", 4.0), 0.0);
        assert_eq!(zscores.score("q", "num_rel", 5.0), MISSING);
        assert_eq!(zscores.score("other", "num_rel", 4.0), MISSING);
    }

    #[test]
    fn every_bad_line_is_named() {
        for (text, part) in [
            ("q map 1\n", "z, line 1: expected query measure mean deviation"),
            ("q map 1 2\nq map x 2\n", "line 2: expected a finite number, got \"x\""),
            ("q map 1 2 3\n", "line 1"),
        ] {
            let message = ZScores::read_from(text.as_bytes(), "z").unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
