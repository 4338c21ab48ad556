//! Named facts in the order in which they were given.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Names and values for people to read: a JSON object that keeps its order.
///
/// ```
/// use embedtune_eval::Facts;
///
/// let facts = Facts::new().with("epochs", 1).with("loss", "mnrl").with("learning_rate", 2e-5);
/// let json = serde_json::to_string(&facts)?;
/// assert_eq!(json, r#"{"epochs":1,"loss":"mnrl","learning_rate":0.00002}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts(Vec<(String, Value)>);

impl Facts {
    /// No facts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fact, replacing the one of the same name.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.0.push((name, value)),
        }
    }

    /// [`Facts::insert`] for chains.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.insert(name, value);
        self
    }

    /// Names and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there is no fact.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The fields of a serializable struct, a configuration for example; anything but a struct or a
/// map becomes one fact called `value`.
impl From<Value> for Facts {
    fn from(value: Value) -> Self {
        match value {
            Value::Object(fields) => Self(fields.into_iter().collect()),
            Value::Null => Self::default(),
            other => Self(vec![("value".to_owned(), other)]),
        }
    }
}

impl Serialize for Facts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Facts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Facts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of facts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Facts, A::Error> {
                let mut facts = Facts::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    facts.insert(name, value);
                }
                Ok(facts)
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}
