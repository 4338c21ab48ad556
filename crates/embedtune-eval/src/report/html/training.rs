//! The course of training.

use super::{
    format,
    line_chart::{LineChart, Series},
    markup::Markup,
    section,
};
use crate::TrainingCurve;

pub(super) fn draw(m: &mut Markup, curve: &TrainingCurve) {
    let metric = shown_metric(curve);
    if curve.points.is_empty() && metric.is_none() {
        return;
    }
    section(m, "training", "Training", |m| {
        m.element("div", &[("class", "charts")], |m| {
            if !curve.points.is_empty() {
                loss_chart(m, curve);
            }
            if let Some(metric) = metric {
                dev_chart(m, curve, metric);
            }
        });
    });
}

/// The metric that chose the model, or the first there is.
fn shown_metric(curve: &TrainingCurve) -> Option<&str> {
    let first = || curve.evaluations.first()?.metrics.keys().next().map(String::as_str);
    let known = |name: &&str| curve.evaluations.iter().any(|it| it.metrics.contains_key(*name));
    curve.metric.as_deref().filter(known).or_else(first)
}

fn loss_chart(m: &mut Markup, curve: &TrainingCurve) {
    let losses: Vec<(f64, f64)> =
        curve.points.iter().map(|point| (point.step as f64, point.loss)).collect();
    let smooth = smoothed(&losses);
    let last = curve.points[curve.points.len() - 1].step;
    let description = match (smooth.first(), smooth.last()) {
        (Some(first), Some(last_loss)) => {
            format!("Smoothed loss from {:.3} to {:.3} over {last} steps.", first.1, last_loss.1)
        }
        _ => "No finite loss.".to_owned(),
    };
    let chart = LineChart {
        id: "loss",
        title: "Training loss by step",
        description: &description,
        y_label: "loss",
        series: vec![
            Series { class: "faint", points: losses, dots: false },
            Series { class: "strong", points: smooth, dots: false },
        ],
        mark: None,
    };
    m.element("figure", &[], |m| {
        m.leaf("figcaption", &[], "Loss of each step, and smoothed");
        chart.draw(m);
    });
}

fn dev_chart(m: &mut Markup, curve: &TrainingCurve, metric: &str) {
    let points: Vec<(f64, f64)> = curve
        .evaluations
        .iter()
        .filter_map(|it| Some((it.step as f64, *it.metrics.get(metric)?)))
        .collect();
    let label = format::metric_label(metric);
    let best = points.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
    let description = best
        .map_or_else(String::new, |(step, value)| format!("Highest at step {step}: {value:.4}."));
    let title = format!("{label} on the dev split by step");
    let chart = LineChart {
        id: "dev",
        title: &title,
        description: &description,
        y_label: &label,
        series: vec![Series { class: "tuned", points, dots: true }],
        mark: curve.kept_step.map(|step| (step as f64, "kept")),
    };
    m.element("figure", &[], |m| {
        m.leaf("figcaption", &[], &format!("{label} on the dev split; step 0 is the base model"));
        chart.draw(m);
    });
}

/// Mean over a twentieth of the run around each step, which, unlike a running average, does not lag
/// behind. Towards the ends the window narrows on both sides alike.
fn smoothed(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let points: Vec<(f64, f64)> =
        points.iter().copied().filter(|(_, value)| value.is_finite()).collect();
    let half = points.len() / 40;
    let mut sums = vec![0.0];
    sums.extend(points.iter().scan(0.0, |sum, (_, value)| {
        *sum += value;
        Some(*sum)
    }));
    let mean = |(at, &(step, _)): (usize, &(f64, f64))| {
        let half = half.min(at).min(points.len() - 1 - at);
        let (from, to) = (at - half, at + half + 1);
        (step, (sums[to] - sums[from]) / (to - from) as f64)
    };
    points.iter().enumerate().map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_keeps_a_line_and_leaves_gaps_out() {
        let line: Vec<(f64, f64)> = (0..100).map(|i| (f64::from(i), 3.0 * f64::from(i))).collect();
        let close = |(a, b): (&(f64, f64), &(f64, f64))| a.0 == b.0 && (a.1 - b.1).abs() < 1e-9;
        assert!(smoothed(&line).iter().zip(&line).all(close));
        let few = [(1.0, 4.0), (2.0, f64::NAN), (3.0, 2.0)];
        assert_eq!(smoothed(&few), [(1.0, 4.0), (3.0, 2.0)]);
        let mut noisy = vec![(0.0, 0.0); 80];
        noisy[40].1 = 5.0;
        assert_eq!(smoothed(&noisy)[39].1, 1.0);
        assert!(smoothed(&[]).is_empty());
    }
}
