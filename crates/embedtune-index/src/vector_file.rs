//! A NumPy file of vectors that is written bit by bit and survives interruptions.

mod npy;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use embedtune_data::{Embeddings, ReadPosition};
use serde::{Deserialize, Serialize};

use crate::{IndexError, durable::sync_folder, write_atomically};

const FORMAT: &str = "embedtune-vectors-1";
const PROGRESS: &str = "progress.json";
const VECTORS: &str = "vectors.npy";
const IDS: &str = "ids";

/// A NumPy file of float32 vectors, `(rows, dim)`, with the ids of its rows, one a line, in a
/// second file of the same name and `.ids`.
///
/// Until it is [finished](Self::finish) everything lies in the folder `OUTPUT.run`: what was
/// [appended](Self::append) is durable there and counted in `progress.json`. After a crash at any
/// moment [`resume`](Self::resume) goes on after the last whole append; bytes of a broken one are
/// cut off. Both files appear at the end, the vectors last, by renames.
///
/// Dropped before its first row, it leaves nothing.
#[derive(Debug)]
pub struct VectorFile {
    places: Places,
    vectors: File,
    ids: File,
    state: State,
}

/// What a [`VectorFile`] holds so far, and how it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    format: String,
    /// What the vectors depend on, by name: another value is another run.
    facts: BTreeMap<String, String>,
    dim: usize,
    counts: RowCounts,
    /// Bytes of the ids.
    id_bytes: u64,
    /// Every row is there; what remains is to move the files.
    complete: bool,
}

/// Counts of a [`VectorFile`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RowCounts {
    /// Rows, one for each text.
    pub rows: u64,
    /// Texts that were embedded; a text that came twice may be embedded once.
    pub embedded: u64,
    /// Tokens of these.
    pub tokens: u64,
    /// Texts of these that were cut to the model's maximum length.
    pub truncated: u64,
    /// How far the input was read.
    pub input: ReadPosition,
}

/// What [`VectorFile::resume`] finds.
#[derive(Debug)]
pub enum Resumed {
    /// A file that wants more rows.
    Unfinished(VectorFile),
    /// Every row was there and the files are in their places now.
    Finished(RowCounts),
}

impl VectorFile {
    /// Begins the file `output` of vectors of `dim` values. `facts` are what its vectors depend on
    /// (model, precision, role, …): only with the same ones it can be gone on with.
    ///
    /// # Errors
    /// If `output` exists, or an interrupted run for it, or its folder cannot be written.
    pub fn create(
        output: &Path,
        dim: usize,
        facts: BTreeMap<String, String>,
    ) -> Result<Self, IndexError> {
        let places = Places::of(output);
        places.check_free()?;
        if places.run.exists() {
            return Err(IndexError::RunExists { path: places.run });
        }
        fs::create_dir_all(&places.run).map_err(at(&places.run))?;
        let counts = RowCounts::default();
        let format = FORMAT.to_owned();
        let state = State { format, facts, dim, counts, id_bytes: 0, complete: false };
        let files = open(&places.in_run(VECTORS), true)
            .and_then(|vectors| Ok((vectors, open(&places.in_run(IDS), true)?)));
        let (vectors, ids) = files.inspect_err(|_| {
            let _ = fs::remove_dir_all(&places.run);
        })?;
        // From here on a failure removes the folder when the file is dropped.
        let mut file = Self { places, vectors, ids, state };
        file.write_header()?;
        file.save_state()?;
        Ok(file)
    }

    /// Goes on with the file `output` after an interruption.
    ///
    /// # Errors
    /// If there is no interrupted run, if it had other `facts` or another `dim`, or if its files
    /// are damaged.
    pub fn resume(
        output: &Path,
        dim: usize,
        facts: &BTreeMap<String, String>,
    ) -> Result<Resumed, IndexError> {
        let places = Places::of(output);
        let state = State::load(&places)?;
        state.check(&places, dim, facts)?;
        if state.complete {
            places.publish()?;
            return Ok(Resumed::Finished(state.counts));
        }
        places.check_free()?;
        let vectors = open(&places.in_run(VECTORS), false)?;
        let ids = open(&places.in_run(IDS), false)?;
        let file = Self { places, vectors, ids, state };
        file.cut()?;
        Ok(Resumed::Unfinished(file))
    }

