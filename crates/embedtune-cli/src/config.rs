//! Configuration files: a TOML file becomes flags in front of those of the command line, so that
//! every flag is a key, is checked in one place, and wins where it is given.

use std::{ffi::OsString, fs, path::Path};

use anyhow::{Context, Result, bail};
use clap::{ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::args::Cli;

/// What could not be understood; the exit status is that of wrong usage.
#[derive(Debug)]
pub(crate) enum ParseError {
    /// A flag: clap prints its own message.
    Usage(clap::Error),
    /// The configuration file.
    File(anyhow::Error),
}

/// Reads the command line, and the configuration file that it names.
pub(crate) fn parse(arguments: Vec<OsString>) -> Result<Cli, ParseError> {
    let arguments = match config_of(&arguments) {
        Some((command, file)) => {
            let flags = flags_of(&command, &file).map_err(ParseError::File)?;
            with_flags(arguments, &command, flags)
        }
        None => arguments,
    };
    let matches = overriding(Cli::command()).try_get_matches_from(arguments);
    matches.and_then(|matches| Cli::from_arg_matches(&matches)).map_err(ParseError::Usage)
}

/// The command and the configuration file that the command line names, if it names both.
fn config_of(arguments: &[OsString]) -> Option<(String, OsString)> {
    let matches: ArgMatches =
        Cli::command().ignore_errors(true).try_get_matches_from(arguments).ok()?;
    let (command, of_command) = matches.subcommand()?;
    let file = of_command.get_raw("config").and_then(|mut values| values.next_back())?;
    Some((command.to_owned(), file.to_owned()))
}

/// A flag that comes twice counts the last time, for files come first.
fn overriding(command: Command) -> Command {
    let names: Vec<String> =
        command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |sub| sub.args_override_self(true))
    })
}

fn with_flags(mut arguments: Vec<OsString>, command: &str, flags: Vec<String>) -> Vec<OsString> {
    let place = arguments.iter().position(|argument| argument == command);
    let place = place.map_or(arguments.len(), |place| place + 1);
    arguments.splice(place..place, flags.into_iter().map(OsString::from));
    arguments
}

/// Flags that the file sets for `command`.
fn flags_of(command: &str, file: &OsString) -> Result<Vec<String>> {
    let path = Path::new(file);
    let text = fs::read_to_string(path)
        .with_context(|| format!("{}: cannot read the configuration file", path.display()))?;
    let table = DeTable::parse(&text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_of(&text, span.start));
        anyhow::anyhow!("{}:{line}: {}", path.display(), error.message())
    })?;
    let root = Cli::command();
    let mut reader = Reader { path, text: &text, root: &root, flags: Vec::new() };
    reader.read(command, table.get_ref(), true)?;
    Ok(reader.flags)
}

fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    root: &'a Command,
    flags: Vec<String>,
}

