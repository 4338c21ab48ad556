//! Reads the JSON files of a model directory.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    Dense, DenseActivation, EncoderError, EncoderSpec, Head, HeadStep, Pooling,
    arch::{Architecture, ConfigError, REGISTRY, SUPPORTED},
    tokenizer::TextTokenizer,
};

/// What the files of a model directory say, weights apart.
pub(crate) struct Directory {
    /// Where config.json, the tokenizer and the weights of the transformer lie.
    pub(crate) transformer_dir: PathBuf,
    pub(crate) spec: EncoderSpec,
    pub(crate) architecture: &'static Architecture,
    pub(crate) tokenizer: TextTokenizer,
    pub(crate) max_seq_len: usize,
    /// Prompt texts by name.
    pub(crate) prompts: BTreeMap<String, String>,
    /// Name of the prompt for texts of any role.
    pub(crate) default_prompt: Option<String>,
    pub(crate) similarity: Option<String>,
    /// config.json as it was, to be saved again.
    pub(crate) config: Value,
    pub(crate) lowercase: bool,
    /// tokenizer_config.json, special_tokens_map.json and vocab.txt where they exist.
    pub(crate) side_files: BTreeMap<String, Vec<u8>>,
}

/// Files that belong to the tokenizer and are passed through when a model is saved.
const SIDE_FILES: [&str; 3] = ["tokenizer_config.json", "special_tokens_map.json", "vocab.txt"];

#[derive(Deserialize)]
struct Module {
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize, Default)]
struct PoolingConfig {
    // Since 5.4: one word (or a list of words).
    pooling_mode: Option<Value>,
    // Before: one flag a mode.
    #[serde(default)]
    pooling_mode_cls_token: bool,
    #[serde(default)]
    pooling_mode_mean_tokens: bool,
    #[serde(default)]
    pooling_mode_max_tokens: bool,
    #[serde(default)]
    pooling_mode_mean_sqrt_len_tokens: bool,
    #[serde(default)]
    pooling_mode_weightedmean_tokens: bool,
    #[serde(default)]
    pooling_mode_lasttoken: bool,
    include_prompt: Option<bool>,
}

#[derive(Deserialize)]
struct DenseConfig {
    in_features: usize,
    out_features: usize,
    #[serde(default = "yes")]
    bias: bool,
    activation_function: Option<String>,
    #[serde(default)]
    use_residual: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize, Default)]
struct SentenceBertConfig {
    max_seq_length: Option<usize>,
    #[serde(default)]
    do_lower_case: bool,
}

#[derive(Deserialize, Default)]
struct SentenceTransformersConfig {
    #[serde(default)]
    prompts: BTreeMap<String, String>,
    default_prompt_name: Option<String>,
    similarity_fn_name: Option<String>,
}

/// Reads everything but the weights of the model in `dir`.
pub(crate) fn read(dir: &Path) -> Result<Directory, EncoderError> {
    if !dir.is_dir() {
        return Err(EncoderError::MissingFile {
            path: dir.to_owned(),
            missing: "model directory",
            remedy: "give the path of a Sentence Transformers model",
        });
    }
    let modules: Vec<Module> = optional(&dir.join("modules.json"))?.unwrap_or_default();
    // Old saves keep the transformer in a directory of its own.
    let transformer_dir = match modules.first() {
        Some(module) if kind(module) == "Transformer" => dir.join(&module.path),
        Some(module) => return Err(unsupported_module(dir, module)),
        None => dir.to_owned(),
    };
    let config_path = transformer_dir.join("config.json");
    let config: Value = optional(&config_path)?.ok_or_else(|| EncoderError::MissingFile {
        path: transformer_dir.clone(),
        missing: "config.json",
        remedy: "is this a model directory?",
    })?;
    let (architecture, transformer) = architecture(&config, &config_path)?;
    let head = head(dir, &modules, transformer.hidden_size)?;
    let names = (architecture.names)(&transformer);
    let spec = EncoderSpec { transformer, names, head };

    let bert: SentenceBertConfig =
        optional(&transformer_dir.join("sentence_bert_config.json"))?.unwrap_or_default();
    let tokenizer_path = transformer_dir.join("tokenizer.json");
    if !tokenizer_path.is_file() {
        return Err(EncoderError::MissingFile {
            path: transformer_dir.clone(),
            missing: "tokenizer.json",
            remedy: "save the model again with a fast tokenizer (transformers' AutoTokenizer)",
        });
    }
    let tokenizer = TextTokenizer::load(&tokenizer_path, bert.do_lower_case)?;
    let max_seq_len = max_seq_len(&transformer_dir, &bert, &spec, &tokenizer)?;
    let settings: SentenceTransformersConfig =
        optional(&dir.join("config_sentence_transformers.json"))?.unwrap_or_default();
    Ok(Directory {
        spec,
        architecture,
        tokenizer,
        max_seq_len,
        prompts: settings.prompts,
        default_prompt: settings.default_prompt_name,
        similarity: settings.similarity_fn_name,
        config,
        lowercase: bert.do_lower_case,
        side_files: side_files(&transformer_dir)?,
        transformer_dir,
    })
}

