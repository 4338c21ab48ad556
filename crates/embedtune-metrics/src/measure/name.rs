//! Names of measures: `family`, `family@cutoff`, `family(parameters)` and the spellings of
//! `trec_eval`.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use super::Measure;
use super::families::{FAMILIES, Shown};
use crate::error::MetricsError;

/// One way to write a family, and what it takes.
pub(super) struct Spelling {
    /// In lower case.
    pub(super) name: &'static str,
    pub(super) takes: Takes,
}

/// What stands behind the name of a family.
pub(super) enum Takes {
    Nothing(Measure),
    Cutoff(fn(NonZeroUsize) -> Measure),
    CutoffOrNothing(fn(NonZeroUsize) -> Measure, Measure),
    Parameters {
        /// The measure without parameters, if it does without.
        default: Option<Measure>,
        parse: fn(&str) -> Option<Measure>,
        expected: &'static str,
        /// Whole names that work, the first of them being the usual one.
        examples: &'static [&'static str],
    },
}

/// The names that work, one example per way to write each family.
pub(crate) fn known_names() -> String {
    let examples = |spelling: &'static Spelling| match spelling.takes {
        Takes::Nothing(_) => vec![spelling.name.to_owned()],
        Takes::Cutoff(_) => vec![format!("{}@k", spelling.name)],
        Takes::CutoffOrNothing(..) => {
            vec![format!("{}@k", spelling.name), spelling.name.to_owned()]
        }
        Takes::Parameters { examples, .. } => examples.iter().map(|&it| it.to_owned()).collect(),
    };
    let names: Vec<String> = FAMILIES.iter().flat_map(|it| examples(&it[0])).collect();
    names.join(", ")
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (spellings, shown) = self.written();
        let family = spellings[0].name;
        // `pad` lets tables align names with `{:<12}`.
        match shown {
            Shown::Nothing => f.pad(family),
            Shown::Cutoff(cutoff) => f.pad(&format!("{family}@{cutoff}")),
            Shown::Number(number) => f.pad(&format!("{family}@{number}")),
            Shown::Bracket(text) | Shown::BracketAndCutoff(text, None) => {
                f.pad(&format!("{family}({text})"))
            }
            Shown::BracketAndCutoff(text, Some(cutoff)) => {
                f.pad(&format!("{family}({text})@{cutoff}"))
            }
        }
    }
}

impl FromStr for Measure {
    type Err = MetricsError;

    fn from_str(name: &str) -> Result<Self, MetricsError> {
        let lower = name.trim().to_ascii_lowercase();
        let (spelling, rest) =
            split(&lower).ok_or_else(|| MetricsError::UnknownMeasure { name: name.to_owned() })?;
        let refuse = |expected, example: String| MetricsError::MeasureCutoff {
            name: name.to_owned(),
            expected,
            example,
        };
        let at_ten = || format!("{}@10", spelling.name);
        let cut = |build: fn(NonZeroUsize) -> Self, text: &str| {
            let expected = "one whole number above 0 as cut-off";
            parse_cutoff(text).map(build).ok_or_else(|| refuse(expected, at_ten()))
        };
        match (&spelling.takes, rest) {
            (Takes::Nothing(measure) | Takes::CutoffOrNothing(_, measure), None) => Ok(*measure),
            (Takes::Nothing(_), Some(_)) => Err(refuse("no cut-off", spelling.name.to_owned())),
            (Takes::Cutoff(_), None) => Err(refuse("a cut-off", at_ten())),
            (Takes::Cutoff(build) | Takes::CutoffOrNothing(build, _), Some(text)) => {
                cut(*build, text)
            }
            (Takes::Parameters { default, parse, expected, examples }, rest) => {
                rest.map_or(*default, parse).ok_or_else(|| refuse(expected, examples[0].to_owned()))
            }
        }
    }
}

