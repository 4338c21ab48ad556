//! Names of measures: `family`, `family@cutoff` and the spellings of `trec_eval`.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use super::{FAMILIES, Measure};
use crate::error::MetricsError;

/// One way to write a family, and what it means with and without a cut-off.
pub(super) struct Spelling {
    /// In lower case.
    pub(super) name: &'static str,
    /// The measure with a cut-off, if it takes one.
    pub(super) cut: Option<fn(NonZeroUsize) -> Measure>,
    /// The measure without a cut-off, if it does without.
    pub(super) whole: Option<Measure>,
}

/// The names that work, one example per way to write each family.
pub(crate) fn known_names() -> String {
    let examples = FAMILIES.iter().map(|spellings| &spellings[0]).flat_map(|spelling| {
        let whole = spelling.whole.map(|_| spelling.name.to_owned());
        let cut = spelling.cut.map(|_| format!("{}@k", spelling.name));
        cut.into_iter().chain(whole)
    });
    examples.collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let family = self.family();
        match self.depth() {
            // `pad` lets tables align names with `{:<12}`.
            Some(cutoff) => f.pad(&format!("{family}@{cutoff}")),
            None => f.pad(family),
        }
    }
}

impl FromStr for Measure {
    type Err = MetricsError;

    fn from_str(name: &str) -> Result<Self, MetricsError> {
        let lower = name.trim().to_ascii_lowercase();
        let (family, cutoff) = split_cutoff(&lower);
        let spelling = FAMILIES
            .iter()
            .flat_map(|spellings| spellings.iter())
            .find(|spelling| spelling.name == family)
            .ok_or_else(|| MetricsError::UnknownMeasure { name: name.to_owned() })?;
        match cutoff {
            None => spelling.whole.ok_or_else(|| refuse(name, "a cut-off", spelling)),
            Some(digits) => {
                let build = spelling.cut.ok_or_else(|| refuse(name, "no cut-off", spelling))?;
                let cutoff = digits
                    .parse()
                    .map_err(|_| refuse(name, "one whole number above 0 as cut-off", spelling))?;
                Ok(build(cutoff))
            }
        }
    }
}

/// Splits at `@`, or at the last `_` or `.` when what follows looks like a list of numbers.
fn split_cutoff(name: &str) -> (&str, Option<&str>) {
    if let Some((family, cutoff)) = name.split_once('@') {
        return (family, Some(cutoff));
    }
    match name.rsplit_once(['_', '.']) {
        Some((family, cutoff)) if cutoff.starts_with(|c: char| c.is_ascii_digit()) => {
            (family, Some(cutoff))
        }
        _ => (name, None),
    }
}

fn refuse(name: &str, expected: &'static str, spelling: &Spelling) -> MetricsError {
    let example = match spelling.cut {
        Some(_) => format!("{}@10", spelling.name),
        None => spelling.name.to_owned(),
    };
    MetricsError::MeasureCutoff { name: name.to_owned(), expected, example }
}

impl From<Measure> for String {
    fn from(measure: Measure) -> Self {
        measure.to_string()
    }
}

impl TryFrom<String> for Measure {
    type Error = MetricsError;

    fn try_from(name: String) -> Result<Self, MetricsError> {
        name.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_leads_to_the_name_that_is_written() {
        let cases = [
            ("ndcg@10", "ndcg@10"),
            ("nDCG@10", "ndcg@10"),
            ("ndcg_cut_10", "ndcg@10"),
            ("ndcg_cut.10", "ndcg@10"),
            ("ndcg", "ndcg"),
            ("P_10", "precision@10"),
            ("P.10", "precision@10"),
            ("P@10", "precision@10"),
            ("precision@5", "precision@5"),
            ("recall_100", "recall@100"),
            ("R@10", "recall@10"),
            ("map", "map"),
            ("AP@100", "map@100"),
            ("map_cut_100", "map@100"),
            ("map@100", "map@100"),
            ("recip_rank", "mrr"),
            ("mrr", "mrr"),
            ("RR@10", "mrr@10"),
            ("success_5", "success@5"),
            ("hit_rate@5", "success@5"),
            ("Rprec", "rprec"),
            (" bpref ", "bpref"),
        ];
        for (given, written) in cases {
            assert_eq!(given.parse::<Measure>().unwrap().to_string(), written, "{given}");
        }
    }

    #[test]
    fn a_name_survives_json() {
        for spelling in FAMILIES.iter().flat_map(|spellings| spellings.iter()) {
            let cut = spelling.cut.map(|cut| cut(NonZeroUsize::MIN));
            for measure in cut.into_iter().chain(spelling.whole) {
                let json = serde_json::to_string(&measure).unwrap();
                assert_eq!(json, format!("\"{measure}\""));
                assert_eq!(serde_json::from_str::<Measure>(&json).unwrap(), measure);
            }
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = "ndgc@10".parse::<Measure>().unwrap_err().to_string();
        assert_eq!(
            message,
            "unknown measure \"ndgc@10\"; known: ndcg@k, ndcg, map@k, map, mrr@k, mrr, recall@k, \
             precision@k, success@k, rprec, bpref"
        );
        assert!("".parse::<Measure>().is_err());
        assert!("@10".parse::<Measure>().is_err());
    }

    #[test]
    fn a_bad_cutoff_says_what_is_expected() {
        let cases = [
            ("recall", "expected a cut-off, for example \"recall@10\""),
            ("ndcg_cut", "expected a cut-off"),
            ("rprec@5", "expected no cut-off, for example \"rprec\""),
            ("ndcg@0", "expected one whole number above 0"),
            ("recall.10,100", "expected one whole number above 0"),
            ("map@", "expected one whole number above 0"),
            ("map@99999999999999999999999", "expected one whole number above 0"),
        ];
        for (name, part) in cases {
            let message = name.parse::<Measure>().unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn names_can_be_aligned() {
        assert_eq!(format!("{:<8}|", Measure::MRR_10), "mrr@10  |");
    }
}