fn optional<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, EncoderError> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(EncoderError::json(path)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(EncoderError::io(path)(error)),
    }
}

fn architecture(
    config: &Value,
    path: &Path,
) -> Result<(&'static Architecture, crate::TransformerSpec), EncoderError> {
    let unsupported = |what, value, supported| EncoderError::Unsupported {
        path: path.to_owned(),
        what,
        value,
        supported,
    };
    let model_type = config.get("model_type").and_then(Value::as_str).unwrap_or("(none)");
    let architecture =
        REGISTRY
            .iter()
            .find(|architecture| architecture.model_type == model_type)
            .ok_or_else(|| unsupported("model_type", model_type.to_owned(), SUPPORTED))?;
    let spec = (architecture.spec)(config).map_err(|error| match error {
        ConfigError::Json(source) => EncoderError::Json { path: path.to_owned(), source },
        ConfigError::Unsupported { what, value, supported } => unsupported(what, value, supported),
    })?;
    Ok((architecture, spec))
}

/// Last part of a module's class path: both schemas end in the same names.
fn kind(module: &Module) -> &str {
    module.kind.rsplit('.').next().unwrap_or_default()
}

fn unsupported_module(dir: &Path, module: &Module) -> EncoderError {
    EncoderError::Unsupported {
        path: dir.join("modules.json"),
        what: "module",
        value: module.kind.clone(),
        supported: "Transformer, Pooling, Dense, Normalize, in this order",
    }
}

fn head(dir: &Path, modules: &[Module], hidden_size: usize) -> Result<Head, EncoderError> {
    // Without modules.json, Sentence Transformers pools by the mean and does not normalize.
    let mut head = Head { pooling: Pooling::Mean, include_prompt: true, steps: Vec::new() };
    for (position, module) in modules.iter().enumerate().skip(1) {
        match kind(module) {
            "Pooling" if position == 1 => {
                let path = dir.join(&module.path).join("config.json");
                let config: PoolingConfig = optional(&path)?.unwrap_or_default();
                head.pooling = pooling(&config, &path)?;
                head.include_prompt = config.include_prompt.unwrap_or(true);
            }
            "Dense" if position > 1 => {
                let dense = dense(dir, module, head.dim(hidden_size))?;
                head.steps.push(HeadStep::Dense(dense));
            }
            "Normalize" if position > 1 => head.steps.push(HeadStep::Normalize),
            _ => return Err(unsupported_module(dir, module)),
        }
    }
    Ok(head)
}

