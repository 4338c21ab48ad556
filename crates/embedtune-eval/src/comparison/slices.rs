//! Groups of queries in which a model may do better or worse than on average.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use embedtune_data::Queries;
use embedtune_metrics::Qrels;
use serde::{Deserialize, Serialize};

/// Sources that are shown by name; the smallest beyond are put together.
const MOST_SOURCES: usize = 12;
/// What may end the prefix of an id, as in `nq:17` or `forum-2034`.
const SEPARATORS: &[char] = &[':', '/', '_', '-', '.', '#', '|'];

/// By what queries are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SliceBy {
    /// Where the query comes from.
    Source,
    /// How long it is.
    Length,
    /// How often its documents are relevant in training.
    HeadTail,
}

impl fmt::Display for SliceBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Source => "source",
            Self::Length => "length",
            Self::HeadTail => "head-tail",
        })
    }
}

/// Queries divided into groups; no query is in two.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Slices {
    /// What divides them.
    pub by: SliceBy,
    /// The groups, none of them empty.
    pub groups: Vec<QueryGroup>,
}

/// One group of queries.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueryGroup {
    /// What they have in common, for people.
    pub label: String,
    /// Their ids.
    pub queries: Vec<String>,
}

impl Slices {
    /// Short, medium and long queries: terciles of the number of words (of characters, where all
    /// queries have the same number of words, as in scripts without spaces). Queries of one
    /// length stay together, so the groups may differ in size, and there may be fewer than three.
    pub fn by_length(queries: &Queries) -> Self {
        let words = |text: &String| text.split_whitespace().count();
        let characters = |text: &String| text.chars().count();
        let mut lengths: Vec<usize> = queries.texts().iter().map(words).collect();
        let mut unit = "words";
        if lengths.iter().collect::<BTreeSet<_>>().len() < 2 {
            lengths = queries.texts().iter().map(characters).collect();
            unit = "characters";
        }
        let [low, high] = terciles(&lengths);
        let mut groups: [Vec<(usize, String)>; 3] = Default::default();
        for (&length, id) in lengths.iter().zip(queries.ids()) {
            let group = usize::from(length > low) + usize::from(length > high);
            groups[group].push((length, id.clone()));
        }
        let named = ["short", "medium", "long"].into_iter().zip(groups);
        let groups = named.filter_map(|(name, members)| {
            let shortest = members.iter().map(|(length, _)| length).min()?;
            let longest = members.iter().map(|(length, _)| length).max()?;
            let label = format!("{name} ({} {unit})", range(*shortest, *longest));
            Some(QueryGroup { label, queries: members.into_iter().map(|(_, id)| id).collect() })
        });
        Self { by: SliceBy::Length, groups: groups.collect() }
    }

    /// By how often the documents of a query are relevant in `train`: never, rarely, often. What
    /// counts is the most frequent of its relevant documents; "often" is more than the median of
    /// those that occur at all.
    ///
    /// A gain on the frequent documents alone is a model that learnt these documents, not the
    /// language of the domain. Queries without a relevant document are in no group.
    pub fn head_tail(train: &Qrels, judged: &Qrels) -> Self {
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for query in train.query_ids() {
            for document in train.relevant(query) {
                *times.entry(document).or_default() += 1;
            }
        }
        let of = |document: &str| times.get(document).copied().unwrap_or(0);
        let queries: Vec<(usize, &str)> = judged
            .query_ids()
            .filter_map(|query| Some((judged.relevant(query).map(of).max()?, query)))
            .collect();
        let mut seen: Vec<usize> =
            queries.iter().map(|(times, _)| *times).filter(|it| *it > 0).collect();
        seen.sort_unstable();
        let median = seen.get(seen.len().saturating_sub(1) / 2).copied().unwrap_or(0);
        let group = |label: String, belongs: &dyn Fn(usize) -> bool| {
            let members = queries.iter().filter(|(times, _)| belongs(*times));
            let queries: Vec<String> = members.map(|(_, query)| (*query).to_owned()).collect();
            (!queries.is_empty()).then_some(QueryGroup { label, queries })
        };
        let groups = [
            group(format!("tail (in train {}×)", range(1, median)), &|it| 0 < it && it <= median),
            group(format!("head (in train > {median}×)"), &|it| it > median),
            group("not in train".to_owned(), &|it| it == 0),
        ];
        Self { by: SliceBy::HeadTail, groups: groups.into_iter().flatten().collect() }
    }

