//! From the names after `-m` to the lines that are printed.

use std::num::NonZeroUsize;

use super::table::{Kind, Row, nickname, rows};
use crate::error::MetricsError;
use crate::measure::{Measure, Parameter};

/// How many documents `relstring` shows unless told otherwise.
const RELSTRING_LENGTH: usize = 10;

/// A line for each query, and one for all of them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    /// As it is printed.
    pub(super) name: String,
    pub(super) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum What {
    RunId,
    RelString(usize),
    Value(Measure),
}

/// The items that `names` ask for in the order of `trec_eval`, other measures of this crate behind
/// them, and the names that were passed over because parameters had been given before.
pub(super) fn select(names: &[&str]) -> Result<(Vec<Item>, Vec<String>), MetricsError> {
    let rows = rows();
    let mut wanted: Vec<Wanted> = rows.iter().map(|_| Wanted::default()).collect();
    let mut others: Vec<Item> = Vec::new();
    let mut ignored = Vec::new();
    for &name in names {
        if let Some(members) = nickname(name) {
            for member in members {
                wanted[place(&rows, member).ok_or_else(|| unknown(name))?].default = true;
            }
        } else if let Some((at, parameters)) = by_trec_name(&rows, name) {
            match parameters {
                None => wanted[at].default = true,
                Some(_) if wanted[at].parameters.is_some() => ignored.push(name.to_owned()),
                Some(parameters) => wanted[at].parameters = Some(parameters.to_owned()),
            }
        } else if let Some((at, parameters)) = by_full_name(&rows, name) {
            wanted[at].single.push(parameters.to_owned());
        } else {
            let measure: Measure = name.parse()?;
            let item = Item { name: measure.to_string(), what: What::Value(measure) };
            if !others.contains(&item) {
                others.push(item);
            }
        }
    }
    let mut items = Vec::new();
    for (row, wanted) in rows.iter().zip(wanted) {
        wanted.items(row, &mut items)?;
    }
    items.extend(others);
    Ok((items, ignored))
}

fn unknown(name: &str) -> MetricsError {
    MetricsError::UnknownMeasure { name: name.to_owned() }
}

fn place(rows: &[Row], name: &str) -> Option<usize> {
    rows.iter().position(|row| row.name == name)
}

/// `name` or `name.parameters`, as on the command line of `trec_eval`.
fn by_trec_name<'a>(rows: &[Row], name: &'a str) -> Option<(usize, Option<&'a str>)> {
    match name.split_once('.') {
        Some((root, parameters)) => Some((place(rows, root)?, Some(parameters))),
        None => Some((place(rows, name)?, None)),
    }
}

/// `name_parameters`, as values are called in the output and in `pytrec_eval`.
fn by_full_name<'a>(rows: &[Row], name: &'a str) -> Option<(usize, &'a str)> {
    let fits = |(at, row): (usize, &Row)| {
        let parameters = name.strip_prefix(row.name)?.strip_prefix('_')?;
        let takes_them = !matches!(row.kind, Kind::Plain(_) | Kind::RunId);
        let is_number = parameters.starts_with(|c: char| c.is_ascii_digit() || c == '.');
        (takes_them && is_number).then_some((at, parameters))
    };
    rows.iter().enumerate().find_map(fits)
}

/// What was asked for of a row.
#[derive(Default)]
struct Wanted {
    default: bool,
    /// `name.parameters`; the first time counts.
    parameters: Option<String>,
    /// Values that were named one by one.
    single: Vec<String>,
}

impl Wanted {
    fn items(&self, row: &Row, items: &mut Vec<Item>) -> Result<(), MetricsError> {
        if !self.default && self.parameters.is_none() && self.single.is_empty() {
            return Ok(());
        }
        let whole = self.default || self.parameters.is_some();
        match row.kind {
            Kind::Plain(_) | Kind::RunId => self.plain(row, items),
            Kind::Cutoffs(default, build) => {
                let cutoffs = self.list(row, whole.then_some(default), parse_cutoff)?;
                items.extend(cutoffs.into_iter().filter_map(NonZeroUsize::new).map(|cutoff| {
                    let name = format!("{}_{cutoff}", row.name);
                    Item { name, what: What::Value(build(cutoff)) }
                }));
                Ok(())
            }
            Kind::Numbers(default, build) => {
                let numbers = self.list(row, whole.then_some(default), parse_number)?;
                items.extend(numbers.into_iter().filter_map(Parameter::new).map(|number| {
                    let name = format!("{}_{:.2}", row.name, number.get());
                    Item { name, what: What::Value(build(number)) }
                }));
                Ok(())
            }
            Kind::RelString | Kind::Parameters(_) | Kind::Pairs(_) => self.single_value(row, items),
        }
    }

    fn plain(&self, row: &Row, items: &mut Vec<Item>) -> Result<(), MetricsError> {
        if self.parameters.is_some() {
            return Err(refuse(row, "no parameters", row.name.to_owned()));
        }
        let what = match row.kind {
            Kind::Plain(measure) => What::Value(measure),
            _ => What::RunId,
        };
        items.push(Item { name: row.name.to_owned(), what });
        Ok(())
    }

