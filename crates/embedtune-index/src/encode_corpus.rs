//! A corpus of any size to vectors on disk, window by window.

use std::{collections::HashMap, ops::Range};

use embedtune_data::{CorpusReader, DataError, EmbedError, Embeddings, TextHash};
use serde::{Deserialize, Serialize};

use crate::{IndexError, RowCounts, VectorFile};

/// How [`encode_corpus`] cuts its input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct WindowConfig {
    /// Most texts of a window. Default 4,096: their vectors take a few MB.
    pub texts: usize,
    /// Bytes of text after which a window is full. Default 512 KiB, about 120,000 tokens: enough
    /// that the windows' ends cost nothing, and what an interruption can lose is some seconds of
    /// a few cores.
    pub bytes: usize,
}

impl Default for WindowConfig {
    fn default() -> Self {
        Self { texts: 4096, bytes: 1 << 19 }
    }
}

impl WindowConfig {
    /// Sets [`WindowConfig::texts`].
    #[must_use]
    pub fn with_texts(mut self, texts: usize) -> Self {
        self.texts = texts;
        self
    }

    /// Sets [`WindowConfig::bytes`].
    #[must_use]
    pub fn with_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }
}

/// The texts that are embedded in one go.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Window<'a> {
    /// The distinct texts, in the order of their first appearance.
    pub texts: Vec<&'a str>,
    /// The bytes of the input that they come from.
    pub input: Range<u64>,
}

/// What became of the texts of a [`Window`].
#[derive(Debug, Clone, Default)]
pub struct EncodedWindow {
    /// A vector for each text, `(texts, dim)`.
    pub vectors: Embeddings,
    /// Tokens of these texts.
    pub tokens: u64,
    /// Texts that were cut to the model's maximum length.
    pub truncated: u64,
}

impl From<Embeddings> for EncodedWindow {
    /// Of a model that does not tell its tokens.
    fn from(vectors: Embeddings) -> Self {
        Self { vectors, ..Self::default() }
    }
}

/// Embeds what `reader` has left and appends it to `file`, in its order: one window in memory at a
/// time, whatever the size of the input, and a text that comes twice in a window embedded once.
/// After each window its rows are durable and `done` is told the counts so far.
///
/// `reader` must stand where `file` ends: at the start for a new file, else at
/// [`RowCounts::input`]. Windows depend on the input and on `config` alone, so an interrupted run
/// that is resumed embeds the same texts together as one that was not, and ends with the same
/// bits.
///
/// # Errors
/// If a line of the input is malformed, `embed` fails or returns another number of vectors, or the
/// disk does. Windows before it stay.
///
/// # Example
/// ```
/// use std::collections::BTreeMap;
///
/// use embedtune_data::{CorpusReader, Embed, Role};
/// use embedtune_index::{VectorFile, WindowConfig, encode_corpus};
/// use embedtune_testkit::HashEmbed;
///
/// let folder = tempfile::tempdir()?;
/// let (input, output) = (folder.path().join("corpus.jsonl"), folder.path().join("vectors.npy"));
/// std::fs::write(&input, "{\"text\": \"red fish\"}\n{\"text\": \"blue fish\"}\n")?;
///
/// let model = HashEmbed::new(8, 1);
/// let facts = BTreeMap::from([("model".to_owned(), model.fingerprint().to_string())]);
/// let mut file = VectorFile::create(&output, model.dim(), facts)?;
/// let mut reader = CorpusReader::open(&input)?;
/// let mut embed = |window: &embedtune_index::Window<'_>| {
///     Ok(model.embed(&window.texts, Role::Document)?.into())
/// };
/// encode_corpus(&mut reader, &mut file, &WindowConfig::default(), &mut embed, &mut |_| ())?;
/// assert_eq!(file.finish()?.rows, 2);
/// assert!(output.is_file());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn encode_corpus(
    reader: &mut CorpusReader,
    file: &mut VectorFile,
    config: &WindowConfig,
    embed: &mut dyn FnMut(&Window<'_>) -> Result<EncodedWindow, EmbedError>,
    done: &mut dyn FnMut(&RowCounts),
) -> Result<(), IndexError> {
    for (field, value) in [("texts", config.texts), ("bytes", config.bytes)] {
        if value == 0 {
            return Err(IndexError::Config { field, value: 0.0, allowed: "at least 1" });
        }
    }
    loop {
        let from = reader.position().bytes;
        let texts = Texts::read(reader, config)?;
        if texts.ids.is_empty() {
            break;
        }
        let input = reader.position();
        let distinct = texts.distinct.iter().map(String::as_str).collect();
        let window = Window { texts: distinct, input: from..input.bytes };
        let EncodedWindow { vectors, tokens, truncated } = embed(&window)?;
        let before = file.counts();
        let counts = RowCounts {
            rows: before.rows,
            embedded: before.embedded + texts.distinct.len() as u64,
            tokens: before.tokens + tokens,
            truncated: before.truncated + truncated,
            input,
        };
        file.append(&texts.ids, &texts.spread(vectors, file.dim())?, counts)?;
        done(file.counts());
    }
    if file.counts().rows == 0 {
        return Err(DataError::NoRows { path: reader.place().path }.into());
    }
    Ok(())
}

/// The texts of a window as they come.
#[derive(Default)]
struct Texts {
    ids: Vec<String>,
    distinct: Vec<String>,
    /// Place among the distinct texts of each row.
    places: Vec<usize>,
}

impl Texts {
    fn read(reader: &mut CorpusReader, config: &WindowConfig) -> Result<Self, IndexError> {
        let mut texts = Self::default();
        let mut known: HashMap<TextHash, usize> = HashMap::new();
        let mut bytes = 0;
        while texts.ids.len() < config.texts && bytes < config.bytes {
            let Some(document) = reader.next_document()? else { break };
            let text = document.full_text();
            bytes += text.len();
            let next = texts.distinct.len();
            let place = *known.entry(TextHash::of(&text)).or_insert(next);
            if place == next {
                texts.distinct.push(text);
            }
            texts.ids.push(document.id);
            texts.places.push(place);
        }
        Ok(texts)
    }

    /// A vector for each row, `(rows, dim)`, of those of the distinct texts.
    fn spread(&self, vectors: Embeddings, dim: usize) -> Result<Embeddings, IndexError> {
        if vectors.rows() != self.distinct.len() {
            let (expected, got) = (self.distinct.len(), vectors.rows());
            return Err(IndexError::Count { what: "vectors", expected, got });
        }
        if vectors.dim() != dim {
            return Err(IndexError::Dimension { expected: dim, got: vectors.dim() });
        }
        if self.distinct.len() == self.ids.len() {
            return Ok(vectors);
        }
        let mut rows = Vec::with_capacity(self.ids.len() * dim);
        self.places.iter().for_each(|&place| rows.extend_from_slice(vectors.row(place)));
        Ok(Embeddings::new(dim, rows))
    }
}