    /// By the source of each query, `(query id, source)`: the largest group first. Beyond twelve
    /// sources, the smallest are put together.
    pub fn by_source<'a>(sources: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut by_name: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (query, source) in sources {
            by_name.entry(source).or_default().push(query.to_owned());
        }
        let named = by_name.into_iter();
        let mut groups: Vec<QueryGroup> =
            named.map(|(name, queries)| QueryGroup { label: name.to_owned(), queries }).collect();
        // The sort is stable: groups of one size stay in order of their names.
        groups.sort_by_key(|group| std::cmp::Reverse(group.queries.len()));
        if groups.len() > MOST_SOURCES {
            let rest = groups.split_off(MOST_SOURCES - 1);
            let label = format!("{} smaller sources", rest.len());
            let queries = rest.into_iter().flat_map(|group| group.queries).collect();
            groups.push(QueryGroup { label, queries });
        }
        Self { by: SliceBy::Source, groups }
    }

    /// By what their ids begin with, as in `nq:17` and `forum-2034`. `None` unless every id has
    /// such a prefix with a letter in it, and there are at least two queries for each of at least
    /// two prefixes on average: otherwise the ids are numbered in another way.
    pub fn by_id_prefix(queries: &Queries) -> Option<Self> {
        let prefix = |id: &'_ String| {
            let (prefix, _) = id.split_once(SEPARATORS)?;
            prefix.contains(char::is_alphabetic).then(|| prefix.to_owned())
        };
        let prefixes: Vec<String> = queries.ids().iter().map(prefix).collect::<Option<_>>()?;
        let distinct = prefixes.iter().collect::<BTreeSet<_>>().len();
        let ids = queries.ids().iter().map(String::as_str);
        (distinct >= 2 && 2 * distinct <= prefixes.len())
            .then(|| Self::by_source(ids.zip(prefixes.iter().map(String::as_str))))
    }

    /// Whether there are two groups or more.
    pub fn is_divided(&self) -> bool {
        self.groups.len() > 1
    }
}

/// The smallest values that at least one and two thirds of `values` do not exceed.
fn terciles(values: &[usize]) -> [usize; 2] {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let at = |thirds: usize| {
        let place = (thirds * sorted.len()).div_ceil(3).saturating_sub(1);
        sorted.get(place).copied().unwrap_or(0)
    };
    [at(1), at(2)]
}

