//! The report: complete, well-formed, self-contained, whatever the texts hold.

#![allow(clippy::unwrap_used)]

mod support;

use std::{collections::BTreeSet, fs, path::Path};

use embedtune_data::{Corpus, Document, Fingerprint, Queries};
use embedtune_eval::{
    Advice, AdviceFacts, AdviceRules, CompareConfig, CurveEvaluation, CurvePoint, DataFacts, Facts,
    HtmlReport, JsonReport, RetrievalConfig, RetrievalEvaluator, SystemScores, TrainingCurve,
};
use embedtune_testkit::HashEmbed;
use support::Collection;

const HOSTILE: &str = "</title></style><script>alert('x')</script>\" onload=\"x\" & \0 \u{202e}";

/// A whole run with `dim` dimensions before and after, and `text` added to every text.
fn report(text: &str, (before, after): (usize, usize)) -> JsonReport {
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

fn data(text: &str) -> DataFacts {
    let mut data = DataFacts::new(format!("sixty {text}"));
    (data.documents, data.train_pairs, data.test_queries) = (120, 2_400, 60);
    data.more = Facts::new().with("truncated", 0.031).with(text, text);
    data.notes = vec![format!("Dev was cut from train by hash. {text}")];
    data
}

fn curve() -> TrainingCurve {
    let noise = |step: u64| ((step * 7919) % 101) as f64 / 101.0 - 0.5;
    let point = |step: u64| CurvePoint {
        step,
        loss: 0.4 + 1.8 * (-(step as f64) / 60.0).exp() + 0.4 * noise(step),
        lr: 2e-5,
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

/// Walks all tags; panics where one is not closed, or has no place in a static page.
fn check_page(page: &str) {
    assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
    let mut open: Vec<&str> = Vec::new();
    let mut ids = BTreeSet::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").unwrap();
    while let Some(start) = rest.find('<') {
        let end = start + rest[start..].find('>').unwrap();
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap();
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric()), "{tag}");
        assert!(!["script", "link", "img", "iframe", "object"].contains(&name), "{tag}");
        for attribute in attributes(&tag[name.len()..]) {
            let (key, value) = attribute;
            assert!(!key.starts_with("on") && key != "src" && key != "href", "{tag}");
            assert!(key != "id" || ids.insert(value.to_owned()), "two elements are called {value}");
        }
        if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
    for reference in page.split("labelledby=\"").skip(1) {
        let names = reference.split('"').next().unwrap();
        assert!(names.split(' ').all(|name| ids.contains(name)), "{names}");
    }
}

fn attributes(mut text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    while let Some((key, rest)) = text.trim_start().split_once("=\"") {
        let (value, rest) = rest.split_once('"').unwrap();
        assert!(key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'), "{key}");
        found.push((key, value));
        text = rest;
    }
    assert!(text.trim().is_empty() || text.trim() == "/", "{text}");
    found
}

#[test]
fn a_whole_run_is_one_page_that_needs_nothing_else() {
    let report = report("plain", (3, 128));
    let page = HtmlReport::new(&report).render();
    check_page(&page);
    for outside in ["http:", "https:", "url(", "@import", "<script"] {
        assert!(!page.contains(outside), "{outside}");
    }
    for shown in [
        "Fine-tuning made the search better.",
        "nDCG@10",
        "Success@1",
        "Gained most",
        "Lost most",
        "2e-5",
        "3 min 07 s",
        "120,000",
        "Words alone",
        "multiple negatives ranking",
        "Dev was cut from train by hash.",
        "embedtune train --model",
        "finds more than the base model",
        "id=\"loss-title\"",
        "id=\"dev-title\"",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(!page.contains("NaN") && !page.contains("inf"));
    // Left in the build folder for whoever wants to look at it.
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("report.html"), page).unwrap();
}

#[test]
fn hostile_text_stays_text() {
    let mut report = report(HOSTILE, (3, 128));
    let fingerprint = Fingerprint(HOSTILE.to_owned());
    report.base.as_mut().unwrap().fingerprint = fingerprint;
    let page = HtmlReport::new(&report).render();
    check_page(&page);
    assert!(!page.contains("<script") && !page.contains('\0'));
    assert_eq!(page.matches("</title></style>").count(), 0);
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)"));
}

#[test]
fn a_loss_and_no_difference_are_said_as_plainly() {
    let worse = HtmlReport::new(&report("", (128, 3))).render();
    assert!(worse.contains("Fine-tuning made the search worse."));
    let same = HtmlReport::new(&report("", (16, 16))).render();
    assert!(same.contains("A gain from fine-tuning is not shown."));
    assert!(same.contains("may be chance"));
    check_page(&worse);
    check_page(&same);
}

#[test]
fn what_is_not_known_does_not_appear() {
    let mut report = JsonReport::new("empty");
    let page = HtmlReport::new(&report).render();
    check_page(&page);
    assert!(!page.contains("<section"));
    report.training = Some(TrainingCurve::default());
    assert!(!HtmlReport::new(&report).render().contains("<section"));

    let mut only_base = self::report("", (3, 16));
    (only_base.comparison, only_base.tuned, only_base.bm25) = (None, None, None);
    let page = HtmlReport::new(&only_base).render();
    check_page(&page);
    assert!(page.contains("Base") && !page.contains("Gained most") && !page.contains("BM25</th>"));

    let mut broken = self::report("", (3, 16));
    for point in &mut broken.training.as_mut().unwrap().points {
        point.loss = f64::INFINITY;
    }
    let page = HtmlReport::new(&broken).render();
    check_page(&page);
    assert!(page.contains("No finite loss."));
}

#[test]
fn json_keeps_everything_and_reads_back() {
    let mut report = report("plain", (3, 128));
    // JSON has no NaN: it becomes null, which does not read back.
    report.training.as_mut().unwrap().points[17].loss = 1.0;
    let json = report.to_json();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["format"], 1);
    assert!(value["base"]["metrics"]["ndcg@10"].is_number());
    assert!(value["comparison"]["measures"][0]["relative_difference"].is_number());
    assert_eq!(value["advice"]["need"], "essential");
    assert_eq!(value["hyperparameters"]["batch_size"], 32);
    assert_eq!(value["training"]["evaluations"][1]["step"], 50);
    let back: JsonReport = serde_json::from_str(&json).unwrap();
    assert_eq!(HtmlReport::new(&back).render(), HtmlReport::new(&report).render());

    let empty = JsonReport::new("empty");
    assert_eq!(serde_json::from_str::<JsonReport>(&empty.to_json()).unwrap(), empty);
}