/// Splits a name into its family, the longest that fits, and what stands behind it without the
/// separator: `@`, `_`, `.` or brackets.
fn split(name: &str) -> Option<(&'static Spelling, Option<&str>)> {
    let fits = |spelling: &'static Spelling| {
        let rest = name.strip_prefix(spelling.name)?;
        match rest.chars().next() {
            None => Some((spelling, None)),
            Some('@' | '_' | '.') => Some((spelling, Some(&rest[1..]))),
            // `name(a)@b` keeps its closing bracket, for those that take both.
            Some('(') => Some((spelling, Some(rest[1..].strip_suffix(')').unwrap_or(&rest[1..])))),
            Some(_) => None,
        }
    };
    let all = FAMILIES.iter().flat_map(|spellings| spellings.iter()).filter_map(fits);
    all.max_by_key(|(spelling, _)| spelling.name.len())
}

pub(super) fn parse_cutoff(text: &str) -> Option<NonZeroUsize> {
    text.parse().ok()
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
            ("iprec_at_recall_0.10", "iprec_at_recall@0.1"),
            ("iprec_at_recall.1", "iprec_at_recall@1"),
            ("11pt_avg", "11pt_avg"),
            ("11pt_avg..25,.5,.75", "11pt_avg(0.25,0.5,0.75)"),
            ("Rprec_mult_0.20", "rprec_mult@0.2"),
            ("ndcg.1=3.5,2=9.0", "ndcg(1=3.5,2=9)"),
            ("ndcg_rel", "ndcg_rel"),
            ("Rndcg.1=2", "rndcg(1=2)"),
            ("relative_P_5", "relative_precision@5"),
            ("set_F.0.5", "set_f(0.5)"),
            ("set_F", "set_f"),
            ("utility.2,-1,0,0", "utility(2,-1,0,0)"),
            ("utility.1,-1,0,0", "utility"),
            ("num_rel_ret", "num_rel_ret"),
            ("unj_20", "unjudged@20"),
            ("rbp", "rbp"),
            ("rbp.p=0.8", "rbp(p=0.8)"),
            ("rbp_binary(p=0.8)", "rbp_binary(p=0.8)"),
            ("rbp(1=0.5,p=0.5)", "rbp(p=0.5,1=0.5)"),
            ("err@20", "err@20"),
            ("err(max=3)@20", "err(max=3)@20"),
            ("err(max=3)", "err(max=3)"),
            ("ndcg_burges@10", "ndcg_exp@10"),
            ("map_capped@100", "map_capped@100"),
        ];
        for (given, written) in cases {
            assert_eq!(given.parse::<Measure>().unwrap().to_string(), written, "{given}");
        }
    }

    #[test]
    fn a_name_survives_json() {
        for spelling in FAMILIES.iter().flat_map(|spellings| spellings.iter()) {
            let measures: Vec<Measure> = match spelling.takes {
                Takes::Nothing(measure) => vec![measure],
                Takes::Cutoff(cut) => vec![cut(NonZeroUsize::MIN)],
                Takes::CutoffOrNothing(cut, whole) => vec![cut(NonZeroUsize::MIN), whole],
                Takes::Parameters { default, examples, .. } => {
                    examples.iter().map(|name| name.parse().unwrap()).chain(default).collect()
                }
            };
            for measure in measures {
                let json = serde_json::to_string(&measure).unwrap();
                assert_eq!(json, format!("\"{measure}\""));
                assert_eq!(serde_json::from_str::<Measure>(&json).unwrap(), measure);
            }
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let message = "ndgc@10".parse::<Measure>().unwrap_err().to_string();
        let start = "unknown measure \"ndgc@10\"; known: ndcg@10, ndcg(1=3,2=9), map@k, map, mrr@k, mrr, \
                     recall@k, precision@k, success@k, rprec, bpref, ";
        assert!(message.starts_with(start), "{message}");
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
            ("iprec_at_recall", "expected a share of the relevant documents"),
            ("utility.1,2", "expected four numbers"),
            ("rbp(p=2)", "expected p, above 0 and below 1"),
            ("ndcg(1=2,1=3)", "or a gain for each"),
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