/// `4`, or `4–9`.
fn range(low: usize, high: usize) -> String {
    if low >= high { low.to_string() } else { format!("{low}–{high}") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn queries(lengths: &[usize]) -> Queries {
        let mut queries = Queries::new();
        for (number, &length) in lengths.iter().enumerate() {
            queries.push(format!("q{number}"), vec!["w"; length].join(" "));
        }
        queries
    }

    fn labels(slices: &Slices) -> Vec<(&str, usize)> {
        slices.groups.iter().map(|it| (it.label.as_str(), it.queries.len())).collect()
    }

    proptest! {
        /// The twin counts, for each length, how many queries are no longer.
        #[test]
        fn terciles_are_what_counting_says(values in prop::collection::vec(0usize..9, 1..40)) {
            let share = |limit: usize| values.iter().filter(|&&it| it <= limit).count() * 3;
            let counted = |thirds: usize| {
                (0..).find(|&limit| share(limit) >= thirds * values.len()).unwrap()
            };
            prop_assert_eq!(terciles(&values), [counted(1), counted(2)]);
        }

        #[test]
        fn each_query_is_in_one_group_of_its_length(lengths in prop::collection::vec(1usize..30, 2..40)) {
            let slices = Slices::by_length(&queries(&lengths));
            let mut all: Vec<&String> = slices.groups.iter().flat_map(|it| &it.queries).collect();
            prop_assert_eq!(all.len(), lengths.len());
            all.sort_unstable();
            all.dedup();
            prop_assert_eq!(all.len(), lengths.len());
            let length = |id: &String| lengths[id[1..].parse::<usize>().unwrap()];
            let longest = slices.groups.iter().map(|it| it.queries.iter().map(length).max().unwrap());
            let longest: Vec<usize> = longest.collect();
            for (group, longest_before) in slices.groups[1..].iter().zip(&longest) {
                prop_assert!(group.queries.iter().all(|id| length(id) > *longest_before));
            }
        }

        /// The twin asks for each query and document how many training queries it answers.
        #[test]
        fn head_and_tail_are_what_counting_says(
            train in prop::collection::vec((0u8..20, 0u8..6), 1..40),
            judged in prop::collection::vec((0u8..12, 0u8..9), 1..30),
        ) {
            let qrels = |pairs: &[(u8, u8)]| {
                let mut qrels = Qrels::new();
                for (query, document) in pairs {
                    qrels.insert(&format!("q{query}"), &format!("d{document}"), 1).unwrap();
                }
                qrels
            };
            let times = |document: u8| {
                (0u8..20).filter(|query| train.contains(&(*query, document))).count()
            };
            let best = |query: u8| {
                judged.iter().filter(|it| it.0 == query).map(|it| times(it.1)).max()
            };
            let mut seen: Vec<usize> = (0u8..12).filter_map(best).filter(|it| *it > 0).collect();
            seen.sort_unstable();
            let slices = Slices::head_tail(&qrels(&train), &qrels(&judged));
            for group in &slices.groups {
                for id in &group.queries {
                    let it = best(id[1..].parse().unwrap()).unwrap();
                    let above = seen.iter().filter(|other| **other < it).count();
                    // More than the median: at least half of those seen are below.
                    let head = it > 0 && 2 * above >= seen.len();
                    let expected = if it == 0 { "not" } else if head { "head" } else { "tail" };
                    prop_assert!(group.label.starts_with(expected), "{} {it} {seen:?}", group.label);
                }
            }
            let in_groups: usize = slices.groups.iter().map(|it| it.queries.len()).sum();
            prop_assert_eq!(in_groups, (0u8..12).filter_map(best).count());
        }
    }

    #[test]
    fn lengths_are_labelled_with_what_is_in_the_group() {
        let slices = Slices::by_length(&queries(&[2, 3, 5, 7, 9, 30]));
        assert_eq!(
            labels(&slices),
            [("short (2–3 words)", 2), ("medium (5–7 words)", 2), ("long (9–30 words)", 2)]
        );
        let same = Slices::by_length(&queries(&[4, 4, 4]));
        assert_eq!(labels(&same), [("short (7 characters)", 3)]);
        assert!(!same.is_divided());
        assert!(Slices::by_length(&Queries::new()).groups.is_empty());
    }

    #[test]
    fn queries_of_one_word_are_divided_by_characters() {
        let mut queries = Queries::new();
        for (id, text) in [("a", "猫"), ("b", "犬犬"), ("c", "鳥鳥鳥")] {
            queries.push(id, text);
        }
        let slices = Slices::by_length(&queries);
        assert_eq!(slices.groups[2].label, "long (3 characters)");
    }

    #[test]
    fn small_sources_are_put_together() {
        let pairs: Vec<(String, String)> = (0..60)
            .map(|number| (format!("q{number}"), format!("s{:02}", (number % 20).min(14))))
            .collect();
        let slices = Slices::by_source(pairs.iter().map(|(q, s)| (q.as_str(), s.as_str())));
        assert_eq!(slices.groups.len(), MOST_SOURCES);
        assert_eq!((slices.groups[0].label.as_str(), slices.groups[0].queries.len()), ("s14", 18));
        assert_eq!(slices.groups[MOST_SOURCES - 1].label, "4 smaller sources");
        let total: usize = slices.groups.iter().map(|it| it.queries.len()).sum();
        assert_eq!(total, 60);
    }

    #[test]
    fn prefixes_of_ids_are_sources_only_where_they_look_like_it() {
        let of = |ids: &[&str]| {
            let mut queries = Queries::new();
            for id in ids {
                queries.push(*id, "text");
            }
            Slices::by_id_prefix(&queries)
        };
        let slices = of(&["nq:1", "nq:2", "forum-1", "forum-2", "forum-3"]).unwrap();
        assert_eq!(labels(&slices), [("forum", 3), ("nq", 2)]);
        for ids in
            [&["q1", "q2"][..], &["1-a", "2-b", "2-c", "1-d"], &["a-1", "b-1"], &["a-1", "a-2"]]
        {
            assert_eq!(of(ids), None, "{ids:?}");
        }
    }
}
