//! Numbers and values as people read them.

use serde_json::Value;

pub(super) use crate::wording::{count, measure_label, metric_label, signed};

/// A value between 0 and 1: `0.6451`.
pub(super) fn score(value: f64) -> String {
    format!("{value:.4}")
}

/// A share of the base value: `+3.6 %`.
pub(super) fn relative(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{} %", signed(100.0 * value, 1)))
}

/// A p-value without its letter: `0.012`, `< 0.001`.
pub(super) fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".to_owned() } else { format!("{p:.3}") }
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
        Value::String(text) => match serde_json::from_str(text) {
            // Some settings are numbers or whole configurations, written as JSON.
            Ok(Value::String(_) | Value::Null) | Err(_) => text.clone(),
            Ok(inner) => self::value(&inner),
        },
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

/// `text` in which no line may end between a figure and its sign.
pub(super) fn unbroken(text: &str) -> String {
    text.replace(" %", "\u{a0}%").replace(" < ", "\u{a0}<\u{a0}").replace(" = ", "\u{a0}=\u{a0}")
}

/// `text` up to about `chars` characters, at a word's end where there is one, with an ellipsis;
/// `None` if it is no longer than that.
pub(super) fn cut(text: &str, chars: usize) -> Option<String> {
    let (end, _) = text.char_indices().nth(chars)?;
    let word = text[..end].rfind(' ').filter(|&word| 2 * word > end).unwrap_or(end);
    Some(format!("{}…", text[..word].trim_end()))
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
        assert_eq!(relative(None), "–");
        assert_eq!(relative(Some(0.036)), "+3.6 %");
        assert_eq!(p_value(0.0004), "< 0.001");
        assert_eq!(seconds(9.96), "10.0 s");
        assert_eq!(seconds(187.2), "3 min 07 s");
        assert_eq!(seconds(3_661.0), "1 h 01 min 01 s");
    }

    #[test]
    fn long_texts_are_cut_between_words() {
        assert_eq!(cut("one two", 7), None);
        assert_eq!(cut("one two three", 10).as_deref(), Some("one two…"));
        assert_eq!(cut("ééééé", 3).as_deref(), Some("ééé…"));
        assert_eq!(cut("a bbbbbbbb", 6).as_deref(), Some("a bbbb…"));
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
        assert_eq!(value(&json!("{\"type\":\"adamw\"}")), "type adamw");
        assert_eq!(value(&json!("0.00005")), "5e-5");
        assert_eq!(value(&json!("true")), "yes");
        assert_eq!(
            ["{half", "007", "null", "\"a\""].map(|it| value(&json!(it))),
            ["{half", "007", "null", "\"a\""]
        );
    }
}
