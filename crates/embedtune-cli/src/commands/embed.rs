//! `embedtune embed`.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::Result;
use embedtune_data::{Role, read_corpus};
use serde::Serialize;

use crate::{
    args::EmbedArgs,
    machine, model, npy, output,
    progress::{Console, thousands},
};

/// Texts that are encoded before their vectors are written.
const CHUNK: usize = 2048;

#[derive(Serialize)]
struct Summary<'a> {
    model: &'a str,
    fingerprint: String,
    output: &'a Path,
    ids: PathBuf,
    rows: usize,
    dim: usize,
    max_seq_len: usize,
    tokens: usize,
    truncated: usize,
    seconds: f64,
    texts_per_second: f64,
    tokens_per_second: f64,
    peak_rss_mb: Option<f64>,
}

/// Embeds a file of documents.
pub(crate) fn run(args: &EmbedArgs, console: Console) -> Result<()> {
    let mut ids_name = args.output.clone().into_os_string();
    ids_name.push(".ids");
    let ids_path = PathBuf::from(ids_name);
    output::must_not_exist(&args.output)?;
    output::must_not_exist(&ids_path)?;
    model::check_precision(args.model.precision)?;
    let texts = read_corpus(&args.input)?;
    let loaded = model::load(&args.model, console)?;
    let model = &loaded.model;
    let role = if args.queries { Role::Query } else { Role::Document };
    let dim = model.spec().dim();
    let started = Instant::now();
    let (mut tokens, mut truncated) = (0, 0);
    let bar = console.bar("embedding", texts.len() as u64);
    output::write_file(&args.output, |writer| {
        npy::write_header(writer, texts.len(), dim)?;
        let mut done = 0;
        for chunk in texts.texts().chunks(CHUNK) {
            let chunk: Vec<&str> = chunk.iter().map(String::as_str).collect();
            let encoded = model.tokenize(&chunk, role)?;
            npy::write_values(writer, model.embed_tokens(&encoded)?.as_slice())?;
            tokens += encoded.iter().map(|text| text.ids.len()).sum::<usize>();
            truncated += encoded.iter().filter(|text| text.truncated()).count();
            done += chunk.len();
            let speed = tokens as f64 / started.elapsed().as_secs_f64();
            bar.set(done as u64, &format!("{speed:.0} tokens/s"));
        }
        output::write_file(&ids_path, |writer| {
            texts.ids().iter().try_for_each(|id| writeln!(writer, "{id}"))?;
            Ok(())
        })
    })?;
    bar.finish();
    let seconds = started.elapsed().as_secs_f64();
    let summary = Summary {
        model: &loaded.name,
        fingerprint: model.fingerprint().0,
        output: &args.output,
        ids: ids_path,
        rows: texts.len(),
        dim,
        max_seq_len: model.max_seq_len(),
        tokens,
        truncated,
        seconds,
        texts_per_second: texts.len() as f64 / seconds,
        tokens_per_second: tokens as f64 / seconds,
        peak_rss_mb: machine::peak_rss_mb(),
    };
    if args.json {
        return output::print_json(&summary);
    }
    output::print(&format!(
        "{}: {} vectors of {dim} values; ids in {}\n",
        args.output.display(),
        thousands(summary.rows),
        summary.ids.display()
    ))
}
