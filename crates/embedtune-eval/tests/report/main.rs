//! The report: complete, well-formed, self-contained, whatever the texts hold.

#![allow(clippy::unwrap_used)]

mod page;
mod sample;
#[path = "../support/mod.rs"]
mod support;

use std::{fs, path::Path};

use embedtune_data::Fingerprint;
use embedtune_eval::{HtmlReport, JsonReport, LearningCurve, TrainingCurve};
use embedtune_metrics::Measure;

use crate::page::Element;

const HOSTILE: &str =
    "</title></style><script>alert('x')</script><!-- \" onload=\"x\" & \0 \u{202e} \u{FFFE}";

/// The page of `report`, read strictly.
fn page(report: &JsonReport) -> Element {
    page::read(&HtmlReport::new(report).render())
}

/// Leaves a page in the build folder, where the check in a browser looks for it.
fn keep(name: &str, report: &JsonReport) {
    let page = HtmlReport::new(report).render();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), page).unwrap();
}

fn headings(page: &Element) -> Vec<&str> {
    page.named("h2").into_iter().map(|it| it.text.as_str()).collect()
}

#[test]
fn a_whole_run_is_one_page() {
    let report = sample::report("plain", (3, 128));
    let page = page(&report);
    assert_eq!(
        headings(&page),
        [
            "Metrics",
            "Queries",
            "Scores",
            "Training",
            "What more data brings",
            "Length of the texts",
            "Was it worth trying?",
            "Data",
            "Settings",
            "How to reproduce"
        ]
    );
    let text = page.visible();
    for shown in [
        "Fine-tuning made the search better.",
        "nDCG@10",
        "Success@1",
        "With 95\u{a0}% confidence the true gain lies between",
        " other measures rose significantly.",
        "Gained most",
        "Lost most",
        "Before",
        "After",
        "2e-5",
        "3 min 07 s",
        "120,000",
        "Words alone",
        "multiple negatives ranking",
        "Dev was cut from train by hash.",
        "embedtune train --model",
        "finds more than the base model",
        "Training loss by step",
        "Learning rate by step",
        "nDCG@10 on the dev split by step",
        "4,800 (predicted)",
        "tokens on average",
    ] {
        assert!(text.contains(shown), "{shown}");
    }
    assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    let page = HtmlReport::new(&report).render();
    assert!(page.contains("default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;"));
    assert!(!page.contains("http:") && !page.contains("https:"));
    keep("whole.html", &report);
}

#[test]
fn hostile_text_stays_text() {
    let mut report = sample::report(HOSTILE, (3, 128));
    report.base.as_mut().unwrap().fingerprint = Fingerprint(HOSTILE.to_owned());
    report.hyperparameters.insert("right to left", "שלום עולם, مرحبا بالعالم");
    let page = page(&report);
    assert_eq!(page.named("script").len(), 1);
    let seen = HOSTILE.replace(['\0', '\u{FFFE}'], "\u{FFFD}");
    let text = page.visible();
    assert!(text.contains(&seen), "{text}");
    keep("hostile.html", &report);
}

#[test]
fn the_page_holds_the_report_that_it_was_drawn_from() {
    for report in [
        sample::report("plain", (3, 128)),
        sample::report(HOSTILE, (3, 16)),
        sample::evaluation(),
        JsonReport::new("empty"),
    ] {
        let page = page(&report);
        let [data] = page.named("script")[..] else { panic!("one element of data") };
        assert_eq!(data.attribute("id"), Some("report"));
        let embedded: serde_json::Value = serde_json::from_str(&data.text).unwrap();
        let written: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
        assert_eq!(embedded, written);
    }
}

#[test]
fn a_loss_and_no_difference_are_said_as_plainly() {
    let worse = sample::report("", (128, 3));
    assert!(page(&worse).visible().contains("Fine-tuning made the search worse."));
    keep("worse.html", &worse);
    let same = page(&sample::report("", (16, 16))).visible();
    assert!(same.contains("A gain from fine-tuning is not shown."));
    assert!(same.contains("may be chance"));
}

