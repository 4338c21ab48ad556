//! Numbers and values as people read them.

use embedtune_metrics::Measure;
use serde_json::Value;

/// A measure as papers write it: `nDCG@10` for `ndcg@10`.
pub(super) fn measure_label(measure: Measure) -> String {
    metric_label(&measure.to_string())
}

/// [`measure_label`] for a name; names that are not known stay as they are.
pub(super) fn metric_label(name: &str) -> String {
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

/// A value between 0 and 1: `0.6451`.
pub(super) fn score(value: f64) -> String {
    format!("{value:.4}")
}

/// A difference with its sign, a true minus included: `+0.0234`, `−0.0100`, `0.0000`.
pub(super) fn signed(value: f64, decimals: usize) -> String {
    let digits = format!("{:.decimals$}", value.abs());
    let is_zero = digits.chars().all(|c| c == '0' || c == '.');
    match value {
        _ if is_zero => digits,
        value if value < 0.0 => format!("−{digits}"),
        _ => format!("+{digits}"),
    }
}

/// A share of the base value: `+3.6 %`.
pub(super) fn relative(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{} %", signed(100.0 * value, 1)))
}

/// A p-value without its letter: `0.012`, `< 0.001`.
pub(super) fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
}

/// A count with separators: `5,183`.
pub(super) fn count(value: u64) -> String {
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

/// A duration: `3 min 07 s`, `12.4 s`.
pub(super) fn seconds(value: f64) -> String {
    if value < 60.0 {
        return format!("{value:.1} s");
    }
    let whole = value.round() as u64;
    let (hours, minutes, rest) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours} h {minutes:02} min {rest:02} s")
    } else {
        format!("{minutes} min {rest:02} s")
    }
}

/// Any JSON value in one line.
pub(super) fn value(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match (number.as_u64(), number.as_f64()) {
            // Four digits may be a year or a seed: they read better without a separator.
            (Some(whole), _) if whole >= 10_000 => count(whole),
            (None, Some(real)) => self::real(real),
            _ => number.to_string(),
        },
        Value::Array(items) => items.iter().map(self::value).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let fields =
                fields.iter().map(|(name, field)| format!("{name} {}", self::value(field)));
            fields.collect::<Vec<_>>().join(", ")
        }
    }
}

/// A setting: `2e-5`, `0.1` (also when it was a single-precision number), `-3`.
fn real(value: f64) -> String {
    let single = value as f32;
    let exponent = value != 0.0 && value.abs() < 1e-3;
    match (f64::from(single) == value, exponent) {
        (true, true) => format!("{single:e}"),
        (true, false) => single.to_string(),
        (false, true) => format!("{value:e}"),
        (false, false) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(signed(-0.01, 4), "−0.0100");
        assert_eq!(signed(-0.000_01, 4), "0.0000");
        assert_eq!(signed(0.5, 1), "+0.5");
        assert_eq!(relative(None), "–");
        assert_eq!(relative(Some(0.036)), "+3.6 %");
        assert_eq!(p_value(0.0004), "< 0.001");
        assert_eq!(seconds(9.96), "10.0 s");
        assert_eq!(seconds(187.2), "3 min 07 s");
        assert_eq!(seconds(3_661.0), "1 h 01 min 01 s");
        assert_eq!(measure_label(Measure::NDCG_10), "nDCG@10");
        assert_eq!(metric_label("accuracy"), "accuracy");
    }

    #[test]
    fn values_read_well() {
        assert_eq!(value(&json!(2e-5)), "2e-5");
        assert_eq!(value(&json!(0.1f32)), "0.1");
        assert_eq!(value(&json!(-3)), "-3");
        assert_eq!(value(&json!(0.25)), "0.25");
        assert_eq!(value(&json!(120_000)), "120,000");
        assert_eq!(value(&json!([1, "a", null, true])), "1, a, –, yes");
        assert_eq!(value(&json!({"warmup": 0.1})), "warmup 0.1");
    }
}
