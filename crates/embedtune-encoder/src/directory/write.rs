//! Writes a model directory: whole or not at all.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use embedtune_data::TextHash;
use safetensors::{Dtype, tensor::TensorView};
use serde_json::{Value, json};

use super::Extra;
use crate::{Dense, DenseActivation, EncoderError, EncoderSpec, HeadStep, Parameters, Pooling};

/// Facts for the README that is saved with a model.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct ModelCard {
    /// The model that was fine-tuned, e.g. `sentence-transformers/all-MiniLM-L6-v2`.
    pub base_model: String,
    /// What it was trained on, one line a dataset.
    pub datasets: Vec<String>,
    /// Metric, value of the base model if it was measured, value of this model.
    pub metrics: Vec<(String, Option<f64>, f64)>,
    /// Settings of the training run, as name and value.
    pub hyperparameters: Vec<(String, String)>,
}

/// What is saved besides weights; see [`write`].
pub(crate) struct Saved<'a> {
    pub(crate) spec: &'a EncoderSpec,
    pub(crate) parameters: &'a Parameters,
    pub(crate) extras: &'a [Extra],
    /// Class of the encoder in Hugging Face's library.
    pub(crate) class: &'a str,
    pub(crate) config: &'a Value,
    pub(crate) tokenizer_json: &'a [u8],
    pub(crate) side_files: &'a BTreeMap<String, Vec<u8>>,
    pub(crate) max_seq_len: usize,
    pub(crate) lowercase: bool,
    pub(crate) prompts: &'a BTreeMap<String, String>,
    pub(crate) default_prompt: Option<&'a str>,
    pub(crate) similarity: Option<&'a str>,
    pub(crate) card: &'a ModelCard,
}

/// Writes a model to `dir`, which must not exist: into a sibling first, flushed to the disk, then
/// renamed, so that a crash or a full disk leaves nothing half-written under the name. What a killed
/// save leaves beside it, the next one removes.
pub(crate) fn write(dir: &Path, saved: &Saved<'_>) -> Result<(), EncoderError> {
    if dir.exists() {
        return Err(EncoderError::OutputExists { path: dir.to_owned() });
    }
    let parent = match dir.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(EncoderError::io(parent))?;
    // The hash tells saves under different names apart, however long these are.
    let name = TextHash::of(&dir.file_name().unwrap_or_default().to_string_lossy());
    let prefix = format!(".embedtune-save-{name}-");
    sweep(parent, &prefix)?;
    let staging = tempfile::Builder::new()
        .prefix(&prefix)
        .tempdir_in(parent)
        .map_err(EncoderError::io(parent))?;
    write_files(staging.path(), saved)?;
    open_to_all(staging.path())?;
    sync(staging.path())?;
    // From here on the directory is kept; if the rename fails, it is removed below.
    let staged = staging.keep();
    fs::rename(&staged, dir).map_err(|source| {
        let _ = fs::remove_dir_all(&staged);
        EncoderError::Io { path: dir.to_owned(), source }
    })?;
    sync(parent)
}

/// Removes what a save of the same model left behind when it was killed.
fn sweep(parent: &Path, prefix: &str) -> Result<(), EncoderError> {
    for entry in fs::read_dir(parent).map_err(EncoderError::io(parent))? {
        let entry = entry.map_err(EncoderError::io(parent))?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            fs::remove_dir_all(entry.path()).map_err(EncoderError::io(entry.path()))?;
        }
    }
    Ok(())
}

