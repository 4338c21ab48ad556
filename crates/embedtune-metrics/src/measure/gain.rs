//! Measures of cumulated gain whose gains can be given.

use super::name::{Spelling, Takes};
use super::{Gains, Measure, total};
use crate::ranking::GradedRanking;

const EXPECTED: &str = "a gain for each of up to 8 grades, none of them twice";

pub(super) const DCG: &[Spelling] = &[Spelling {
    name: "dcg",
    takes: Takes::Parameters {
        default: Some(Measure::Dcg { gains: Gains::GRADES }),
        parse: |text| Some(Measure::Dcg { gains: Gains::parse(text)? }),
        expected: EXPECTED,
        examples: &["dcg", "dcg(1=3,2=9)"],
    },
}];

pub(super) const IDEAL_DCG: &[Spelling] = &[Spelling {
    name: "ideal_dcg",
    takes: Takes::Parameters {
        default: Some(Measure::IdealDcg { gains: Gains::GRADES }),
        parse: |text| Some(Measure::IdealDcg { gains: Gains::parse(text)? }),
        expected: EXPECTED,
        examples: &["ideal_dcg"],
    },
}];

pub(super) const NDCG_REL: &[Spelling] = &[Spelling {
    name: "ndcg_rel",
    takes: Takes::Parameters {
        default: Some(Measure::RelevantNdcg { gains: Gains::GRADES }),
        parse: |text| Some(Measure::RelevantNdcg { gains: Gains::parse(text)? }),
        expected: EXPECTED,
        examples: &["ndcg_rel"],
    },
}];

pub(super) const RNDCG: &[Spelling] = &[Spelling {
    name: "rndcg",
    takes: Takes::Parameters {
        default: Some(Measure::LevelNdcg { gains: Gains::GRADES }),
        parse: |text| Some(Measure::LevelNdcg { gains: Gains::parse(text)? }),
        expected: EXPECTED,
        examples: &["rndcg"],
    },
}];

pub(super) const G: &[Spelling] = &[Spelling {
    name: "g",
    takes: Takes::Parameters {
        default: Some(Measure::NormalizedGain { gains: Gains::GRADES }),
        parse: |text| Some(Measure::NormalizedGain { gains: Gains::parse(text)? }),
        expected: EXPECTED,
        examples: &["g"],
    },
}];

/// What was gained at which rank, where it is not 0.
fn gained(query: &GradedRanking, gains: Gains) -> Vec<(u32, f64)> {
    // -1 is a document outside the pool, -2 one in the pool that nobody judged.
    let of = |grade: i32| gains.of(if grade < 0 { -2 } else { grade });
    let hits = query.top(None).iter().map(|hit| (hit.rank, of(hit.grade)));
    let unjudged = gains.of(-1);
    if unjudged == 0.0 {
        return hits.filter(|&(_, gain)| gain != 0.0).collect();
    }
    let mut all: Vec<(u32, f64)> =
        (1..).map(|rank| (rank, unjudged)).take(query.retrieved()).collect();
    hits.for_each(|(rank, gain)| all[rank as usize - 1].1 = gain);
    all.retain(|&(_, gain)| gain != 0.0);
    all
}

/// Positive gains of all judged documents in the order of the best ranking.
fn ideal(query: &GradedRanking, gains: Gains) -> Vec<f64> {
    if gains.are_grades() {
        return query.ideal_top(None).iter().map(|&grade| f64::from(grade)).collect();
    }
    let levels = by_whole_gain(levels(query, gains));
    // `trec_eval` looks at the gain of the best level before it looks for documents there.
    if levels.last().is_none_or(|best| best.gain <= 0.0) {
        return Vec::new();
    }
    let filled = levels.iter().rev().filter(|level| level.documents > 0);
    let positive = filled.take_while(|level| level.gain > 0.0);
    positive.flat_map(|level| std::iter::repeat_n(level.gain, level.documents)).collect()
}

/// A grade's gain, and how many documents were judged to be of it.
#[derive(Debug, Clone, Copy)]
struct Level {
    gain: f64,
    documents: usize,
}

/// The levels as `trec_eval` lists them: those with a given gain first, then the other grades up to
/// the greatest that a document has. Beyond grade 1000, grades without a document are left out.
fn levels(query: &GradedRanking, gains: Gains) -> Vec<Level> {
    let judged = query.ideal_top(None);
    let count = |grade: i32| match grade {
        0 => query.zeros(),
        _ => {
            let above = judged.partition_point(|&other| other > grade);
            judged[above..].partition_point(|&other| other == grade)
        }
    };
    let given = gains
        .get()
        .iter()
        .map(|&(grade, gain)| Level { gain: gain.get(), documents: count(grade) });
    let greatest = judged.first().copied().unwrap_or(0);
    let high = judged.iter().rev().copied().filter(|&grade| grade > 1000);
    let mut others: Vec<i32> = (0..=greatest.min(1000)).chain(high).collect();
    others.dedup();
    others.retain(|&grade| gains.get().iter().all(|&(named, _)| named != grade));
    let other = |grade| Level { gain: f64::from(grade), documents: count(grade) };
    given.chain(others.into_iter().map(other)).collect()
}

