//! Names and numbers as people write them.

use embedtune_metrics::Measure;

/// A measure as papers write it: `nDCG@10` for `ndcg@10`.
pub(crate) fn measure_label(measure: Measure) -> String {
    metric_label(&measure.to_string())
}

/// [`measure_label`] for a name; names that are not known stay as they are.
pub(crate) fn metric_label(name: &str) -> String {
    let (family, cutoff) = name.split_at(name.find('@').unwrap_or(name.len()));
    let family = match family {
        "ndcg" => "nDCG",
        "map" => "MAP",
        "mrr" => "MRR",
        "recall" => "Recall",
        "precision" => "Precision",
        "success" => "Success",
        other => other,
    };
    format!("{family}{cutoff}")
}

/// A count with separators: `5,183`.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A difference with its sign, a true minus included: `+0.0234`, `−0.0100`, `0.0000`.
pub(crate) fn signed(value: f64, decimals: usize) -> String {
    let digits = format!("{:.decimals$}", value.abs());
    let is_zero = digits.chars().all(|c| c == '0' || c == '.');
    match value {
        _ if is_zero => digits,
        value if value < 0.0 => format!("−{digits}"),
        _ => format!("+{digits}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_separators_and_measures_their_usual_names() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(measure_label(Measure::NDCG_10), "nDCG@10");
        assert_eq!(measure_label(Measure::MAP_100), "MAP@100");
        assert_eq!(metric_label("accuracy"), "accuracy");
    }

    #[test]
    fn differences_have_a_sign_unless_they_round_to_zero() {
        assert_eq!(signed(-0.01, 4), "−0.0100");
        assert_eq!(signed(-0.000_01, 4), "0.0000");
        assert_eq!(signed(0.5, 1), "+0.5");
    }
}