impl Reader<'_> {
    fn read(&mut self, command: &str, table: &DeTable<'_>, top: bool) -> Result<()> {
        for (key, value) in table.iter() {
            let is_command = self.root.find_subcommand(key.get_ref().as_ref()).is_some();
            match value.get_ref() {
                DeValue::Table(inner) if top && is_command => {
                    // Tables of other commands are theirs; one file may serve a whole workflow.
                    let mut own = Vec::new();
                    std::mem::swap(&mut own, &mut self.flags);
                    self.read(key.get_ref(), inner, false)?;
                    std::mem::swap(&mut own, &mut self.flags);
                    if *key.get_ref() == command {
                        self.flags.extend(own);
                    }
                }
                _ => self.key(command, key, value)?,
            }
        }
        Ok(())
    }

    fn key(
        &mut self,
        command: &str,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<()> {
        let at = format!("{}:{}", self.path.display(), line_of(self.text, key.span().start));
        let flag = key.get_ref().replace('_', "-");
        let sub = self.root.find_subcommand(command).context("the command was found before")?;
        let known = |arg: &&clap::Arg| arg.get_long().is_some_and(|long| long != "help");
        let Some(arg) = sub.get_arguments().filter(known).find(|a| a.get_long() == Some(&flag))
        else {
            let mut names: Vec<&str> =
                sub.get_arguments().filter(known).filter_map(clap::Arg::get_long).collect();
            names.sort_unstable();
            bail!(
                "{at}: unknown key `{}`; keys of `{command}` are its flags: {}",
                key.get_ref(),
                names.join(", ")
            );
        };
        let values = texts(value.get_ref()).with_context(|| format!("{at}: `{flag}`"))?;
        let is_switch = matches!(arg.get_action(), ArgAction::SetTrue);
        for value in values {
            if is_switch {
                match value.as_str() {
                    "true" => self.flags.push(format!("--{flag}")),
                    "false" => {}
                    _ => bail!("{at}: `{flag}` = {value}: expected true or false"),
                }
                continue;
            }
            let words = ["config".to_owned(), format!("--{flag}={value}")];
            // The flag alone, so that a wrong value is blamed on the line that holds it.
            let alone = Command::new("config").arg(arg.clone().required(false));
            if let Err(error) = alone.try_get_matches_from(&words) {
                let message = error.to_string();
                let message = message.trim_start_matches("error: ");
                bail!("{at}: {}", message.lines().next().unwrap_or_default());
            }
            self.flags.extend(words.into_iter().skip(1));
        }
        Ok(())
    }
}

/// A value as it would be typed.
fn texts(value: &DeValue<'_>) -> Result<Vec<String>> {
    Ok(match value {
        DeValue::String(text) => vec![text.to_string()],
        DeValue::Integer(number) => vec![number.to_string()],
        DeValue::Float(number) => vec![number.to_string()],
        DeValue::Boolean(flag) => vec![flag.to_string()],
        DeValue::Array(values) => {
            let inner: Result<Vec<_>> = values.iter().map(|it| texts(it.get_ref())).collect();
            inner?.concat()
        }
        _ => bail!("expected a string, a number, true or false, or a list of these"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Command as Parsed;

    fn parse_with(file: &str, arguments: &[&str]) -> Result<Cli, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.toml");
        fs::write(&path, file).unwrap();
        let mut all: Vec<OsString> = vec!["embedtune".into()];
        all.extend(arguments.iter().map(OsString::from));
        all.extend(["--config".into(), path.into_os_string()]);
        parse(all).map_err(|error| match error {
            ParseError::Usage(error) => error.to_string(),
            ParseError::File(error) => format!("{error:#}"),
        })
    }

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let file = "model = 'm'\ndata = 'd'\noutput = 'o'\nepochs = 3\nlearning_rate = 1e-4\n\
                    [train]\nbatch-size = 8\nresume = true\n[eval]\nsplit = 'dev'\n";
        let cli = parse_with(file, &["train", "--epochs", "2"]).unwrap();
        let Parsed::Train(train) = cli.command else { panic!("not train") };
        assert_eq!((train.epochs, train.learning_rate, train.batch_size), (2.0, 1e-4, 8));
        assert!(train.resume);
        assert_eq!((train.seed, train.model.model.as_str()), (42, "m"));
    }

    #[test]
    fn mistakes_name_the_line() {
        for (file, parts) in [
            ("data = 'd'\nepoch = 3\n", vec!["run.toml:2", "unknown key `epoch`", "epochs"]),
            ("\n\nepochs = 'many'\n", vec!["run.toml:3", "many"]),
            ("epochs =\n", vec!["run.toml:1"]),
            ("resume = 1\n", vec!["run.toml:1", "true or false"]),
            ("[eval]\nepochs = 1\n", vec!["run.toml:2", "unknown key `epochs`", "`eval`"]),
            ("epochs = { a = 1 }\n", vec!["run.toml:1", "epochs"]),
        ] {
            let error = parse_with(file, &["train"]).unwrap_err();
            for part in parts {
                assert!(error.contains(part), "{part} in {error}");
            }
        }
    }
}