fn write_files(dir: &Path, saved: &Saved<'_>) -> Result<(), EncoderError> {
    let mut modules = vec![module(0, "", "Transformer"), module(1, "1_Pooling", "Pooling")];
    let mut config = saved.config.clone();
    config["architectures"] = json!([saved.class]);
    config["dtype"] = json!("float32");
    // The same setting before transformers 4.56; half precision there would be a lie here.
    if let Some(dtype) = config.get_mut("torch_dtype") {
        *dtype = json!("float32");
    }
    for (name, value) in [
        ("config.json", &config),
        (
            "sentence_bert_config.json",
            &json!({"max_seq_length": saved.max_seq_len, "do_lower_case": saved.lowercase}),
        ),
        ("1_Pooling/config.json", &pooling_config(saved.spec)),
        ("config_sentence_transformers.json", &settings(saved)),
    ] {
        write_json(&dir.join(name), value)?;
    }
    write_file(&dir.join("tokenizer.json"), saved.tokenizer_json)?;
    for (name, bytes) in saved.side_files {
        write_file(&dir.join(name), bytes)?;
    }
    write_transformer(&dir.join("model.safetensors"), saved)?;
    for (number, step) in saved.spec.head.steps.iter().enumerate() {
        let number = number + 2;
        match step {
            HeadStep::Dense(dense) => {
                let path = format!("{number}_Dense");
                write_dense(&dir.join(&path), dense, saved.parameters)?;
                modules.push(module(number, &path, "Dense"));
            }
            HeadStep::Normalize => {
                modules.push(module(number, &format!("{number}_Normalize"), "Normalize"));
            }
        }
    }
    write_json(&dir.join("modules.json"), &Value::Array(modules))?;
    write_file(&dir.join("README.md"), readme(saved).as_bytes())
}

fn module(number: usize, path: &str, kind: &str) -> Value {
    json!({
        "idx": number,
        "name": number.to_string(),
        "path": path,
        "type": format!("sentence_transformers.models.{kind}"),
    })
}

fn pooling_config(spec: &EncoderSpec) -> Value {
    let is = |mode| spec.head.pooling == mode;
    json!({
        "word_embedding_dimension": spec.transformer.hidden_size,
        "pooling_mode_cls_token": is(Pooling::Cls),
        "pooling_mode_mean_tokens": is(Pooling::Mean),
        "pooling_mode_max_tokens": is(Pooling::Max),
        "pooling_mode_mean_sqrt_len_tokens": is(Pooling::MeanSqrtLen),
        "pooling_mode_weightedmean_tokens": false,
        "pooling_mode_lasttoken": false,
        "include_prompt": spec.head.include_prompt,
    })
}

fn settings(saved: &Saved<'_>) -> Value {
    json!({
        // Readers compare versions and warn of newer ones: this is the schema's.
        "__version__": {"sentence_transformers": "5.3.0"},
        "prompts": saved.prompts,
        "default_prompt_name": saved.default_prompt,
        "similarity_fn_name": saved.similarity.unwrap_or("cosine"),
    })
}

fn write_transformer(path: &Path, saved: &Saved<'_>) -> Result<(), EncoderError> {
    let names = saved.spec.names.shapes(&saved.spec.transformer);
    let mut tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    for (name, shape) in names {
        let values = saved.parameters.get(&name).expect("the model has every weight of its spec");
        tensors.push((name, Dtype::F32, shape, bytes(values)));
    }
    for extra in saved.extras {
        tensors.push((extra.name.clone(), extra.dtype, extra.shape.clone(), extra.data.clone()));
    }
    write_safetensors(path, &tensors)
}