    /// Counts so far.
    pub fn counts(&self) -> &RowCounts {
        &self.state.counts
    }

    /// Number of values in a vector.
    pub fn dim(&self) -> usize {
        self.state.dim
    }

    /// Appends `vectors` `(ids.len(), dim)`; durable when the call returns. `counts` are those of
    /// the whole file after it, rows apart.
    ///
    /// # Errors
    /// If the vectors have another shape or are not finite, an id holds a line break, or a file
    /// cannot be written: then what was appended before stays, and this call left no trace that a
    /// resumed file shows.
    pub fn append(
        &mut self,
        ids: &[String],
        vectors: &Embeddings,
        counts: RowCounts,
    ) -> Result<(), IndexError> {
        self.check(ids, vectors)?;
        self.cut()?;
        let values = vectors.as_slice();
        write_all(&self.vectors, |file| {
            values.iter().try_for_each(|value| file.write_all(&value.to_le_bytes()))
        })
        .map_err(at(&self.places.in_run(VECTORS)))?;
        write_all(&self.ids, |file| ids.iter().try_for_each(|id| writeln!(file, "{id}")))
            .map_err(at(&self.places.in_run(IDS)))?;
        let rows = self.state.counts.rows + ids.len() as u64;
        self.state.id_bytes += ids.iter().map(|id| id.len() as u64 + 1).sum::<u64>();
        self.state.counts = RowCounts { rows, ..counts };
        self.save_state()
    }

    /// Gives both files their names and removes the run.
    ///
    /// # Errors
    /// If the disk fails, or somebody made the output meanwhile: then the run stays.
    pub fn finish(mut self) -> Result<RowCounts, IndexError> {
        self.places.check_free()?;
        self.write_header()?;
        self.state.complete = true;
        self.save_state()?;
        self.places.publish()?;
        Ok(self.state.counts.clone())
    }

    fn check(&self, ids: &[String], vectors: &Embeddings) -> Result<(), IndexError> {
        if vectors.rows() != ids.len() {
            let (expected, got) = (ids.len(), vectors.rows());
            return Err(IndexError::Count { what: "vectors", expected, got });
        }
        if vectors.dim() != self.state.dim {
            let (expected, got) = (self.state.dim, vectors.dim());
            return Err(IndexError::Dimension { expected, got });
        }
        if let Some(place) = vectors.as_slice().iter().position(|value| !value.is_finite()) {
            let (row, column) = (place / self.state.dim, place % self.state.dim);
            let value = vectors.row(row)[column];
            return Err(IndexError::NotFinite { row, column, value });
        }
        match ids.iter().find(|id| id.contains(['\n', '\r'])) {
            Some(id) => Err(IndexError::UnwritableId { id: id.clone() }),
            None => Ok(()),
        }
    }

    /// Cuts off what a broken append left, and goes to the ends of the files.
    fn cut(&self) -> Result<(), IndexError> {
        let State { counts, dim, id_bytes, .. } = &self.state;
        let vector_bytes = npy::HEADER as u64 + counts.rows * 4 * *dim as u64;
        cut(&self.vectors, &self.places.in_run(VECTORS), vector_bytes)?;
        cut(&self.ids, &self.places.in_run(IDS), *id_bytes)
    }

    /// The number of rows is known at the end only; the place of the header is not moved by it.
    fn write_header(&mut self) -> Result<(), IndexError> {
        let header = npy::header(self.state.counts.rows, self.state.dim);
        let mut file = &self.vectors;
        file.seek(SeekFrom::Start(0))
            .and_then(|_| file.write_all(&header))
            .and_then(|()| file.sync_all())
            .map_err(at(&self.places.in_run(VECTORS)))
    }

    fn save_state(&self) -> Result<(), IndexError> {
        let path = self.places.in_run(PROGRESS);
        write_atomically(&path, |file| {
            serde_json::to_writer_pretty(file, &self.state).map_err(io::Error::from)
        })
        .map_err(at(&path))
    }
}

