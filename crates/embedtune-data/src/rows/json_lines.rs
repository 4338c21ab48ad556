//! One JSON object in each line.

use std::path::Path;

use super::{ColumnMap, Source, TextRow, object_columns::ObjectColumns};
use crate::{
    DataError, json,
    lines::{Input, Lines},
};

pub(super) struct JsonLines {
    lines: Lines,
    columns: ObjectColumns,
}

impl JsonLines {
    pub(super) fn new(path: &Path, input: Input, given: Option<ColumnMap>) -> Self {
        Self { lines: Lines::new(path, input), columns: ObjectColumns::new(path, given) }
    }
}

impl Source for JsonLines {
    fn next_record(&mut self) -> Result<Option<Vec<TextRow>>, DataError> {
        let Some(line) = self.lines.next()? else {
            return self.columns.finish().map(|()| None);
        };
        let lines = &self.lines;
        let at = || lines.place();
        let object = json::object(&line, at)?;
        self.columns.rows(&object, at).map(Some)
    }
}