fn write_dense(dir: &Path, dense: &Dense, parameters: &Parameters) -> Result<(), EncoderError> {
    let activation = match dense.activation {
        DenseActivation::Identity => "torch.nn.modules.linear.Identity",
        DenseActivation::Tanh => "torch.nn.modules.activation.Tanh",
    };
    write_json(
        &dir.join("config.json"),
        &json!({
            "in_features": dense.in_features,
            "out_features": dense.out_features,
            "bias": dense.bias,
            "activation_function": activation,
        }),
    )?;
    let tensor = |name: &str, key: String, shape| {
        let values = parameters.get(&key).expect("the model has every weight of its spec");
        (name.to_owned(), Dtype::F32, shape, bytes(values))
    };
    let shape = vec![dense.out_features, dense.in_features];
    let mut tensors = vec![tensor("linear.weight", dense.weight(), shape)];
    if dense.bias {
        tensors.push(tensor("linear.bias", dense.bias(), vec![dense.out_features]));
    }
    write_safetensors(&dir.join("model.safetensors"), &tensors)
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn write_safetensors(
    path: &Path,
    tensors: &[(String, Dtype, Vec<usize>, Vec<u8>)],
) -> Result<(), EncoderError> {
    let error = |source| EncoderError::Weights { path: path.to_owned(), source };
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, data)| {
            Ok((name, TensorView::new(*dtype, shape.clone(), data).map_err(error)?))
        })
        .collect::<Result<Vec<_>, EncoderError>>()?;
    // transformers before 5 refuses a file without this entry.
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    write_file(path, &safetensors::serialize(views, Some(metadata)).map_err(error)?)
}

fn write_json(path: &Path, value: &Value) -> Result<(), EncoderError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(EncoderError::json(path))?;
    text.push(b'\n');
    write_file(path, &text)
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<(), EncoderError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(EncoderError::io(parent))?;
    }
    let mut file = fs::File::create(path).map_err(EncoderError::io(path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(EncoderError::io(path))
}

/// Temporary directories are private; a model is meant to be read by a server.
fn open_to_all(dir: &Path) -> Result<(), EncoderError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755))
            .map_err(EncoderError::io(dir))?;
    }
    Ok(())
}

/// Flushes a directory's entries, where the system can.
fn sync(dir: &Path) -> Result<(), EncoderError> {
    if cfg!(unix) {
        let path: PathBuf = dir.into();
        fs::File::open(dir).and_then(|file| file.sync_all()).map_err(EncoderError::io(path))?;
    }
    Ok(())
}

fn readme(saved: &Saved<'_>) -> String {
    let card = saved.card;
    let mut text = String::from(
        "---\nlibrary_name: sentence-transformers\npipeline_tag: sentence-similarity\ntags:\n\
         - sentence-transformers\n- feature-extraction\n- embedtune\n",
    );
    if !card.base_model.is_empty() {
        let _ = writeln!(text, "base_model: {}", json!(card.base_model));
    }
    text.push_str("---\n\n# Text-embedding model\n\n");
    if !card.base_model.is_empty() {
        let _ = writeln!(text, "Fine-tuned from `{}` with embedtune.\n", card.base_model);
    }
    let head = &saved.spec.head;
    let _ = writeln!(
        text,
        "| | |\n|---|---|\n| Vector | {} values{} |\n| Pooling | {} |\n| Maximum length | {} tokens |\n",
        saved.spec.dim(),
        if head.normalizes() { ", length 1" } else { "" },
        head.pooling,
        saved.max_seq_len
    );
    text.push_str(
        "```python\nfrom sentence_transformers import SentenceTransformer\n\n\
         model = SentenceTransformer(\"path/to/this/directory\")\n\
         vectors = model.encode([\"a text\", \"another text\"])\n```\n",
    );
    if !card.datasets.is_empty() {
        text.push_str("\n## Training data\n\n");
        for dataset in &card.datasets {
            let _ = writeln!(text, "- {dataset}");
        }
    }
    if !card.metrics.is_empty() {
        text.push_str("\n## Evaluation\n\n| Metric | Base | This model |\n|---|---|---|\n");
        for (name, base, tuned) in &card.metrics {
            let base = base.map_or("–".to_owned(), |base| format!("{base:.4}"));
            let _ = writeln!(text, "| {name} | {base} | {tuned:.4} |");
        }
    }
    if !card.hyperparameters.is_empty() {
        text.push_str("\n## Hyperparameters\n\n| Setting | Value |\n|---|---|\n");
        for (name, value) in &card.hyperparameters {
            let _ = writeln!(text, "| `{name}` | {value} |");
        }
    }
    text
}
