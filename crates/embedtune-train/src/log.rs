//! The metrics log: one JSON object a line, so that it can be read while the run goes on.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::Value;

use crate::{TrainError, files};

/// `metrics.jsonl` of a run.
pub(crate) struct MetricsLog {
    path: PathBuf,
    file: File,
}

impl MetricsLog {
    pub(crate) const FILE: &'static str = "metrics.jsonl";

    /// Opens the log in `dir`: empty for a new run. For one that goes on after `resumed` steps,
    /// what it wrote after them is dropped, as it will come again.
    pub(crate) fn open(dir: &Path, resumed: Option<u64>) -> Result<Self, TrainError> {
        let path = dir.join(Self::FILE);
        let kept = match (resumed, fs::read(&path)) {
            (None, _) => Vec::new(),
            (Some(step), Ok(bytes)) => up_to(&bytes, step),
            (_, Err(error)) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            (_, Err(source)) => return Err(TrainError::Io { path, source }),
        };
        files::replace(&path, &kept)?;
        let file = OpenOptions::new().append(true).open(&path).map_err(TrainError::io(&path))?;
        Ok(Self { path, file })
    }

    /// Appends `entry`, which has a field `step`.
    pub(crate) fn write(&mut self, entry: &impl Serialize) -> Result<(), TrainError> {
        let mut line = serde_json::to_vec(entry).expect("reports are numbers and strings");
        line.push(b'\n');
        self.file.write_all(&line).map_err(TrainError::io(&self.path))
    }

    /// Makes all lines durable.
    pub(crate) fn sync(&self) -> Result<(), TrainError> {
        self.file.sync_all().map_err(TrainError::io(&self.path))
    }
}

/// The whole lines of at most `step` steps; a line that a crash cut short is none.
fn up_to(bytes: &[u8], step: u64) -> Vec<u8> {
    let kept = |line: &&[u8]| {
        let value: Option<Value> = serde_json::from_slice(line).ok();
        value.and_then(|value| value.get("step")?.as_u64()).is_some_and(|at| at <= step)
    };
    let lines = bytes.split_inclusive(|&byte| byte == b'\n').filter(|line| line.ends_with(b"\n"));
    lines.filter(kept).collect::<Vec<_>>().concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_and_broken_lines_are_dropped() {
        let lines = b"{\"step\":1}\n{\"step\":2,\"a\":0}\n{\"step\":3}\n{\"step\":2}\n{\"ste";
        assert_eq!(up_to(lines, 2), b"{\"step\":1}\n{\"step\":2,\"a\":0}\n{\"step\":2}\n");
        assert_eq!(up_to(b"{\"step\":0}\n{\"step\":1}\n", 0), b"{\"step\":0}\n");
    }
}
