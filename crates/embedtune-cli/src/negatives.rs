//! Hard negatives: mined with a model, or read from a file.

use std::path::Path;

use anyhow::Result;
use embedtune_mining::MinedNegatives;

use crate::data::Negatives;

/// Reads what `embedtune mine` wrote.
pub(crate) fn read(path: &Path) -> Result<Negatives> {
    Ok(MinedNegatives::read(path)?.by_query())
}
