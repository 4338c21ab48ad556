//! The first argument of every example.

use std::{env, path::PathBuf};

use anyhow::Context as _;

/// The model's directory: the first argument, else the variable `EMBEDTUNE_MODEL`.
pub(crate) fn model_dir() -> anyhow::Result<PathBuf> {
    env::args_os()
        .nth(1)
        .or_else(|| env::var_os("EMBEDTUNE_MODEL"))
        .map(PathBuf::from)
        .context("give a model directory, all-MiniLM-L6-v2 for example, or set EMBEDTUNE_MODEL")
}
