//! The course of training.

use super::{
    format,
    markup::Markup,
    plot::{
        lines::{LineChart, Series},
        svg::Name,
    },
    section,
};
use crate::TrainingCurve;

pub(super) fn draw(m: &mut Markup, curve: &TrainingCurve) {
    let metric = curve.decisive_metric();
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
            if !curve.points.is_empty() {
                rate_chart(m, curve);
            }
        });
    });
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
    let is_smooth = window(smooth.len()) > 0;
    let mut series = vec![Series { class: "strong", points: smooth, tips: None }];
    if is_smooth {
        series.insert(0, Series { class: "faint", points: losses, tips: None });
    }
    let chart = LineChart {
        name: Name {
            id: "loss",
            class: "small",
            title: "Training loss by step",
            description: &description,
        },
        y_label: "loss",
        series,
        from_zero: false,
        mark: None,
    };
    m.element("figure", &[], |m| {
        m.element("figcaption", &[], |m| {
            m.text("Loss");
            if is_smooth {
                m.element("ul", &[("class", "key")], |m| {
                    m.leaf("li", &[("class", "faint")], "each step");
                    m.leaf("li", &[("class", "strong")], "smoothed");
                });
            }
        });
        chart.draw(m);
    });
}

fn dev_chart(m: &mut Markup, curve: &TrainingCurve, metric: &str) {
    let points = curve.values_of(metric);
    let label = format::metric_label(metric);
    let best = points.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
    let description = best
        .map_or_else(String::new, |(step, value)| format!("Highest at step {step}: {value:.4}."));
    let from_base = points.first().is_some_and(|(step, _)| *step == 0.0);
    let chart = LineChart {
        name: Name {
            id: "dev",
            class: "small",
            title: &format!("{label} on the dev split by step"),
            description: &description,
        },
        y_label: &label,
        series: vec![Series {
            class: "tuned",
            points,
            tips: Some(|(step, value)| format!("step {step}: {value:.4}")),
        }],
        from_zero: false,
        mark: curve.kept_step.map(|step| (step as f64, "kept")),
    };
    m.element("figure", &[], |m| {
        m.element("figcaption", &[], |m| {
            m.text(&format!("{label} on the dev split"));
            if from_base {
                m.element("ul", &[("class", "key")], |m| {
                    m.leaf("li", &[], "step 0 is the base model")
                });
            }
        });
        chart.draw(m);
    });
}

fn rate_chart(m: &mut Markup, curve: &TrainingCurve) {
    let points: Vec<(f64, f64)> =
        curve.points.iter().map(|point| (point.step as f64, point.lr)).collect();
    let rates = points.iter().map(|(_, rate)| *rate).filter(|rate| rate.is_finite());
    let highest = rates.fold(0.0, f64::max);
    let chart = LineChart {
        name: Name {
            id: "rate",
            class: "small",
            title: "Learning rate by step",
            description: &format!("Highest learning rate: {highest:e}."),
        },
        y_label: "learning rate",
        series: vec![Series { class: "strong", points, tips: None }],
        from_zero: true,
        mark: None,
    };
    m.element("figure", &[], |m| {
        m.element("figcaption", &[], |m| {
            m.text("Learning rate");
            m.element("ul", &[("class", "key")], |m| {
                m.leaf("li", &[], &format!("at most {}", format::value(&highest.into())));
            });
        });
        chart.draw(m);
    });
}

/// Mean over a twentieth of the run around each step, which, unlike a running average, does not lag
/// behind. Towards the ends the window narrows on both sides alike.
fn smoothed(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let points: Vec<(f64, f64)> =
        points.iter().copied().filter(|(_, value)| value.is_finite()).collect();
    let half = window(points.len());
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

/// Steps on either side that are averaged with one of `steps`. A few steps are left as they are.
fn window(steps: usize) -> usize {
    (steps / 40).max(usize::from(steps >= 15))
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
