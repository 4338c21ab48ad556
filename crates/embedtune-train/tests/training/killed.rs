//! Runs that end without a chance to clean up: `kill -9`, and a disk that is full.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use embedtune_encoder::{EmbeddingModel, ModelCard};
use embedtune_testkit::temp_dir;
use embedtune_train::{Checkpoint, Every, TrainConfig, TrainError};

use crate::common::{bits, config, entries, run, trainer};

/// Tells the child where to work; without it the child does nothing.
const DIR: &str = "EMBEDTUNE_TRAIN_TEST_CHILD";

fn long(dir: Option<PathBuf>) -> TrainConfig {
    let every = dir.is_some().then_some(Every::Steps(1));
    config().with_epochs(12.0).with_output_dir(dir).with_checkpoint_every(every)
}

/// Not a test: the process that is killed. Trains, from the newest checkpoint if there is one.
#[test]
#[ignore = "the child process of other tests"]
fn child() {
    let Some(dir) = env::var_os(DIR).map(PathBuf::from) else { return };
    let run = trainer(long(Some(dir.clone())));
    let run = match Checkpoint::latest(&dir).unwrap() {
        Some(_) => run.resume(&dir).unwrap(),
        None => run,
    };
    match run.run() {
        Ok(outcome) => outcome.model.save(dir.join("tuned"), &ModelCard::default()).unwrap(),
        Err(error) => panic!("run failed: {error}"),
    }
}

fn command(dir: &Path, wrapper: Option<&str>) -> Command {
    let exe = env::current_exe().unwrap();
    let mut command = match wrapper {
        Some(script) => {
            let mut shell = Command::new("sh");
            shell.arg("-c").arg(script).arg(exe);
            shell
        }
        None => Command::new(exe),
    };
    command.args(["--exact", "killed::child", "--ignored", "--nocapture"]).env(DIR, dir);
    command
}

#[test]
fn killed_at_any_moment_it_resumes_to_the_same_bits() {
    let dir = temp_dir();
    let tuned = dir.path().join("tuned");
    let mut kills = 0;
    // A child lives for a few steps of the run's 36, so that kills fall into every phase.
    while !tuned.exists() {
        let mut command = command(dir.path(), None);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        if kills < 30 {
            thread::sleep(Duration::from_millis(12 + kills * 7 % 30));
            child.kill().unwrap();
            kills += 1;
        } else {
            assert!(child.wait().unwrap().success());
        }
        child.wait().unwrap();
    }
    let tuned = EmbeddingModel::load(tuned).unwrap();
    assert_eq!(bits(&tuned), bits(&run(long(None)).model));
    let names = entries(dir.path());
    assert!(names.iter().all(|name| !name.starts_with('.')), "{names:?}");
}

/// A limit on the size of files fails writes half-way, as a full disk does.
#[cfg(unix)]
#[test]
fn a_full_disk_ends_the_run_and_leaves_nothing_half_written() {
    let dir = temp_dir();
    let full = "trap '' XFSZ; ulimit -f 16; exec \"$0\" \"$@\"";
    let output = command(dir.path(), Some(full)).output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("run failed: ") && text.contains("File too large"), "{text}");
    assert!(text.contains("model.safetensors"), "the file is named: {text}");
    assert_eq!(entries(dir.path()), ["metrics.jsonl"]);
}

/// A directory that cannot be made ends the run before it trains.
#[test]
fn an_output_directory_that_is_a_file_is_an_error() {
    let dir = temp_dir();
    let file = dir.path().join("out");
    std::fs::write(&file, "").unwrap();
    let error = trainer(long(Some(file.clone()))).run().err().unwrap();
    assert!(matches!(&error, TrainError::Io { path, .. } if *path == file), "{error}");
}
