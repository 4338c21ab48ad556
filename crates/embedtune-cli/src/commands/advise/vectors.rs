//! Vectors of another model, read from files.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use embedtune_data::{Embed, EmbedError, Embeddings, Fingerprint, Role, TextHash};

/// A model that is known by its vectors of some texts alone.
///
/// They are scaled to length 1, as search compares by cosine.
pub(super) struct StoredVectors {
    documents: Stored,
    queries: Stored,
    fingerprint: Fingerprint,
}

/// Identifiers and texts of one side.
type Texts<'a> = (&'a [String], &'a [String]);

impl StoredVectors {
    /// Reads the vectors of `documents` and `queries`, given as ids and texts.
    pub(super) fn read(path: &Path, documents: Texts<'_>, queries: Texts<'_>) -> Result<Self> {
        let (document_file, query_file) = files(path);
        let documents = Stored::read(&document_file, documents)?;
        let queries = Stored::read(&query_file, queries)?;
        if documents.dim != queries.dim {
            bail!(
                "{} has vectors of {} values, {} of {}; both must be of the same model",
                document_file.display(),
                documents.dim,
                query_file.display(),
                queries.dim
            );
        }
        let fingerprint = Fingerprint(format!("vectors of {}", path.display()));
        Ok(Self { documents, queries, fingerprint })
    }
}

impl Embed for StoredVectors {
    fn embed(&self, texts: &[&str], role: Role) -> Result<Embeddings, EmbedError> {
        let stored = if role == Role::Query { &self.queries } else { &self.documents };
        let mut values = Vec::with_capacity(texts.len() * stored.dim);
        for text in texts {
            let row = stored.rows.get(&TextHash::of(text)).ok_or_else(|| {
                EmbedError::new(format!("no vector was read for the text {text:?}"))
            })?;
            values.extend_from_slice(&stored.values[row * stored.dim..(row + 1) * stored.dim]);
        }
        Ok(Embeddings::new(stored.dim, values))
    }

    fn dim(&self) -> usize {
        self.documents.dim
    }

    fn fingerprint(&self) -> Fingerprint {
        self.fingerprint.clone()
    }
}

/// Files of documents and queries that a path stands for.
fn files(path: &Path) -> (PathBuf, PathBuf) {
    if path.is_dir() {
        return (path.join("corpus.npy"), path.join("queries.npy"));
    }
    (path.to_owned(), path.with_extension("queries.npy"))
}

/// Vectors by the hash of their text.
struct Stored {
    dim: usize,
    values: Vec<f32>,
    rows: HashMap<TextHash, usize>,
}

impl Stored {
    /// Keeps those of `wanted` alone: a corpus may be larger than the part that is searched.
    fn read(path: &Path, (ids, texts): Texts<'_>) -> Result<Self> {
        let wanted: HashMap<&str, &str> =
            ids.iter().zip(texts).map(|(id, text)| (id.as_str(), text.as_str())).collect();
        let context = || path.display().to_string();
        let mut file = BufReader::new(File::open(path).with_context(context)?);
        let (rows, dim) = header(&mut file).with_context(context)?;
        let ids_path = PathBuf::from(format!("{}.ids", path.display()));
        let listed =
            fs::read_to_string(&ids_path).with_context(|| ids_path.display().to_string())?;
        if listed.lines().count() != rows {
            bail!(
                "{} has {} ids for {rows} vectors in {}",
                ids_path.display(),
                listed.lines().count(),
                path.display()
            );
        }
        let mut stored = Self { dim, values: Vec::new(), rows: HashMap::new() };
        let mut bytes = vec![0; 4 * dim];
        for id in listed.lines() {
            file.read_exact(&mut bytes).with_context(context)?;
            if let Some(text) = wanted.get(id) {
                let place = || format!("{}: vector of {id:?}", path.display());
                stored.push(text, &bytes).with_context(place)?;
            }
        }
        match ids.iter().zip(texts).find(|(_, text)| !stored.has(text)) {
            Some((id, _)) => bail!("{}: no vector of {id:?}", path.display()),
            None => Ok(stored),
        }
    }

    fn has(&self, text: &str) -> bool {
        self.rows.contains_key(&TextHash::of(text))
    }

    fn push(&mut self, text: &str, bytes: &[u8]) -> Result<()> {
        if self.has(text) {
            return Ok(());
        }
        let values = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let squares: f64 = values.clone().map(|value| f64::from(value).powi(2)).sum();
        if !(squares.is_finite() && squares > 0.0) {
            bail!("its length is {}, so it has no direction", squares.sqrt());
        }
        self.rows.insert(TextHash::of(text), self.values.len() / self.dim);
        let length = squares.sqrt();
        self.values.extend(values.map(|value| (f64::from(value) / length) as f32));
        Ok(())
    }
}

