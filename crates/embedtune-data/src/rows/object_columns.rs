//! Columns of JSON objects, which may have other fields in every row.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use super::{ColumnMap, TextRow, extract};
use crate::{DataError, error::Place, json::Object};

/// Finds the columns as objects come, since a field may be missing in the first ones: a file whose
/// first row has no negatives must not lose those of the others.
pub(super) struct ObjectColumns {
    path: PathBuf,
    given: Option<ColumnMap>,
    map: Option<ColumnMap>,
    /// Every field met so far.
    fields: BTreeSet<String>,
}

impl ObjectColumns {
    pub(super) fn new(path: &Path, given: Option<ColumnMap>) -> Self {
        Self { path: path.to_owned(), map: given.clone(), given, fields: BTreeSet::new() }
    }

    /// Rows of the next object.
    pub(super) fn rows(
        &mut self,
        object: &Object,
        at: impl Fn() -> Place + Copy,
    ) -> Result<Vec<TextRow>, DataError> {
        let mut news = false;
        for field in object.keys() {
            if !self.fields.contains(field) {
                self.fields.insert(field.clone());
                news = true;
            }
        }
        let map = match &mut self.map {
            Some(map) if !news || self.given.is_some() => map,
            map => map.insert(extract::resolve(&self.path, None, &found(&self.fields))?),
        };
        extract::object_rows(object, map, at)
    }

    /// To be called at the end: a column that was named but never came is a mistake.
    pub(super) fn finish(&self) -> Result<(), DataError> {
        match &self.given {
            Some(map) if !self.fields.is_empty() => {
                extract::resolve(&self.path, Some(map), &found(&self.fields)).map(|_| ())
            }
            _ => Ok(()),
        }
    }
}

fn found(fields: &BTreeSet<String>) -> Vec<String> {
    fields.iter().cloned().collect()
}
