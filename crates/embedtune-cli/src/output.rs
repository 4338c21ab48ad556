//! Results go to stdout, everything else to stderr.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use anyhow::{Context, Result, bail};
use serde::Serialize;

/// Prints a result. A reader that went away (`| head`) is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to stdout"),
    }
}

/// Prints a result for machines.
pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    print(&(serde_json::to_string_pretty(value)? + "\n"))
}

/// Refuses an output that is there already, before any work is done for it.
pub(crate) fn must_not_exist(path: &Path) -> Result<()> {
    if path.symlink_metadata().is_ok() {
        bail!("{}: exists already; remove it or choose another --output", path.display());
    }
    Ok(())
}

/// Refuses to begin where an interrupted run could go on.
pub(crate) fn no_interrupted_run(run_dir: &Path) -> Result<()> {
    if run_dir.exists() {
        bail!("{}: holds an interrupted run; go on with --resume, or remove it", run_dir.display());
    }
    Ok(())
}

/// The command line of this process, made to go on.
pub(crate) fn resume_command() -> String {
    let mut words: Vec<String> = std::env::args().map(|argument| shell_word(&argument)).collect();
    if !words.iter().any(|word| word == "--resume") {
        words.push("--resume".to_owned());
    }
    words.join(" ")
}

/// Writes a file that appears whole or not at all.
pub(crate) fn write_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> Result<()>,
) -> Result<()> {
    let parent = parent_of(path);
    fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
    let context = || format!("{}: cannot be written", path.display());
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o644));
    }
    let mut staged = builder.prefix(".embedtune-").tempfile_in(parent).with_context(context)?;
    {
        let mut writer = io::BufWriter::new(staged.as_file_mut());
        write(&mut writer).with_context(context)?;
        writer.flush().with_context(context)?;
    }
    staged.as_file().sync_all().with_context(context)?;
    staged.persist(path).with_context(context)?;
    Ok(())
}

/// Directory that holds `path`.
pub(crate) fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// A table with its columns aligned: the first to the left, the others to the right.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = widths[column];
            match column {
                0 => line.push_str(&format!("{cell:<width$}")),
                _ => line.push_str(&format!("  {cell:>width$}")),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// This program as it was called, so that commands shown to people can be copied: under
/// `cargo run` it is not on the search path.
pub(crate) fn program() -> String {
    shell_word(&std::env::args().next().unwrap_or_else(|| "embedtune".to_owned()))
}

/// `text` as one word of a shell.
pub(crate) fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:@%+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        let words = ["--data", "my data", "it's", ""].map(shell_word);
        assert_eq!(words, ["--data", "'my data'", r"'it'\''s'", "''"]);
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [["a", "long"], ["bcd", "1"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "a    long\nbcd     1\n");
    }

    #[test]
    fn a_write_that_fails_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        let error = write_file(&path, |writer| {
            writer.write_all(b"half")?;
            bail!("disk full")
        });
        assert!(format!("{:#}", error.unwrap_err()).contains("disk full"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
