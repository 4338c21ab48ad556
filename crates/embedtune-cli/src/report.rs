//! Reports: what every one says of program, machine and data, and where they go.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use embedtune_data::Role;
use embedtune_encoder::EmbeddingModel;
use embedtune_eval::{DataFacts, Facts, HtmlReport, JsonReport, TextLengths};

use crate::{machine, output, preflight::Preflight};

/// Texts of a side whose lengths are counted: enough for a distribution, quick on any data.
const SAMPLE_TEXTS: usize = 2_000;

/// A report about `title` with what is known of every run.
pub(crate) fn begin(title: String, command: &str) -> JsonReport {
    let mut report = JsonReport::new(title);
    report.created = Some(machine::utc_now());
    report.versions = Facts::new().with("embedtune", env!("CARGO_PKG_VERSION"));
    report.ran = Facts::new()
        .with("command", format!("embedtune {command}"))
        .with("cores", std::thread::available_parallelism().map_or(1, usize::from))
        .with("peak memory, MiB", machine::peak_rss_mb().map(f64::round));
    report
}

/// Writes a report as a page and as JSON. Returns the JSON.
pub(crate) fn write(report: &JsonReport, page: &Path, json: &Path) -> Result<String> {
    let text = report.to_json();
    output::write_file(json, |writer| Ok(writer.write_all(text.as_bytes())?))?;
    let html = HtmlReport::new(report).render();
    output::write_file(page, |writer| Ok(writer.write_all(html.as_bytes())?))?;
    Ok(text)
}

/// Where the JSON of the page that `--report` names goes: beside it.
pub(crate) fn json_beside(page: &Path) -> Result<PathBuf> {
    let json = page.with_extension("json");
    if page.file_name().is_none() || json == page {
        bail!("--report {}: expected FILE.html; the same as JSON goes beside it", page.display());
    }
    Ok(json)
}

/// `all-MiniLM-L6-v2` of `sentence-transformers/all-MiniLM-L6-v2`.
pub(crate) fn short(model: &str) -> &str {
    model.trim_end_matches('/').rsplit('/').next().unwrap_or(model)
}

/// The command line of this process, to be copied.
pub(crate) fn command_line() -> String {
    let words = std::env::args().skip(1).map(|word| output::shell_word(&word));
    std::iter::once("embedtune".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// Lengths of up to [`SAMPLE_TEXTS`] texts of one side, evenly spread.
pub(crate) fn lengths(model: &EmbeddingModel, texts: &[String], role: Role) -> Result<TextLengths> {
    let stride = texts.len().div_ceil(SAMPLE_TEXTS).max(1);
    let sample: Vec<&str> = texts.iter().step_by(stride).map(String::as_str).collect();
    let tokens = model.tokenize(&sample, role)?;
    let lengths: Vec<usize> = tokens.iter().map(|text| text.full_len as usize).collect();
    Ok(TextLengths::of(role, &lengths, model.max_seq_len()))
}

/// What the check of the training data found.
pub(crate) fn data_facts(preflight: &Preflight, notes: &[String]) -> DataFacts {
    let check = &preflight.check;
    let mut facts = DataFacts::new(&check.name);
    facts.documents = check.documents;
    facts.train_pairs = preflight.training_rows;
    facts.notes = notes.to_vec();
    facts.notes.extend(check.findings.iter().map(ToString::to_string));
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_json_lies_beside_the_page_and_never_over_it() {
        assert_eq!(json_beside(Path::new("out/a.html")).unwrap(), Path::new("out/a.json"));
        assert_eq!(json_beside(Path::new("a")).unwrap(), Path::new("a.json"));
        for wrong in ["a.json", "..", "/"] {
            assert!(json_beside(Path::new(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_model_is_called_by_its_last_name() {
        assert_eq!(short("org/all-MiniLM-L6-v2"), "all-MiniLM-L6-v2");
        assert_eq!(short("models/tuned/"), "tuned");
    }
}
