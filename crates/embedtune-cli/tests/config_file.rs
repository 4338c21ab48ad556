//! A configuration file is the flags it stands for.
#![allow(clippy::unwrap_used)]

mod support;

use support::{Workshop, model, run, stderr, weights};

#[test]
fn a_file_gives_the_run_that_its_flags_give() {
    let shop = Workshop::new(40);
    let (model, data) = (model(), shop.at("data"));
    let model = model.to_str().unwrap();
    let (by_flags, by_file) = (shop.at("flags"), shop.at("file"));
    let flags = [
        "train",
        "--model",
        model,
        "--data",
        &data,
        "--output",
        &by_flags,
        "--batch-size",
        "5",
        "--learning-rate",
        "0.001",
        "--symmetric",
        "--warmup",
        "2",
        "--seed",
        "9",
    ];
    let output = run(flags);
    assert!(output.status.success(), "{}", stderr(&output));

    let file = format!(
        "model = {model:?}\ndata = {data:?}\n\n[train]\noutput = {by_file:?}\nbatch_size = 64\n\
         learning_rate = 0.001\nsymmetric = true\nwarmup = 2\nseed = 9\n\n[eval]\nsplit = \"dev\"\n"
    );
    let file = shop.write("run.toml", file);
    let output = run(["train", "--config", &file, "--batch-size", "5"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(weights(&shop.path("flags")), weights(&shop.path("file")));

    let output = run(["eval", "--config", &file, "--json"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(String::from_utf8(output.stdout).unwrap().contains("\"split\": \"dev\""));
}

#[test]
fn unknown_keys_are_refused() {
    let shop = Workshop::new(8);
    let file = shop.write("run.toml", "data = 'd'\nepoch = 2\n");
    let output = run(["train", "--config", &file]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("run.toml:2: unknown key `epoch`"), "{}", stderr(&output));
}