    /// The values of a list in ascending order: those given, or the default, and single ones.
    fn list<T: Copy + PartialOrd>(
        &self,
        row: &Row,
        default: Option<&[T]>,
        parse: fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, MetricsError> {
        let bad = || refuse(row, "numbers separated by commas, none twice", example(row));
        let mut values = match (&self.parameters, default) {
            (Some(text), _) => {
                text.split(',').map(parse).collect::<Option<Vec<T>>>().ok_or_else(bad)?
            }
            (None, default) => default.unwrap_or_default().to_vec(),
        };
        values.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        if values.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(bad());
        }
        for text in &self.single {
            let value = parse(text).ok_or_else(bad)?;
            if let Err(at) = values
                .binary_search_by(|it| it.partial_cmp(&value).unwrap_or(std::cmp::Ordering::Equal))
            {
                values.insert(at, value);
            }
        }
        Ok(values)
    }

    fn single_value(&self, row: &Row, items: &mut Vec<Item>) -> Result<(), MetricsError> {
        let given = self.parameters.iter().chain(&self.single);
        let before = items.len();
        for text in given {
            let name = format!("{}_{text}", row.name);
            items.push(Item { name, what: with_parameters(row, text)? });
        }
        if items.len() == before {
            let what = match row.kind {
                Kind::Parameters(measure) | Kind::Pairs(measure) => What::Value(measure),
                _ => What::RelString(RELSTRING_LENGTH),
            };
            items.push(Item { name: row.name.to_owned(), what });
        }
        Ok(())
    }
}

fn with_parameters(row: &Row, text: &str) -> Result<What, MetricsError> {
    match row.kind {
        Kind::RelString => {
            let bad = || refuse(row, "a number of documents", "relstring.20".to_owned());
            Ok(What::RelString(parse_cutoff(text).ok_or_else(bad)?))
        }
        Kind::Pairs(_) if !text.contains('=') => {
            Err(refuse(row, "pairs such as 1=3,2=9", format!("{}.1=3,2=9", row.name)))
        }
        _ => format!("{}({text})", row.name).parse().map(What::Value),
    }
}

fn refuse(row: &Row, expected: &'static str, example: String) -> MetricsError {
    MetricsError::MeasureCutoff { name: row.name.to_owned(), expected, example }
}

fn example(row: &Row) -> String {
    match row.kind {
        Kind::Numbers(..) => format!("{}.0.2,0.5", row.name),
        _ => format!("{}.10,100", row.name),
    }
}

/// A whole number above 0; a fraction is cut off, as in `trec_eval`.
fn parse_cutoff(text: &str) -> Option<usize> {
    let number: f64 = text.trim().parse().ok()?;
    // Beyond that, numbers have gaps; no ranking is that long.
    (number >= 1.0 && number <= 2f64.powi(53)).then_some(number as usize)
}

fn parse_number(text: &str) -> Option<f64> {
    Parameter::new(text.trim().parse().ok()?).map(Parameter::get)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(given: &[&str]) -> Vec<String> {
        select(given).unwrap().0.into_iter().map(|item| item.name).collect()
    }

    #[test]
    fn parameters_are_sorted_and_the_order_is_that_of_the_table() {
        assert_eq!(
            names(&["ndcg_cut.20,10,23.4", "P.5,7,3", "map"]),
            ["map", "P_3", "P_5", "P_7", "ndcg_cut_10", "ndcg_cut_20", "ndcg_cut_23"]
        );
        assert_eq!(
            names(&["iprec_at_recall..10,.5"]),
            ["iprec_at_recall_0.10", "iprec_at_recall_0.50"]
        );
        assert_eq!(names(&["ndcg.1=3,2=9", "rbp.p=0.8"]), ["ndcg_1=3,2=9", "rbp_p=0.8"]);
        assert_eq!(names(&["11pt_avg..25,.5", "set_F.2"]), ["11pt_avg_.25,.5", "set_F_2"]);
    }

    #[test]
    fn values_can_be_named_one_by_one_and_own_measures_follow() {
        assert_eq!(
            names(&["mrr@10", "P_10", "P_5", "recall_0100", "err@20", "mrr@10"]),
            ["P_5", "P_10", "recall_100", "mrr@10", "err@20"]
        );
        assert_eq!(names(&["relstring_5", "relstring_7"]), ["relstring_5", "relstring_7"]);
        assert_eq!(names(&["iprec_at_recall_0.10"]), ["iprec_at_recall_0.10"]);
        assert_eq!(names(&["success_5", "success"]), ["success_1", "success_5", "success_10"]);
    }

    #[test]
    fn the_first_parameters_count() {
        let (items, ignored) = select(&["P.5", "P.10", "P"]).unwrap();
        assert_eq!(items.len(), 1);
        assert_eq!(ignored, ["P.10"]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for bad in [
            "P.0",
            "P.-1",
            "P.5,5",
            "P.x",
            "map.5",
            "ndcg.10",
            "nope",
            "all_prefs",
            "P.",
            "utility.1",
        ] {
            assert!(select(&[bad]).is_err(), "{bad}");
        }
    }
}
