//! An interrupted run goes on to the very same weights.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod support;

use std::{
    fs,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use support::{Workshop, embedtune, model, stderr, weights};

const STEPS: usize = 240;

fn train(shop: &Workshop, out: &str) -> Command {
    let mut command = embedtune();
    command
        .args(["train", "--model", model().to_str().unwrap(), "--data", &shop.at("data")])
        .args(["--output", &shop.at(out), "--batch-size", "4", "--epochs", "1000"])
        .args(["--max-steps", &STEPS.to_string(), "--checkpoint-every", "7"])
        .args(["--eval-every", "60", "--learning-rate", "1e-3", "--precision", "f32"]);
    command
}

/// Waits until the run has written at least `lines` lines of its log.
fn wait_for(shop: &Workshop, child: &mut Child, lines: usize) {
    let log = shop.path("cut.run/metrics.jsonl");
    loop {
        let written = fs::read_to_string(&log).map_or(0, |text| text.lines().count());
        if written >= lines {
            return;
        }
        assert!(child.try_wait().unwrap().is_none(), "the run ended too soon");
        thread::sleep(Duration::from_millis(1));
    }
}

fn uninterrupted(shop: &Workshop) -> Vec<u8> {
    let output = train(shop, "whole").output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    weights(&shop.path("whole"))
}

fn resume(shop: &Workshop) -> Vec<u8> {
    let output = train(shop, "cut").arg("--resume").output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(!shop.path("cut.run").exists());
    weights(&shop.path("cut"))
}

#[test]
fn ctrl_c_writes_a_checkpoint_and_says_how_to_go_on() {
    let shop = Workshop::new(40);
    let mut child = train(&shop, "cut").stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&shop, &mut child, 10);
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    assert!(stderr(&output).contains("go on with: ") && stderr(&output).contains("--resume"));
    assert!(!shop.path("cut").exists());

    let again = train(&shop, "cut").output().unwrap();
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("cut.run: holds an interrupted run"), "{}", stderr(&again));
    assert_eq!(resume(&shop), uninterrupted(&shop));
}

#[test]
fn killed_at_any_moment_it_resumes_from_the_last_whole_checkpoint() {
    let shop = Workshop::new(40);
    let mut child = train(&shop, "cut").stderr(Stdio::null()).spawn().unwrap();
    wait_for(&shop, &mut child, 25);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!shop.path("cut").exists());
    let mut child = train(&shop, "cut").arg("--resume").stderr(Stdio::null()).spawn().unwrap();
    wait_for(&shop, &mut child, 60);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(resume(&shop), uninterrupted(&shop));
}

#[test]
fn another_run_is_not_resumed() {
    let shop = Workshop::new(40);
    let nothing = train(&shop, "cut").arg("--resume").output().unwrap();
    assert!(stderr(&nothing).contains("no interrupted run here"), "{}", stderr(&nothing));
    let mut child = train(&shop, "cut").stderr(Stdio::null()).spawn().unwrap();
    wait_for(&shop, &mut child, 10);
    child.kill().unwrap();
    child.wait().unwrap();
    let changed = train(&shop, "cut").args(["--resume", "--seed", "7"]).output().unwrap();
    assert_eq!(changed.status.code(), Some(1));
    assert!(stderr(&changed).contains("seed was 42 and is now 7"), "{}", stderr(&changed));
    let changed = train(&shop, "cut").args(["--resume", "--precision", "bf16"]).output().unwrap();
    assert_eq!(changed.status.code(), Some(1));
    let message = stderr(&changed);
    assert!(message.contains("precision was f32 and is now bf16"), "{message}");
}