fn pooling(config: &PoolingConfig, path: &Path) -> Result<Pooling, EncoderError> {
    let mut modes: Vec<String> = match &config.pooling_mode {
        Some(Value::String(mode)) => vec![mode.clone()],
        Some(Value::Array(list)) => list.iter().map(|mode| mode.to_string()).collect(),
        _ => Vec::new(),
    };
    let flags = [
        (config.pooling_mode_cls_token, "cls"),
        (config.pooling_mode_max_tokens, "max"),
        (config.pooling_mode_mean_tokens, "mean"),
        (config.pooling_mode_mean_sqrt_len_tokens, "mean_sqrt_len_tokens"),
        (config.pooling_mode_weightedmean_tokens, "weightedmean"),
        (config.pooling_mode_lasttoken, "lasttoken"),
    ];
    modes.extend(flags.iter().filter(|(set, _)| *set).map(|(_, mode)| (*mode).to_owned()));
    match modes.iter().map(|mode| mode.trim_matches('"')).collect::<Vec<_>>()[..] {
        [] | ["mean"] => Ok(Pooling::Mean),
        ["cls"] => Ok(Pooling::Cls),
        ["max"] => Ok(Pooling::Max),
        ["mean_sqrt_len_tokens"] => Ok(Pooling::MeanSqrtLen),
        _ => Err(EncoderError::Unsupported {
            path: path.to_owned(),
            what: "pooling",
            value: modes.join(" + "),
            supported: "one of mean, cls, max, mean_sqrt_len_tokens",
        }),
    }
}

/// Reads a projection of vectors of `width` values.
fn dense(dir: &Path, module: &Module, width: usize) -> Result<Dense, EncoderError> {
    let path = dir.join(&module.path).join("config.json");
    let config: DenseConfig = optional(&path)?.ok_or_else(|| EncoderError::MissingFile {
        path: dir.join(&module.path),
        missing: "config.json",
        remedy: "modules.json names this Dense module; save the model again",
    })?;
    let unsupported = |what, value, supported| EncoderError::Unsupported {
        path: path.clone(),
        what,
        value,
        supported,
    };
    let activation = match config.activation_function.as_deref() {
        None => DenseActivation::Tanh, // As torch.nn.Tanh is the module's default.
        Some(name) if name.ends_with(".Tanh") => DenseActivation::Tanh,
        Some(name) if name.ends_with(".Identity") => DenseActivation::Identity,
        Some(name) => {
            return Err(unsupported(
                "activation_function",
                name.to_owned(),
                "torch.nn.modules.activation.Tanh, torch.nn.modules.linear.Identity",
            ));
        }
    };
    if config.in_features != width {
        let value = config.in_features.to_string();
        return Err(unsupported("in_features", value, "the width of the vectors that come in"));
    }
    if config.use_residual {
        return Err(unsupported("use_residual", "true".to_owned(), "false"));
    }
    Ok(Dense {
        module: module.path.clone(),
        in_features: config.in_features,
        out_features: config.out_features,
        bias: config.bias,
        activation,
    })
}

/// `max_seq_length` of sentence_bert_config.json, else the tokenizer's `model_max_length`, never
/// more than the position table, and with room for text between the special tokens.
fn max_seq_len(
    dir: &Path,
    bert: &SentenceBertConfig,
    spec: &EncoderSpec,
    tokenizer: &TextTokenizer,
) -> Result<usize, EncoderError> {
    let max_positions = spec.transformer.max_positions;
    let model_max_length = || -> Result<Option<u64>, EncoderError> {
        let settings: Option<Value> = optional(&dir.join("tokenizer_config.json"))?;
        // Hugging Face writes 1e30 for "no limit", which is no u64.
        Ok(settings.and_then(|settings| settings.get("model_max_length")?.as_u64()))
    };
    let (file, what, length) = if let Some(length) = bert.max_seq_length {
        ("sentence_bert_config.json", "max_seq_length", length)
    } else if let Some(length) = model_max_length()? {
        ("tokenizer_config.json", "model_max_length", length as usize)
    } else {
        ("config.json", "max_position_embeddings", max_positions)
    };
    if length.min(max_positions) <= tokenizer.special_tokens() {
        return Err(EncoderError::Unsupported {
            path: dir.join(file),
            what,
            value: length.to_string(),
            supported: "more tokens than the special ones of a text, up to the position table",
        });
    }
    Ok(length.min(max_positions))
}

fn side_files(dir: &Path) -> Result<BTreeMap<String, Vec<u8>>, EncoderError> {
    let mut files = BTreeMap::new();
    for name in SIDE_FILES {
        let path: PathBuf = dir.join(name);
        if path.is_file() {
            files.insert(name.to_owned(), std::fs::read(&path).map_err(EncoderError::io(&path))?);
        }
    }
    Ok(files)
}
