//! The measures that `pytrec_eval` lacks, against slow twins that follow their pages word by word, and
//! what holds for all measures on any input.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use embedtune_metrics::{
    EvaluateOptions, Measure, Qrels, Run, ScorePrecision, TieOrder, TrecEval, evaluate,
};
use proptest::prelude::*;

type Judgements = BTreeMap<String, i32>;
type Scores = BTreeMap<String, f64>;

/// Every document of the ranking, with its grade or -1, and all judged grades.
struct Dense {
    ranked: Vec<i32>,
    judged: Vec<i32>,
}

impl Dense {
    fn new(judgements: &Judgements, scores: &Scores) -> Self {
        let mut docs: Vec<(&String, &f64)> = scores.iter().collect();
        docs.sort_by(|a, b| b.1.partial_cmp(a.1).unwrap().then(b.0.cmp(a.0)));
        let grade = |doc: &String| judgements.get(doc).copied().unwrap_or(-1);
        Self {
            ranked: docs.into_iter().map(|(doc, _)| grade(doc)).collect(),
            judged: judgements.values().copied().collect(),
        }
    }

    fn relevant(&self) -> f64 {
        self.judged.iter().filter(|&&grade| grade > 0).count() as f64
    }

    fn top(&self, k: usize) -> impl Iterator<Item = (i32, i32)> {
        (1..).zip(self.ranked.iter().copied()).take(k)
    }

    fn ndcg(&self, k: usize, gain: impl Fn(i32) -> f64) -> f64 {
        let mut ideal = self.judged.clone();
        ideal.sort_by_key(|grade| -grade);
        let dcg = |grades: &[i32]| -> f64 {
            let gains =
                grades.iter().take(k).map(|&grade| if grade > 0 { gain(grade) } else { 0.0 });
            gains.enumerate().map(|(n, gain)| gain / ((n + 2) as f64).log2()).sum()
        };
        if dcg(&ideal) > 0.0 { dcg(&self.ranked) / dcg(&ideal) } else { 0.0 }
    }

    fn precisions(&self, k: usize) -> f64 {
        let hits = |rank: usize| self.ranked[..rank].iter().filter(|&&grade| grade > 0).count();
        let ranks = 1..=k.min(self.ranked.len());
        let relevant = ranks.filter(|&rank| self.ranked[rank - 1] > 0);
        relevant.map(|rank| hits(rank) as f64 / rank as f64).sum()
    }

    fn rbp(&self, p: f64, gain: impl Fn(i32) -> f64) -> f64 {
        let parts = self.top(usize::MAX).map(|(rank, grade)| gain(grade) * p.powi(rank - 1));
        (1.0 - p) * parts.sum::<f64>()
    }

    fn err(&self, k: usize, max: i32) -> f64 {
        let stop = |grade: i32| (2f64.powi(grade.clamp(0, max)) - 1.0) / 2f64.powi(max);
        let (mut sum, mut reads_on) = (0.0, 1.0);
        for (rank, grade) in self.top(k) {
            sum += reads_on * stop(grade) / f64::from(rank);
            reads_on *= 1.0 - stop(grade);
        }
        sum
    }
}

fn twins(dense: &Dense, k: usize, p: f64) -> Vec<(String, f64)> {
    let (relevant, most) = (dense.relevant(), dense.relevant().min(k as f64));
    let ratio = |part: f64, whole: f64| if whole == 0.0 { 0.0 } else { part / whole };
    let best = dense.judged.iter().copied().max().unwrap_or(0).max(1);
    let shown = dense.top(k).filter(|(_, grade)| *grade >= 0).count() as f64;
    let hidden = dense.top(k).filter(|(_, grade)| *grade < 0).count() as f64;
    let unknown = dense.rbp(p, |grade| if grade < 0 { 1.0 } else { 0.0 });
    let residual = if unknown > 0.0 { p.powi(dense.ranked.len() as i32) + unknown } else { 0.0 };
    let sum = dense.precisions(usize::MAX);
    vec![
        (format!("ndcg_exp@{k}"), dense.ndcg(k, |grade| 2f64.powi(grade) - 1.0)),
        ("ndcg_exp".to_owned(), dense.ndcg(usize::MAX, |grade| 2f64.powi(grade) - 1.0)),
        (format!("ndcg_binary@{k}"), dense.ndcg(k, |_| 1.0)),
        (format!("map_capped@{k}"), ratio(dense.precisions(k), most)),
        (format!("rbp(p={p})"), dense.rbp(p, |grade| f64::from(grade.max(0)) / f64::from(best))),
        (format!("rbp_binary(p={p})"), dense.rbp(p, |grade| f64::from(grade.clamp(0, 1)))),
        (format!("rbp_resid(p={p})"), residual),
        (format!("err@{k}"), dense.err(k, 4)),
        (format!("err(max=2)@{k}"), dense.err(k, 2)),
        (format!("judged@{k}"), shown / k as f64),
        (format!("unjudged@{k}"), hidden / k as f64),
        ("yaap".to_owned(), ((1.0 + sum) / (1.0 + relevant - sum)).ln()),
    ]
}

fn judgements() -> impl Strategy<Value = Judgements> {
    prop::collection::btree_map("[a-eé]{1,2}", -1..4i32, 1..30)
}

