//! Values of JSON objects, with errors that name the place.

use serde_json::{Map, Value};

use crate::error::{DataError, Place};

/// A JSON object.
pub(crate) type Object = Map<String, Value>;

/// Parses one line of a JSON Lines file.
pub(crate) fn object(line: &str, at: impl Fn() -> Place) -> Result<Object, DataError> {
    let value = serde_json::from_str(line).map_err(|error| {
        let column = error.column();
        malformed(&error, at(), column, "every line must be one complete JSON object")
    })?;
    into_object(value, at)
}

/// The object that `value` must be.
pub(crate) fn into_object(value: Value, at: impl Fn() -> Place) -> Result<Object, DataError> {
    match value {
        Value::Object(object) => Ok(object),
        other => Err(wrong_type(at(), "row", "an object such as {\"query\": \"…\"}", &other)),
    }
}

/// Error for text that is not JSON. The parser's own position is cut off: it counts from the start
/// of the line or element, not of the file.
pub(crate) fn malformed(
    error: &serde_json::Error,
    at: Place,
    column: usize,
    remedy: &'static str,
) -> DataError {
    let message = error.to_string();
    let reason = match message.rfind(" at line ") {
        Some(end) => message[..end].to_owned(),
        None => message,
    };
    DataError::Json { at, column, reason, remedy }
}

/// The text of `field`, which must be there.
pub(crate) fn text<'a>(
    object: &'a Object,
    field: &str,
    at: impl Fn() -> Place,
) -> Result<&'a str, DataError> {
    match object.get(field) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(wrong_type(at(), field, "a string", other)),
        None => Err(missing(object, field, at())),
    }
}

/// Error for a field that is not there.
pub(crate) fn missing(object: &Object, field: &str, at: Place) -> DataError {
    let found = object.keys().cloned().collect();
    DataError::MissingField { at, field: field.to_owned(), found }
}

/// Error for a value of another type.
pub(crate) fn wrong_type(
    at: Place,
    field: &str,
    expected: &'static str,
    value: &Value,
) -> DataError {
    let got = match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    DataError::WrongType { at, field: field.to_owned(), expected, got: got.to_owned() }
}