/// Sorts levels by gain as `trec_eval` does: gains that are less than 1 apart count as equal, which
/// is no order at all, so that the outcome depends on the steps of the sort. They are those of the
/// merge sort in the C library it is used with.
fn by_whole_gain(mut levels: Vec<Level>) -> Vec<Level> {
    if levels.len() < 2 {
        return levels;
    }
    let upper = by_whole_gain(levels.split_off(levels.len() / 2));
    let (mut lower, mut upper) =
        (by_whole_gain(levels).into_iter().peekable(), upper.into_iter().peekable());
    let mut merged = Vec::new();
    while let (Some(a), Some(b)) = (lower.peek(), upper.peek()) {
        let takes_lower = (a.gain - b.gain) as i32 <= 0;
        merged.extend(if takes_lower { lower.next() } else { upper.next() });
    }
    merged.extend(lower.chain(upper));
    merged
}

/// Twin of [`ideal`] for gains at least 1 apart.
#[cfg(test)]
fn sorted_ideal(query: &GradedRanking, gains: Gains) -> Vec<f64> {
    let zeros = std::iter::repeat_n(0, query.zeros());
    let grades = query.ideal_top(None).iter().copied().chain(zeros);
    let mut all: Vec<f64> =
        grades.map(|grade| gains.of(grade)).filter(|&gain| gain > 0.0).collect();
    all.sort_unstable_by(|a, b| b.total_cmp(a));
    all
}

fn discount(rank: u32) -> f64 {
    f64::from(rank + 1).log2()
}

/// The discounted ideal gain up to each rank: entry `r` is that of the first `r` ranks.
fn ideal_sums(ideal: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0; ideal.len() + 1];
    for (n, gain) in ideal.iter().enumerate() {
        sums[n + 1] = sums[n] + gain / discount(n as u32 + 1);
    }
    sums
}

fn discounted(gained: &[(u32, f64)]) -> f64 {
    total(gained.iter().map(|&(rank, gain)| gain / discount(rank)))
}

pub(super) fn dcg(query: &GradedRanking, gains: Gains) -> f64 {
    discounted(&gained(query, gains))
}

pub(super) fn ideal_dcg(query: &GradedRanking, gains: Gains) -> f64 {
    ideal_sums(&ideal(query, gains)).last().copied().unwrap_or(0.0)
}

pub(super) fn ndcg(query: &GradedRanking, gains: Gains) -> f64 {
    match ideal_dcg(query, gains) {
        0.0 => 0.0,
        ideal => dcg(query, gains) / ideal,
    }
}

/// nDCG at each document that gains something, those that were not retrieved at the end.
pub(super) fn ndcg_rel(query: &GradedRanking, gains: Gains) -> f64 {
    let ideal_sums = ideal_sums(&ideal(query, gains));
    let relevant = ideal_sums.len() - 1;
    if relevant == 0 {
        return 0.0;
    }
    let (mut dcg, mut sum, mut retrieved) = (0.0, 0.0, 0);
    for (rank, gain) in gained(query, gains) {
        dcg += gain / discount(rank);
        if gain > 0.0 {
            sum += dcg / ideal_sums[(rank as usize).min(relevant)];
            retrieved += 1;
        }
    }
    // Documents that nobody judged may have been given a gain: then more than all are retrieved.
    let missed = relevant as f64 - f64::from(retrieved);
    sum += missed * dcg / ideal_sums[relevant];
    if sum > 0.0 { sum / relevant as f64 } else { 0.0 }
}

/// nDCG before each rank where the ideal gain falls, and at the end.
pub(super) fn rndcg(query: &GradedRanking, gains: Gains) -> f64 {
    let ideal = ideal(query, gains);
    if query.relevant() == 0 || ideal.is_empty() {
        return 0.0;
    }
    let (ideal_sums, gained) = (ideal_sums(&ideal), gained(query, gains));
    let mut sum = 0.0;
    let mut samples = 0;
    let mut sample = |dcg: f64, ideal_dcg: f64| {
        sum += dcg / ideal_dcg;
        samples += 1;
    };
    let (mut dcg, mut rest) = (0.0, gained.as_slice());
    for (last, &ideal_dcg) in ideal_sums.iter().enumerate().skip(1) {
        if ideal.get(last) != ideal.get(last - 1) {
            let end = rest.partition_point(|&(rank, _)| rank as usize <= last);
            dcg = rest[..end].iter().fold(dcg, |dcg, &(rank, gain)| dcg + gain / discount(rank));
            rest = &rest[end..];
            sample(dcg, ideal_dcg);
        }
    }
    if query.retrieved() > ideal.len() + 1 {
        let dcg = rest.iter().fold(dcg, |dcg, &(rank, gain)| dcg + gain / discount(rank));
        sample(dcg, ideal_sums[ideal.len()]);
    }
    sum / f64::from(samples)
}