#[test]
fn what_is_not_known_does_not_appear() {
    let mut report = JsonReport::new("empty");
    assert!(page(&report).named("section").is_empty());
    report.training = Some(TrainingCurve::default());
    report.learning_curve = Some(LearningCurve::new(Measure::NDCG_10));
    assert!(page(&report).named("section").is_empty());
    keep("empty.html", &report);

    let evaluation = sample::evaluation();
    let page = page(&evaluation);
    assert_eq!(
        headings(&page),
        ["Metrics", "Scores", "Length of the texts", "Data", "Settings", "How to reproduce"]
    );
    let text = page.visible();
    assert!(text.contains("% of its relevant documents in the first 10."), "{text}");
    assert!(text.contains("Search by words alone (BM25) has nDCG@10"));
    assert!(!text.contains("Gained most") && !text.contains("Detectable"));
    keep("evaluation.html", &evaluation);
}

#[test]
fn a_training_alone_is_judged_by_its_dev_split() {
    let mut report = sample::training();
    let text = page(&report).visible();
    assert!(text.contains("nDCG@10 on dev rose from 0.710 to 0.758."), "{text}");
    keep("training.html", &report);
    let curve = report.training.as_mut().unwrap();
    curve.kept_step = Some(0);
    assert_eq!(report.verdict(), "nDCG@10 on dev did not rise above 0.710.");
    report.training.as_mut().unwrap().evaluations.remove(0);
    assert_eq!(report.verdict(), "nDCG@10 on dev is 0.758.");
    report.training.as_mut().unwrap().evaluations.clear();
    assert_eq!(report.verdict(), "There are no results yet.");
}

#[test]
fn curves_without_a_number_and_of_one_point_are_drawn() {
    let mut broken = sample::report("", (3, 16));
    for point in &mut broken.training.as_mut().unwrap().points {
        (point.loss, point.lr) = (f64::INFINITY, f64::NAN);
    }
    broken.comparison.as_mut().unwrap().gains = vec![f64::NAN; 5];
    broken.learning_curve.as_mut().unwrap().points[1].value = f64::NAN;
    let text = page(&broken).visible();
    assert!(text.contains("No finite loss."));
    let mut single = sample::training();
    let curve = single.training.as_mut().unwrap();
    curve.points.truncate(1);
    curve.evaluations.truncate(1);
    curve.kept_step = None;
    assert_eq!(page(&single).named("polyline").len(), 3);
    keep("single.html", &single);
}

#[test]
fn a_large_run_is_no_large_drawing() {
    let report = sample::large();
    let page = page(&report);
    let data = page.named("script")[0].text.len();
    let whole = HtmlReport::new(&report).render().len();
    assert!(whole - data < 400_000, "{whole} - {data}");
    let elements = page.all().len();
    assert!(elements < 5_000, "{elements}");
    keep("large.html", &report);
}

#[test]
fn json_keeps_everything_and_reads_back() {
    let mut report = sample::report("plain", (3, 128));
    // JSON has no NaN: it becomes null, which does not read back.
    report.training.as_mut().unwrap().points[17].loss = 1.0;
    let json = report.to_json();
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["format"], 2);
    assert!(value["base"]["metrics"]["ndcg@10"].is_number());
    assert!(value["comparison"]["measures"][0]["relative_difference"].is_number());
    assert_eq!(value["comparison"]["winners"][0]["tuned_top"].as_array().unwrap().len(), 5);
    assert_eq!(value["advice"]["need"], "essential");
    assert_eq!(value["hyperparameters"]["batch_size"], 32);
    assert_eq!(value["training"]["evaluations"][1]["step"], 50);
    assert_eq!(value["lengths"][1]["role"], "document");
    assert!(value["scores"][1]["relevant_median"].is_number());
    let back: JsonReport = serde_json::from_str(&json).unwrap();
    assert_eq!(page(&back).visible(), page(&report).visible());

    let empty = JsonReport::new("empty");
    assert_eq!(serde_json::from_str::<JsonReport>(&empty.to_json()).unwrap(), empty);
}

#[test]
fn scores_of_all_systems_share_their_bins_and_count_every_document() {
    let report = sample::report("", (3, 128));
    let [before, after] = &report.scores[..] else { panic!("two systems") };
    assert_eq!((before.relevant.low, before.other.high), (after.other.low, after.relevant.high));
    for system in [before, after] {
        // Sixty queries with one relevant document each, a hundred documents retrieved for each.
        assert_eq!(system.depth, 100);
        assert_eq!(system.relevant.total() + system.missed as u64, 60);
        assert_eq!(system.relevant.total() + system.other.total(), 6_000);
        assert_eq!((system.other.below, system.other.above), (0, 0));
    }
    assert!(after.relevant_median > after.other_median);
}
