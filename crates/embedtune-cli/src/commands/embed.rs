//! `embedtune embed`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use anyhow::{Context, Result};
use embedtune_data::{CorpusReader, EmbedError, Role};
use embedtune_encoder::{EmbeddingModel, EncoderError, Precision};
use embedtune_index::{
    EncodedWindow, Resumed, RowCounts, VectorFile, Window, WindowConfig, encode_corpus,
};
use serde::Serialize;

use crate::{
    args::EmbedArgs,
    interrupt::{self, Interrupted},
    machine,
    model::{self, LoadedModel},
    output,
    progress::{Bar, Console, thousands},
};

#[derive(Serialize)]
struct Summary<'a> {
    model: &'a str,
    fingerprint: String,
    output: &'a Path,
    ids: PathBuf,
    rows: u64,
    dim: usize,
    max_seq_len: usize,
    precision: Precision,
    /// Distinct texts of each window.
    embedded: u64,
    tokens: u64,
    truncated: u64,
    /// Rows that an interrupted run had left.
    resumed_rows: u64,
    seconds: f64,
    texts_per_second: f64,
    tokens_per_second: f64,
    peak_rss_mb: Option<f64>,
}

/// Embeds a file of documents.
pub(crate) fn run(args: &EmbedArgs, console: Console) -> Result<()> {
    if !args.resume {
        output::must_not_exist(&args.output)?;
        output::must_not_exist(&beside(&args.output, ".ids"))?;
        output::no_interrupted_run(&beside(&args.output, ".run"))?;
    }
    let input = input(args);
    // A file that is not there is told before a model is loaded for it.
    CorpusReader::open(&input)?;
    let loaded = model::load(&args.model, console)?;
    let started = Instant::now();
    let mut before = RowCounts::default();
    let counts = match open(args, &loaded)? {
        Resumed::Finished(counts) => counts,
        Resumed::Unfinished(mut file) => {
            before = file.counts().clone();
            let stop = interrupt::flag()?;
            let mut job = Job::new(args, &loaded.model, &input, &before, &stop, console)?;
            let encoded = job.run(&input, &mut file);
            job.bar.finish();
            if encoded.is_err() && stop.load(Ordering::Relaxed) {
                drop(file);
                console.line(&match beside(&args.output, ".run").exists() {
                    true => format!("go on with: {}", output::resume_command()),
                    false => {
                        "interrupted before the first vectors were kept; begin anew".to_owned()
                    }
                });
                return Err(Interrupted.into());
            }
            encoded?;
            file.finish()?
        }
    };
    let seconds = started.elapsed().as_secs_f64();
    let LoadedModel { model, name } = &loaded;
    let summary = Summary {
        model: name,
        fingerprint: model.fingerprint().0,
        output: &args.output,
        ids: beside(&args.output, ".ids"),
        rows: counts.rows,
        dim: model.spec().dim(),
        max_seq_len: model.max_seq_len(),
        precision: model.precision(),
        embedded: counts.embedded,
        tokens: counts.tokens,
        truncated: counts.truncated,
        resumed_rows: before.rows,
        seconds,
        texts_per_second: (counts.rows - before.rows) as f64 / seconds,
        tokens_per_second: (counts.tokens - before.tokens) as f64 / seconds,
        peak_rss_mb: machine::peak_rss_mb(),
    };
    if args.json {
        return output::print_json(&summary);
    }
    output::print(&format!(
        "{}: {} vectors of {} values; ids in {}\n",
        args.output.display(),
        thousands(summary.rows as usize),
        summary.dim,
        summary.ids.display()
    ))
}

/// The file of texts, of which a BEIR directory has two.
fn input(args: &EmbedArgs) -> PathBuf {
    match (args.input.is_dir(), args.queries) {
        (false, _) => args.input.clone(),
        (true, false) => args.input.join("corpus.jsonl"),
        (true, true) => args.input.join("queries.jsonl"),
    }
}

