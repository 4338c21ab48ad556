//! The result, and its file.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{self, BufRead, BufReader, Write},
    path::Path,
};

use embedtune_data::Fingerprint;
use embedtune_index::write_atomically;
use serde::{Deserialize, Serialize};

use crate::{MiningConfig, MiningError, MiningStats};

const FORMAT: &str = "embedtune-negatives-1";

/// Negatives of every training query, and how they came about.
///
/// The file is JSON lines: first a header with the format, the model's fingerprint, settings and
/// statistics, then a line per query.
#[derive(Debug, Clone, PartialEq)]
pub struct MinedNegatives {
    /// The model whose vectors were searched: negatives of an older model are not as hard.
    pub fingerprint: Fingerprint,
    /// The settings.
    pub config: MiningConfig,
    /// What happened to the candidates.
    pub stats: MiningStats,
    /// One entry per query, in the order of the queries mined for. Each id occurs once.
    pub queries: Vec<MinedQuery>,
}

/// Negatives of one query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MinedQuery {
    /// Id of the query.
    pub query_id: String,
    /// Ids of its positives, as they were given.
    pub positive_ids: Vec<String>,
    /// Ids of the negatives: those mined, hardest first, then those drawn at random. Of documents
    /// with equal text the first in the corpus stands for all.
    pub negative_ids: Vec<String>,
    /// Score of each negative.
    pub negative_scores: Vec<f32>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    format: String,
    model: Fingerprint,
    config: MiningConfig,
    stats: MiningStats,
}

impl MinedNegatives {
    /// Ids of the negatives by query id, hardest first, as a dataset builder takes them.
    pub fn by_query(&self) -> HashMap<String, Vec<String>> {
        let entry = |query: &MinedQuery| (query.query_id.clone(), query.negative_ids.clone());
        self.queries.iter().map(entry).collect()
    }

    /// Writes the file `path`, which appears whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), MiningError> {
        let path = path.as_ref();
        let header = Header {
            format: FORMAT.into(),
            model: self.fingerprint.clone(),
            config: self.config.clone(),
            stats: self.stats,
        };
        write_atomically(path, |file| {
            json_line(file, &header)?;
            self.queries.iter().try_for_each(|query| json_line(file, query))
        })
        .map_err(|source| MiningError::Io { path: path.to_owned(), source })
    }

    /// Reads what [`write`](Self::write) wrote. Blank lines are skipped.
    ///
    /// # Errors
    /// If the file cannot be read, or a line is not what it should be; the error names it.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, MiningError> {
        let path = path.as_ref();
        let io_error = |source| MiningError::Io { path: path.to_owned(), source };
        let file = BufReader::new(File::open(path).map_err(io_error)?);
        let mut header = None;
        let mut queries = Vec::new();
        let mut seen = HashSet::new();
        for (line, text) in (1..).zip(file.lines()) {
            let text = text.map_err(io_error)?;
            if text.trim().is_empty() {
                continue;
            }
            let malformed = |source| MiningError::Line { path: path.to_owned(), line, source };
            if header.is_none() {
                header = Some(read_header(path, &text, malformed)?);
                continue;
            }
            let query: MinedQuery = serde_json::from_str(&text).map_err(malformed)?;
            query.check(path, line)?;
            if !seen.insert(query.query_id.clone()) {
                let (path, query) = (path.to_owned(), query.query_id);
                return Err(MiningError::DuplicateQuery { path, line, query });
            }
            queries.push(query);
        }
        let header = header.ok_or_else(|| MiningError::Empty { path: path.to_owned() })?;
        let Header { model: fingerprint, config, stats, .. } = header;
        Ok(Self { fingerprint, config, stats, queries })
    }
}

impl MinedQuery {
    fn check(&self, path: &Path, line: usize) -> Result<(), MiningError> {
        let (ids, scores) = (self.negative_ids.len(), self.negative_scores.len());
        if ids != scores {
            let (path, query) = (path.to_owned(), self.query_id.clone());
            return Err(MiningError::Scores { path, line, query, ids, scores });
        }
        Ok(())
    }
}

/// The format is looked at first, so that another version's header gets the right message.
fn read_header(
    path: &Path,
    text: &str,
    malformed: impl Fn(serde_json::Error) -> MiningError,
) -> Result<Header, MiningError> {
    #[derive(Deserialize)]
    struct Format {
        format: String,
    }
    let Format { format: found } = serde_json::from_str(text).map_err(&malformed)?;
    if found != FORMAT {
        return Err(MiningError::Format { path: path.to_owned(), found, expected: FORMAT });
    }
    serde_json::from_str(text).map_err(malformed)
}

fn json_line(file: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *file, value)?;
    file.write_all(b"\n")
}