/// Rows and columns by the header of a NumPy file (format 1 or 2) of `<f4` in C order.
fn header(file: &mut impl Read) -> Result<(usize, usize)> {
    let mut start = [0; 8];
    file.read_exact(&mut start).context("not a NumPy file")?;
    let length = match (&start[..6], start[6]) {
        (b"\x93NUMPY", 1) => {
            let mut bytes = [0; 2];
            file.read_exact(&mut bytes)?;
            u32::from(u16::from_le_bytes(bytes))
        }
        (b"\x93NUMPY", 2) => {
            let mut bytes = [0; 4];
            file.read_exact(&mut bytes)?;
            u32::from_le_bytes(bytes)
        }
        _ => bail!("not a NumPy file of format 1 or 2"),
    };
    let mut text = String::new();
    file.take(u64::from(length)).read_to_string(&mut text).context("damaged header")?;
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if !(plain.contains("'descr':'<f4'") && plain.contains("'fortran_order':False")) {
        bail!("expected float32 in C order (numpy.save of a C-contiguous float32 array)");
    }
    let shape = plain.split_once("'shape':(").and_then(|(_, rest)| rest.split_once(')'));
    let sizes: Option<Vec<usize>> = shape
        .map(|(sizes, _)| sizes.split(',').filter(|it| !it.is_empty()).map(str::parse))
        .and_then(|sizes| sizes.collect::<Result<_, _>>().ok());
    match sizes.as_deref() {
        Some(&[rows, dim]) if dim > 0 => Ok((rows, dim)),
        _ => bail!("expected an array of shape (rows, dim)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn npy(rows: usize, dim: usize, values: &[f32]) -> Vec<u8> {
        let text =
            format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {dim}), }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.bytes());
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        bytes
    }

    fn write(folder: &Path, name: &str, ids: &str, bytes: &[u8]) {
        fs::write(folder.join(name), bytes).unwrap();
        fs::write(folder.join(format!("{name}.ids")), ids).unwrap();
    }

    fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
        words.map(str::to_owned).into()
    }

    #[test]
    fn vectors_are_found_by_text_and_scaled() {
        let folder = tempfile::tempdir().unwrap();
        let documents = [3.0, 4.0, 0.0, 2.0, 1.0, 0.0];
        let (ids, texts) = (words(["c", "a"]), words(["text c", "text a"]));
        let (query_ids, query_texts) = (words(["q"]), words(["query"]));
        for (path, corpus, queries) in
            [("", "corpus.npy", "queries.npy"), ("v.npy", "v.npy", "v.queries.npy")]
        {
            write(folder.path(), corpus, "a\nb\nc\n", &npy(3, 2, &documents));
            write(folder.path(), queries, "q\n", &npy(1, 2, &[0.0, -5.0]));
            let path = folder.path().join(path);
            let it = StoredVectors::read(&path, (&ids, &texts), (&query_ids, &query_texts));
            let it = it.unwrap();
            let found = it.embed(&["text a", "text c"], Role::Document).unwrap();
            assert_eq!((found.row(0), found.row(1)), (&[0.6, 0.8][..], &[1.0, 0.0][..]));
            assert_eq!(it.embed(&["query"], Role::Query).unwrap().row(0), [0.0, -1.0]);
            assert!(it.embed(&["text b"], Role::Document).is_err());
        }
    }

    #[test]
    fn files_that_do_not_fit_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (ids, texts) = (words(["a", "b"]), words(["text a", "text b"]));
        let refused = |listed: &str, bytes: &[u8]| {
            write(folder.path(), "x.npy", listed, bytes);
            let result = Stored::read(&folder.path().join("x.npy"), (&ids, &texts));
            format!("{:#}", result.err().unwrap())
        };
        let good = npy(2, 2, &[1.0; 4]);
        assert!(refused("a\n", &good).contains("1 ids for 2 vectors"));
        assert!(refused("a\nc\n", &good).contains("no vector of \"b\""));
        assert!(refused("a\nb\n", &good[..good.len() - 1]).contains("x.npy"));
        assert!(refused("a\nb\n", &npy(2, 2, &[0.0; 4])).contains("no direction"));
        assert!(refused("a\nb\n", b"PK").contains("not a NumPy file"));
        let doubles = String::from_utf8_lossy(&good[10..80]).replace("<f4", "<f8");
        let mut bytes = good[..10].to_vec();
        bytes.extend(doubles.bytes());
        assert!(refused("a\nb\n", &bytes).contains("float32"));
    }
}
