//! Reports to draw.

use embedtune_data::{Corpus, Document, Queries, Role};
use embedtune_eval::{
    Advice, AdviceFacts, AdviceRules, CompareConfig, CurveEvaluation, CurvePoint, DataFacts, Facts,
    JsonReport, LearningCurve, LearningPoint, RetrievalConfig, RetrievalEvaluator, SystemScores,
    TextLengths, TrainingCurve,
};
use embedtune_metrics::Measure;
use embedtune_testkit::HashEmbed;

use crate::support::Collection;

/// A whole run with `dim` dimensions before and after, and `text` added to every text.
pub(crate) fn report(text: &str, (before, after): (usize, usize)) -> JsonReport {
    let Collection { corpus, queries, qrels } = Collection::sixty();
    let (mut documents, mut asked) = (Corpus::new(), Queries::new());
    for number in 0..corpus.len() as u32 {
        let document = corpus.document(number);
        documents.push(Document { text: format!("{} {text}", document.text), ..document }).unwrap();
    }
    for (id, query) in queries.ids().iter().zip(queries.texts()) {
        asked.push(id.as_str(), format!("{query} {text}")).unwrap();
    }
    let evaluator =
        RetrievalEvaluator::new(documents, &asked, qrels, RetrievalConfig::default()).unwrap();
    let bm25 = evaluator.evaluate_bm25().unwrap();
    let base = evaluator.evaluate(&HashEmbed::new(before, 7)).unwrap();
    let tuned = evaluator.evaluate(&HashEmbed::new(after, 7)).unwrap();

    let mut report = JsonReport::new(format!("all-MiniLM-L6-v2 on sixty {text}"));
    report.comparison = Some(evaluator.compare(&base, &tuned, &CompareConfig::default()).unwrap());
    report.scores = evaluator.score_distributions(&[("before", &base), ("after", &tuned)]);
    report.bm25 = Some(SystemScores::new("BM25", &bm25));
    report.base = Some(SystemScores::new(format!("all-MiniLM-L6-v2 {text}"), &base));
    report.tuned = Some(SystemScores::new("all-MiniLM-L6-v2, tuned", &tuned));
    report.created = Some("2026-01-31 12:00 UTC".to_owned());
    report.versions = Facts::new().with("embedtune", "0.1.0");
    report.ran = Facts::new().with("command", format!("embedtune quickstart {text}"));
    report.hyperparameters = Facts::new()
        .with("learning_rate", 2e-5)
        .with("batch_size", 32)
        .with(format!("loss {text}"), "multiple negatives ranking");
    report.mining = Facts::new().with("negatives_per_positive", 3).with("candidates", 120_000);
    report.seconds = Facts::new().with("train", 187.2).with("mine", 12.4);
    report.reproduce =
        vec!["embedtune train --model all-MiniLM-L6-v2 \\".to_owned(), text.to_owned()];
    report.training = Some(curve());
    report.learning_curve = Some(learning_curve());
    report.lengths = lengths();
    report.data = Some(data(text));
    let facts = AdviceFacts {
        base_recall: 0.71,
        bm25_recall: Some(0.74),
        train_pairs: 2_400,
        test_queries: 60,
    };
    report.advice = Some(Advice::new(facts, &AdviceRules::default()));
    report
}

pub(crate) fn data(text: &str) -> DataFacts {
    let mut data = DataFacts::new(format!("sixty {text}"));
    (data.documents, data.train_pairs, data.test_queries) = (120, 2_400, 60);
    data.more = Facts::new().with("truncated", 0.031).with(text, text);
    data.notes = vec![format!("Dev was cut from train by hash. {text}")];
    data
}

pub(crate) fn lengths() -> Vec<TextLengths> {
    let of = |scale: f64| -> Vec<usize> {
        let wave = |it: usize| (it as f64 * 0.7).sin() + (it as f64 * 0.31).cos();
        (0..800).map(|it| (scale * (1.6 + wave(it)).max(0.1).exp()) as usize + 2).collect()
    };
    vec![
        TextLengths::of(Role::Query, &of(1.5), 128),
        TextLengths::of(Role::Document, &of(9.0), 128),
    ]
}

pub(crate) fn learning_curve() -> LearningCurve {
    let point = |pairs, value: f64, room: f64| {
        let interval = (room > 0.0).then_some([value - room, value + room]);
        LearningPoint { pairs, value, interval }
    };
    let mut curve = LearningCurve::new(Measure::NDCG_10);
    curve.points = vec![
        point(0, 0.612, 0.0),
        point(600, 0.655, 0.021),
        point(1_200, 0.672, 0.019),
        point(2_400, 0.684, 0.018),
    ];
    curve.predicted = Some(point(4_800, 0.692, 0.026));
    curve
}

pub(crate) fn curve() -> TrainingCurve {
    let noise = |step: u64| ((step * 7919) % 101) as f64 / 101.0 - 0.5;
    let point = |step: u64| CurvePoint {
        step,
        loss: 0.4 + 1.8 * (-(step as f64) / 60.0).exp() + 0.4 * noise(step),
        lr: 2e-5 * (step as f64 / 30.0).min((301.0 - step as f64) / 270.0),
    };
    let evaluation = |step: u64| CurveEvaluation {
        step,
        metrics: [("ndcg@10".to_owned(), 0.71 + 0.05 * (1.0 - (-(step as f64) / 90.0).exp()))]
            .into(),
    };
    let mut curve = TrainingCurve {
        points: (1..=300).map(point).collect(),
        evaluations: (0..=6).map(|it| evaluation(50 * it)).collect(),
        metric: Some("ndcg@10".to_owned()),
        kept_step: Some(300),
    };
    curve.points[17].loss = f64::NAN;
    curve
}

/// What `eval` knows: one model and words alone.
pub(crate) fn evaluation() -> JsonReport {
    let mut report = report("", (3, 16));
    report.scores.truncate(1);
    (report.comparison, report.tuned, report.advice) = (None, None, None);
    (report.training, report.learning_curve) = (None, None);
    report
}

/// What `train` knows: the course of the run and the texts.
pub(crate) fn training() -> JsonReport {
    let whole = report("", (3, 16));
    let mut report = JsonReport::new("all-MiniLM-L6-v2 trained on sixty");
    report.training = whole.training;
    report.lengths = whole.lengths;
    report.hyperparameters = whole.hyperparameters;
    report
}

/// As many queries and steps as a large run has.
pub(crate) fn large() -> JsonReport {
    let mut report = report("", (3, 128));
    let comparison = report.comparison.as_mut().unwrap();
    comparison.gains = (0..10_000).map(|it| f64::from(it % 201 - 60) / 200.0).collect();
    let text = "word ".repeat(20_000);
    for change in comparison.winners.iter_mut().chain(&mut comparison.losers) {
        change.query = text.clone();
    }
    let curve = report.training.as_mut().unwrap();
    curve.points = (1..=100_000)
        .map(|step| CurvePoint { step, loss: 1.0 / (1.0 + step as f64 / 1e3), lr: 2e-5 })
        .collect();
    report
}