fn scores() -> impl Strategy<Value = Scores> {
    let score = prop_oneof![
        (-4..4i32).prop_map(|score| f64::from(score) / 4.0),
        any::<f64>().prop_filter("a number", |score| !score.is_nan()),
    ];
    prop::collection::btree_map("[a-eé]{1,2}", score, 1..60)
}

fn build(judgements: &Judgements, scores: &Scores) -> (Qrels, Run) {
    let (mut qrels, mut run) = (Qrels::new(), Run::new());
    judgements.iter().for_each(|(doc, &grade)| qrels.insert("q", doc, grade).unwrap());
    scores.iter().for_each(|(doc, &score)| run.insert("q", doc, score).unwrap());
    (qrels, run)
}

/// One name of each family at least.
const NAMES: &[&str] = &[
    "ndcg@3",
    "ndcg(1=2.5,2=-1)",
    "ndcg(-1=2)",
    "dcg",
    "ideal_dcg(0=1)",
    "ndcg_rel",
    "rndcg(1=0.5)",
    "g(-2=3)",
    "bing",
    "ndcg_exp",
    "ndcg_binary@2",
    "map",
    "map_capped@4",
    "gm_map",
    "infap",
    "yaap",
    "mrr@2",
    "recall@3",
    "precision@3",
    "relative_precision@3",
    "success@1",
    "rprec",
    "rprec_mult@0.3",
    "iprec_at_recall@0.5",
    "11pt_avg",
    "bpref",
    "gm_bpref",
    "set_precision",
    "set_recall",
    "set_relative_precision",
    "set_map",
    "set_f(2)",
    "utility(1,2,3,4)",
    "num_q",
    "num_ret",
    "num_rel",
    "num_rel_ret",
    "num_nonrel_judged_ret",
    "rbp(p=0.5,1=3)",
    "rbp_binary",
    "rbp_resid",
    "err(max=1)",
    "judged@5",
    "unjudged@5",
];

proptest! {
    #[test]
    fn measures_equal_their_slow_twins(
        judgements in judgements(), scores in scores(), k in 1..40usize, p in 1..20u32,
    ) {
        let dense = Dense::new(&judgements, &scores);
        let twins = twins(&dense, k, f64::from(p) / 20.0);
        let measures: Vec<Measure> = twins.iter().map(|(name, _)| name.parse().unwrap()).collect();
        let (qrels, run) = build(&judgements, &scores);
        let report = evaluate(&qrels, &run, &measures, &EvaluateOptions::default()).unwrap();
        for (measure, (name, expected)) in measures.iter().zip(&twins) {
            let got = report.mean(measure).unwrap();
            prop_assert!((got - expected).abs() < 1e-12, "{}: {} {}", name, got, expected);
        }
    }

    #[test]
    fn no_measure_is_ever_nan_or_infinite(
        judgements in prop::collection::btree_map("[a-d]{1,2}", any::<i32>(), 1..12),
        scores in prop::option::of(scores()),
        level in 1..4i32, depth in 0..4usize, judged_only: bool, raised: bool, f32: bool,
    ) {
        let measures: Vec<Measure> = NAMES.iter().map(|name| name.parse().unwrap()).collect();
        let (qrels, run) = build(&judgements, &scores.unwrap_or_default());
        let options = if raised { EvaluateOptions::trec_eval_9() } else { EvaluateOptions::default() }
            .with_complete(true)
            .with_relevance_level(level)
            .with_depth(depth.try_into().ok())
            .with_judged_only(judged_only)
            .with_score_precision(if f32 { ScorePrecision::F32 } else { ScorePrecision::F64 });
        let report = evaluate(&qrels, &run, &measures, &options).unwrap();
        for (measure, name) in measures.iter().zip(NAMES) {
            let value = report.mean(measure).unwrap();
            prop_assert!(value.is_finite(), "{} = {}", name, value);
            prop_assert!(!(value == 0.0 && value.is_sign_negative()), "{} is -0", name);
        }
        let command = TrecEval::new(["all_trec"]).unwrap().with_per_query(true).with_options(options);
        prop_assert!(!command.evaluate(&qrels, &run).unwrap().to_string().contains("nan"));
    }

    #[test]
    fn the_order_of_insertion_matters_for_input_ties_alone(
        judgements in judgements(), scores in scores(),
    ) {
        let (qrels, run) = build(&judgements, &scores);
        let mut reversed = Run::new();
        scores.iter().rev().for_each(|(doc, &score)| reversed.insert("q", doc, score).unwrap());
        let measures: Vec<Measure> = NAMES.iter().map(|name| name.parse().unwrap()).collect();
        for ties in [TieOrder::IdDescending, TieOrder::IdAscending] {
            let options = EvaluateOptions::default().with_ties(ties);
            prop_assert_eq!(
                evaluate(&qrels, &run, &measures, &options).unwrap(),
                evaluate(&qrels, &reversed, &measures, &options).unwrap()
            );
        }
        // Inserted by id ascending, ties in the order of the input are ties by id ascending.
        let by = |ties| evaluate(&qrels, &run, &measures, &EvaluateOptions::default().with_ties(ties));
        prop_assert_eq!(by(TieOrder::Input).unwrap(), by(TieOrder::IdAscending).unwrap());
    }
}