impl Drop for VectorFile {
    fn drop(&mut self) {
        if self.state.counts.rows == 0 && !self.state.complete {
            // There is nothing to go on with; whatever led here is the error that counts.
            let _ = fs::remove_dir_all(&self.places.run);
        }
    }
}

impl State {
    fn load(places: &Places) -> Result<Self, IndexError> {
        let path = places.in_run(PROGRESS);
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(IndexError::NoRun { path: places.run.clone() });
            }
            result => result.map_err(at(&path))?,
        };
        serde_json::from_str(&text).map_err(|source| IndexError::Manifest { path, source })
    }

    /// Refuses to go on with another run.
    fn check(
        &self,
        places: &Places,
        dim: usize,
        facts: &BTreeMap<String, String>,
    ) -> Result<(), IndexError> {
        let none = || "not set".to_owned();
        let fact = |name: &String| {
            let (saved, given) = (self.facts.get(name), facts.get(name));
            (name.clone(), saved.cloned().unwrap_or_else(none), given.cloned().unwrap_or_else(none))
        };
        let own = [
            ("format".to_owned(), self.format.clone(), FORMAT.to_owned()),
            ("dimension".to_owned(), self.dim.to_string(), dim.to_string()),
        ];
        let changed = facts.keys().chain(self.facts.keys()).map(fact).chain(own);
        match changed.into_iter().find(|(_, saved, given)| saved != given) {
            Some((what, saved, given)) => {
                Err(IndexError::RunChanged { path: places.run.clone(), what, saved, given })
            }
            None => Ok(()),
        }
    }
}

/// Names of the files.
#[derive(Debug)]
struct Places {
    output: PathBuf,
    ids: PathBuf,
    run: PathBuf,
}

impl Places {
    fn of(output: &Path) -> Self {
        let with = |suffix: &str| {
            let mut name: OsString = output.as_os_str().to_owned();
            name.push(suffix);
            PathBuf::from(name)
        };
        Self { output: output.to_owned(), ids: with(".ids"), run: with(".run") }
    }

    fn in_run(&self, name: &str) -> PathBuf {
        self.run.join(name)
    }

    fn check_free(&self) -> Result<(), IndexError> {
        let taken = [&self.output, &self.ids].into_iter().find(|it| it.symlink_metadata().is_ok());
        match taken {
            Some(path) => Err(IndexError::OutputExists { path: path.clone() }),
            None => Ok(()),
        }
    }

    /// Moves both files out of the run, whichever were not moved before a crash, and removes it.
    fn publish(&self) -> Result<(), IndexError> {
        for (name, target) in [(IDS, &self.ids), (VECTORS, &self.output)] {
            match fs::rename(self.in_run(name), target) {
                Err(error) if error.kind() == io::ErrorKind::NotFound && target.exists() => {}
                result => result.map_err(at(target))?,
            }
            sync_folder(target).map_err(at(target))?;
        }
        fs::remove_dir_all(&self.run).map_err(at(&self.run))
    }
}

fn open(path: &Path, new: bool) -> Result<File, IndexError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(new);
    options.open(path).map_err(at(path))
}

/// Cuts a file to what it had at the last whole append, and goes to its end.
fn cut(mut file: &File, path: &Path, expected: u64) -> Result<(), IndexError> {
    let got = file.metadata().map_err(at(path))?.len();
    if got < expected {
        return Err(IndexError::DamagedRun { path: path.to_owned(), expected, got });
    }
    file.set_len(expected).and_then(|()| file.seek(SeekFrom::End(0))).map_err(at(path))?;
    Ok(())
}

/// Writes at the end of `file` and makes it durable.
fn write_all(
    file: &File,
    write: impl FnOnce(&mut BufWriter<&File>) -> io::Result<()>,
) -> io::Result<()> {
    let mut writer = BufWriter::with_capacity(1 << 16, file);
    write(&mut writer)?;
    writer.flush()?;
    drop(writer);
    file.sync_all()
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> IndexError + '_ {
    |source| IndexError::Io { path: path.to_owned(), source }
}