fn role(args: &EmbedArgs) -> Role {
    if args.queries { Role::Query } else { Role::Document }
}

fn beside(output: &Path, suffix: &str) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The file to write, new or of an interrupted run.
fn open(args: &EmbedArgs, loaded: &LoadedModel) -> Result<Resumed> {
    let dim = loaded.model.spec().dim();
    let facts = facts(args, &loaded.model);
    if args.resume {
        return Ok(VectorFile::resume(&args.output, dim, &facts)?);
    }
    let parent = output::parent_of(&args.output);
    std::fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
    Ok(Resumed::Unfinished(VectorFile::create(&args.output, dim, facts)?))
}

/// What the vectors depend on, to the last bit.
fn facts(args: &EmbedArgs, model: &EmbeddingModel) -> BTreeMap<String, String> {
    let WindowConfig { texts, bytes, .. } = WindowConfig::default();
    [
        ("model", model.fingerprint().0),
        ("precision", model.precision().to_string()),
        ("engine", model.engine().name().to_owned()),
        ("role", format!("{:?}", role(args)).to_lowercase()),
        ("window", format!("{texts} texts or {bytes} bytes")),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

/// Embeds window after window and draws how far it is.
struct Job<'a> {
    model: &'a EmbeddingModel,
    role: Role,
    stop: &'a AtomicBool,
    bar: Bar,
    started: Instant,
    /// Texts and tokens of the windows done by this process.
    rows: u64,
    tokens: u64,
}

impl<'a> Job<'a> {
    fn new(
        args: &EmbedArgs,
        model: &'a EmbeddingModel,
        input: &Path,
        before: &RowCounts,
        stop: &'a Arc<AtomicBool>,
        console: Console,
    ) -> Result<Self> {
        let size = std::fs::metadata(input).with_context(|| input.display().to_string())?.len();
        let bar = console.bar_from("embedding", before.input.bytes, size);
        let rows = before.rows;
        let started = Instant::now();
        Ok(Self { model, role: role(args), stop, bar, started, rows, tokens: 0 })
    }

    fn run(&mut self, input: &Path, file: &mut VectorFile) -> Result<()> {
        let mut reader = CorpusReader::resume(input, &file.counts().input)?;
        let config = WindowConfig::default();
        let mut embed = |window: &Window<'_>| self.embed(window);
        Ok(encode_corpus(&mut reader, file, &config, &mut embed, &mut |_| ())?)
    }

    fn embed(&mut self, window: &Window<'_>) -> Result<EncodedWindow, EmbedError> {
        let encoder = |error: EncoderError| EmbedError::new(error);
        let tokens = self.model.tokenize(&window.texts, self.role).map_err(encoder)?;
        let mut go_on = |done: usize, total: usize| {
            self.show(window, done, total);
            !self.stop.load(Ordering::Relaxed)
        };
        let vectors = self.model.embed_tokens_while(&tokens, &mut go_on).map_err(encoder)?;
        let vectors = vectors.ok_or_else(|| EmbedError::new(Interrupted))?;
        let count = tokens.iter().map(|text| text.ids.len() as u64).sum();
        let truncated = tokens.iter().filter(|text| text.truncated()).count() as u64;
        self.rows += window.texts.len() as u64;
        self.tokens += count;
        Ok(EncodedWindow { vectors, tokens: count, truncated })
    }

    /// Within a window, the share of its tokens stands for the share of its bytes.
    fn show(&self, window: &Window<'_>, done: usize, total: usize) {
        let share = done as f64 / total.max(1) as f64;
        let bytes = (window.input.end - window.input.start) as f64 * share;
        let texts = self.rows + (window.texts.len() as f64 * share) as u64;
        let speed = (self.tokens + done as u64) as f64 / self.started.elapsed().as_secs_f64();
        let message = format!("{} texts  {speed:.0} tokens/s", thousands(texts as usize));
        self.bar.set(window.input.start + bytes as u64, &message);
    }
}