/// The gain of each document over the logarithm of how far the ranking was behind the ideal, which
/// gains at least 1 at every rank.
pub(super) fn g(query: &GradedRanking, gains: Gains) -> f64 {
    let ideal = ideal(query, gains);
    let best = total(ideal.iter().copied());
    if best == 0.0 {
        return 0.0;
    }
    let (mut cost, mut gain_so_far, mut sum, mut at) = (0.0, 0.0, 0.0, 0);
    for (rank, gain) in gained(query, gains) {
        while at < rank as usize {
            cost += ideal.get(at).map_or(1.0, |gain| gain.max(1.0));
            at += 1;
        }
        gain_so_far += gain;
        let discounted = gain / f64::log2(2.0 + cost - gain_so_far);
        // Documents that nobody judged may be given so much that the logarithm has no value.
        sum += if discounted.is_finite() { discounted } else { gain };
    }
    sum / best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::tests::graded;

    fn gains(text: &str) -> Gains {
        Gains::parse(text).unwrap()
    }

    #[test]
    fn given_gains_replace_grades_in_ranking_and_ideal() {
        let query = graded(&[1, 0, 2], &[2]);
        let log3 = 3f64.log2();
        assert_eq!(dcg(&query, gains("1=3,2=9")), 3.0 + 9.0 / 2.0);
        assert_eq!(ideal_dcg(&query, gains("1=3,2=9")), 9.0 + 9.0 / log3 + 3.0 / 2.0);
        assert_eq!(ndcg(&query, Gains::GRADES), (1.0 + 2.0 / 2.0) / (2.0 + 2.0 / log3 + 0.5));
        assert_eq!(ndcg(&query, gains("1=0,2=0")), 0.0);
        assert_eq!(dcg(&query, gains("0=-1,1=0,2=0")), -1.0 / log3);
    }

    #[test]
    fn the_ideal_is_sorted_by_gain_where_gains_are_apart() {
        let query = graded(&[4, 3, 2, 1, 0, -1, 2], &[1, 0, 4000]);
        for text in ["1=6,2=9,3=1", "4=-1,1=7", "0=2,2=0", "2=100,3=50,1=25", "9=5"] {
            let gains = gains(text);
            assert_eq!(ideal(&query, gains), sorted_ideal(&query, gains), "{text}");
        }
    }

    #[test]
    fn gains_less_than_one_apart_keep_the_order_they_have() {
        // Grade 1 gains 3.5 and grade 3 gains 3: trec_eval lists 1 before 3, the better the later.
        let query = graded(&[3, 1], &[]);
        assert_eq!(ideal(&query, gains("1=3.5,2=9")), [3.0, 3.5]);
        // All three are "equal" and grade 0 is last, so that the ideal is nothing.
        assert_eq!(ideal(&graded(&[2, 1, 0], &[]), gains("1=0.5,2=0.9")), [0.0; 0]);
    }

    #[test]
    fn documents_that_nobody_judged_can_be_given_a_gain() {
        let query = graded(&[-1, 1, -2], &[]);
        assert_eq!(dcg(&query, gains("-1=1")), 1.0 + 1.0 / 3f64.log2());
        assert_eq!(dcg(&query, gains("-2=2,1=0")), 1.0);
        assert!(ndcg_rel(&query, gains("-1=1")).is_finite());
        assert_eq!(g(&query, gains("-1=9")), 10.0);
    }

    #[test]
    fn the_best_ranking_is_one_and_nothing_relevant_is_zero() {
        for measure in [ndcg, ndcg_rel, rndcg, g] {
            let value = measure(&graded(&[3, 1, 1, 0, 0], &[0]), Gains::GRADES);
            assert!((value - 1.0).abs() < 1e-15, "{value}");
            assert_eq!(measure(&graded(&[0, -1], &[]), Gains::GRADES), 0.0);
            assert_eq!(measure(&graded(&[-1], &[]), Gains::GRADES), 0.0);
        }
    }

    #[test]
    fn levels_are_sampled_where_the_ideal_falls() {
        // The ideal falls after rank 1 (2 to 1) and after rank 2 (1 to 0); four are retrieved.
        let query = graded(&[1, 2, 0, -1], &[]);
        let (log3, ideal) = (3f64.log2(), 2.0 + 1.0 / 3f64.log2());
        let full = (1.0 + 2.0 / log3) / ideal;
        assert_eq!(rndcg(&query, Gains::GRADES), (1.0 / 2.0 + full + full) / 3.0);
    }
}
