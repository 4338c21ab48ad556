//! Writes the names and versions of the crates in `Cargo.lock` to `$OUT_DIR/crates.txt`: the
//! quickstart makes its data from their documentation.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

fn main() {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    // In the workspace the lock file is two levels up, in a published package beside the manifest.
    let lock = manifest.ancestors().map(|dir| dir.join("Cargo.lock")).find(|path| path.is_file());
    let crates = lock.as_deref().map(registry_crates).unwrap_or_default();
    fs::write(out.join("crates.txt"), crates).expect("OUT_DIR can be written");
    println!("cargo::rerun-if-changed=build.rs");
    if let Some(lock) = lock {
        println!("cargo::rerun-if-changed={}", lock.display());
    }
}

/// `name version` of each package that came from a registry, one a line.
fn registry_crates(lock: &Path) -> String {
    let text = fs::read_to_string(lock).expect("Cargo.lock can be read");
    let mut crates = String::new();
    for package in text.split("[[package]]") {
        let field = |name: &str| {
            package.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "))
        };
        let (Some(name), Some(version), Some(_)) =
            (field("name"), field("version"), field("source"))
        else {
            continue;
        };
        crates.push_str(&format!("{} {}\n", name.trim_matches('"'), version.trim_matches('"')));
    }
    crates
}
