//! Random judgements and runs against a slow twin that follows the definitions word by word, and
//! random bytes against every reader.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use embedtune_metrics::{
    Comparison, ComparisonOptions, EvaluateOptions, Measure, Qrels, Run, ZScores, evaluate,
    evaluate_rankings,
};
use proptest::prelude::*;

type Judgements = BTreeMap<String, i32>;
type Scores = BTreeMap<String, f64>;

/// The definitions, with no regard to speed; every count starts anew at every rank.
mod naive {
    use super::{Judgements, Scores};

    pub(super) fn grades(judgements: &Judgements, scores: &Scores) -> Vec<i32> {
        let mut docs: Vec<(&String, &f64)> = scores.iter().collect();
        docs.sort_by(|a, b| a.0.cmp(b.0));
        docs.reverse();
        docs.sort_by(|a, b| b.1.partial_cmp(a.1).unwrap());
        docs.iter().map(|(doc, _)| judgements.get(*doc).copied().unwrap_or(-1)).collect()
    }

    fn hits(grades: &[i32], k: usize) -> f64 {
        grades.iter().take(k).filter(|&&grade| grade >= 1).count() as f64
    }

    fn relevant(judgements: &Judgements) -> f64 {
        judgements.values().filter(|&&grade| grade >= 1).count() as f64
    }

    fn dcg(grades: &[i32], k: usize) -> f64 {
        let gain = |(i, &grade): (usize, &i32)| f64::from(grade.max(0)) / ((i + 2) as f64).log2();
        grades.iter().enumerate().take(k).map(gain).sum()
    }

    pub(super) fn ndcg(judgements: &Judgements, grades: &[i32], k: usize) -> f64 {
        let mut ideal: Vec<i32> = judgements.values().copied().collect();
        ideal.sort_by_key(|grade| -grade);
        match dcg(&ideal, k) {
            0.0 => 0.0,
            best => dcg(grades, k) / best,
        }
    }

    pub(super) fn average_precision(judgements: &Judgements, grades: &[i32], k: usize) -> f64 {
        let precisions = (1..=k.min(grades.len()))
            .filter(|&rank| grades[rank - 1] >= 1)
            .map(|rank| hits(grades, rank) / rank as f64);
        let sum: f64 = precisions.sum();
        if sum == 0.0 { 0.0 } else { sum / relevant(judgements) }
    }

    pub(super) fn reciprocal_rank(grades: &[i32], k: usize) -> f64 {
        let ranks = 1..=k.min(grades.len());
        ranks
            .filter(|&rank| grades[rank - 1] >= 1)
            .map(|rank| 1.0 / rank as f64)
            .fold(0.0, f64::max)
    }

    pub(super) fn recall(judgements: &Judgements, grades: &[i32], k: usize) -> f64 {
        let relevant = relevant(judgements);
        if relevant == 0.0 { 0.0 } else { hits(grades, k) / relevant }
    }

    pub(super) fn precision(grades: &[i32], k: usize) -> f64 {
        hits(grades, k) / k as f64
    }

    pub(super) fn success(grades: &[i32], k: usize) -> f64 {
        hits(grades, k).min(1.0)
    }

    pub(super) fn r_precision(judgements: &Judgements, grades: &[i32]) -> f64 {
        recall(judgements, grades, relevant(judgements) as usize)
    }

    pub(super) fn bpref(judgements: &Judgements, grades: &[i32]) -> f64 {
        let relevant = relevant(judgements);
        let nonrelevant = judgements.values().filter(|&&grade| grade == 0).count() as f64;
        let term = |rank: usize| {
            let above = grades[..rank].iter().filter(|&&grade| grade == 0).count() as f64;
            if above == 0.0 { 1.0 } else { 1.0 - above.min(relevant) / nonrelevant.min(relevant) }
        };
        let terms = (0..grades.len()).filter(|&rank| grades[rank] >= 1).map(term);
        let sum: f64 = terms.sum();
        if relevant == 0.0 { 0.0 } else { sum / relevant }
    }
}

fn judgements() -> impl Strategy<Value = Judgements> {
    prop::collection::btree_map("[a-cé]{1,2}", -1..4i32, 1..16)
}

fn scores() -> impl Strategy<Value = Scores> {
    // Few different scores, so that ties are common.
    prop::collection::btree_map("[a-cé]{1,2}", (-4..4i32).prop_map(|s| f64::from(s) / 4.0), 1..16)
}

fn build(queries: &BTreeMap<String, (Judgements, Option<Scores>)>) -> (Qrels, Run) {
    let (mut qrels, mut run) = (Qrels::new(), Run::new());
    for (query, (judgements, scores)) in queries {
        for (doc, &grade) in judgements {
            qrels.insert(query, doc, grade).unwrap();
        }
        for (doc, &score) in scores.iter().flatten() {
            run.insert(query, doc, score).unwrap();
        }
    }
    (qrels, run)
}

fn queries() -> impl Strategy<Value = BTreeMap<String, (Judgements, Option<Scores>)>> {
    let query = (judgements(), prop::option::weighted(0.8, scores()));
    prop::collection::btree_map("q[0-9]{1,2}", query, 1..6)
}

proptest! {
    #[test]
    fn every_measure_equals_its_slow_twin(
        judgements in judgements(), scores in scores(), k in 1..20usize,
    ) {
        let grades = naive::grades(&judgements, &scores);
        let all = usize::MAX;
        let twins = [
            ("ndcg".to_owned(), naive::ndcg(&judgements, &grades, all)),
            (format!("ndcg@{k}"), naive::ndcg(&judgements, &grades, k)),
            ("map".to_owned(), naive::average_precision(&judgements, &grades, all)),
            (format!("map@{k}"), naive::average_precision(&judgements, &grades, k)),
            ("mrr".to_owned(), naive::reciprocal_rank(&grades, all)),
            (format!("mrr@{k}"), naive::reciprocal_rank(&grades, k)),
            (format!("recall@{k}"), naive::recall(&judgements, &grades, k)),
            (format!("precision@{k}"), naive::precision(&grades, k)),
            (format!("success@{k}"), naive::success(&grades, k)),
            ("rprec".to_owned(), naive::r_precision(&judgements, &grades)),
            ("bpref".to_owned(), naive::bpref(&judgements, &grades)),
        ];
        let measures: Vec<Measure> = twins.iter().map(|(name, _)| name.parse().unwrap()).collect();
        let (qrels, run) = build(&BTreeMap::from([("q".to_owned(), (judgements, Some(scores)))]));
        let report = evaluate(&qrels, &run, &measures, &EvaluateOptions::default()).unwrap();
        for (measure, (name, expected)) in measures.iter().zip(&twins) {
            let got = report.mean(measure).unwrap();
            prop_assert!((0.0..=1.0).contains(&got), "{name} = {got}");
            prop_assert_eq!(got, *expected, "{}", name);
        }
    }

    #[test]
    fn missing_queries_are_zeros_or_left_out(queries in queries()) {
        let (qrels, run) = build(&queries);
        let measures = Measure::STANDARD;
        let options = EvaluateOptions::default();
        let complete = evaluate(&qrels, &run, &measures, &options).unwrap();
        let common =
            evaluate(&qrels, &run, &measures, &options.clone().with_complete(false)).unwrap();
        prop_assert_eq!(complete.query_ids().len(), qrels.len());
        prop_assert_eq!(common.query_ids().len(), run.len());
        prop_assert_eq!(complete.missing_queries().len(), qrels.len() - run.len());
        prop_assert_eq!(complete.missing_queries(), common.missing_queries());
        for measure in &measures {
            let values = complete.per_query(measure).unwrap();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            prop_assert_eq!(complete.mean(measure), Some(mean));
            prop_assert!(complete.mean(measure) <= common.mean(measure) || run.is_empty());
        }
    }

    #[test]
    fn rankings_in_memory_give_the_report_of_the_run(queries in queries()) {
        let (qrels, run) = build(&queries);
        let rankings: Vec<(&String, Vec<(&String, f64)>)> = queries
            .iter()
            .filter_map(|(query, (_, scores))| Some((query, scores.as_ref()?)))
            .map(|(query, scores)| (query, scores.iter().map(|(d, &s)| (d, s)).collect()))
            .collect();
        let options = EvaluateOptions::default();
        prop_assert_eq!(
            evaluate(&qrels, &run, &Measure::STANDARD, &options).unwrap(),
            evaluate_rankings(&qrels, &rankings, &Measure::STANDARD, &options).unwrap()
        );
    }

    #[test]
    fn files_come_back_as_they_were_written(queries in queries()) {
        let (qrels, run) = build(&queries);
        let (mut trec, mut beir, mut ranked) = (Vec::new(), Vec::new(), Vec::new());
        qrels.write_trec_to(&mut trec).unwrap();
        qrels.write_beir_tsv_to(&mut beir).unwrap();
        run.write_trec_to(&mut ranked, "tag").unwrap();
        prop_assert_eq!(&Qrels::read_trec_from(&trec[..], "memory").unwrap(), &qrels);
        prop_assert_eq!(&Qrels::read_beir_tsv_from(&beir[..], "memory").unwrap(), &qrels);
        prop_assert_eq!(&Run::read_trec_from(&ranked[..], "memory").unwrap(), &run);
        let (mut judged, mut scored) = (Vec::new(), Vec::new());
        qrels.write_json_to(&mut judged).unwrap();
        run.write_json_to(&mut scored).unwrap();
        prop_assert_eq!(&Qrels::read_from(&judged[..], "memory").unwrap(), &qrels);
        prop_assert_eq!(&Run::read_from(&scored[..], "memory").unwrap(), &run);
    }

    #[test]
    fn readers_survive_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Qrels::read_beir_tsv_from(&bytes[..], "bytes");
        let _ = Qrels::read_trec_from(&bytes[..], "bytes");
        let _ = Run::read_trec_from(&bytes[..], "bytes");
        let _ = Qrels::read_json_from(&bytes[..], "bytes");
        let _ = Run::read_json_from(&bytes[..], "bytes");
        let _ = ZScores::read_from(&bytes[..], "bytes");
    }

    #[test]
    fn readers_survive_what_looks_like_a_file(text in "([q0-9#\u{feff}]{0,3}[ \t\r\n.e-]){0,60}") {
        let with_header = format!("query-id\tcorpus-id\tscore\n{text}");
        let _ = Qrels::read_beir_tsv_from(with_header.as_bytes(), "text");
        let _ = Qrels::read_trec_from(text.as_bytes(), "text");
        let _ = Run::read_trec_from(text.as_bytes(), "text");
        let _ = ZScores::read_from(text.as_bytes(), "text");
    }

    #[test]
    fn readers_survive_what_looks_like_json(text in "[{}\":,0-9qd.e \\\\-]{0,60}") {
        let _ = Qrels::read_from(format!("{{\"q\": {text}").as_bytes(), "text");
        let _ = Run::read_from(format!("{{\"q\": {{\"d\": {text}").as_bytes(), "text");
    }

    #[test]
    fn measure_names_survive_any_text(name in "\\PC{0,20}") {
        if let Ok(measure) = name.parse::<Measure>() {
            prop_assert_eq!(measure.to_string().parse::<Measure>().unwrap(), measure);
        }
    }

    #[test]
    fn comparisons_stay_in_range(
        pairs in prop::collection::vec((0.0..=1.0f64, 0.0..=1.0f64), 2..40),
    ) {
        let (base, tuned): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        let options =
            ComparisonOptions::default().with_permutations(500).with_bootstrap_samples(200);
        let comparison = Comparison::new(&base, &tuned, &options).unwrap();
        for p in [comparison.p_permutation, comparison.p_t_test] {
            prop_assert!((0.0..=1.0).contains(&p));
        }
        prop_assert!(comparison.p_permutation > 0.0);
        let [lower, upper] = comparison.interval;
        prop_assert!(-1.0 <= lower && lower <= upper && upper <= 1.0);
        let counted = comparison.wins + comparison.ties + comparison.losses;
        prop_assert_eq!(counted, comparison.queries);
        prop_assert_eq!(
            &Comparison::new(&base, &tuned, &options).unwrap(), &comparison, "not reproducible"
        );
    }
}
