//! An embedding model: tokenizer, weights and the engine that runs them.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::OnceLock,
};

use candle_core::Device;
use embedtune_data::{Fingerprint, Role};

use crate::{
    CpuEngine, Dropout, EncoderError, EncoderSpec, Engine, ModelCard, PackedBatch, Parameters,
    Precision, Progress, ReferenceEngine, Tape, Tokens,
    directory::{self, Directory, Extra, Saved},
    fingerprint,
};

/// A text-embedding model that can be run, trained and saved.
///
/// Loaded from a Sentence Transformers directory. Training changes [`EmbeddingModel::parameters`]
/// between [`EmbeddingModel::forward`] and [`EmbeddingModel::backward`] calls; everything else
/// about the model stays.
pub struct EmbeddingModel {
    directory: Directory,
    pub(crate) parameters: Parameters,
    extras: Vec<Extra>,
    pub(crate) engine: Box<dyn Engine>,
    /// Fingerprint and the version of the weights it belongs to.
    fingerprint: OnceLock<(u64, Fingerprint)>,
    pub(crate) progress: Option<Box<Progress>>,
}

impl EmbeddingModel {
    /// Loads the model in `dir` (either schema of Sentence Transformers; without `modules.json`
    /// mean pooling, as there) to run on the CPU.
    ///
    /// # Errors
    /// [`EncoderError`] naming the file and the remedy when something is missing, damaged, or does
    /// not fit together.
    pub fn load(dir: impl AsRef<Path>) -> Result<Self, EncoderError> {
        Self::load_on(dir, Device::Cpu)
    }

    /// As [`EmbeddingModel::load`], to run on `device`: the CPU by the [`CpuEngine`], any other
    /// by the [`ReferenceEngine`].
    ///
    /// # Errors
    /// As [`EmbeddingModel::load`].
    pub fn load_on(dir: impl AsRef<Path>, device: Device) -> Result<Self, EncoderError> {
        let dir = dir.as_ref();
        let directory = directory::read(dir)?;
        let (parameters, extras) = directory::read_weights(dir, &directory)?;
        let spec = directory.spec.clone();
        let engine: Box<dyn Engine> = match device {
            Device::Cpu => Box::new(CpuEngine::new(spec)),
            device => Box::new(ReferenceEngine::new(spec, device)),
        };
        Ok(Self {
            directory,
            parameters,
            extras,
            engine,
            fingerprint: OnceLock::new(),
            progress: None,
        })
    }

    /// Lets another engine run the model.
    pub fn with_engine(mut self, engine: Box<dyn Engine>) -> Self {
        self.engine = engine;
        self
    }

    /// Reports progress of [`Embed::embed`](embedtune_data::Embed::embed) to `progress`.
    pub fn set_progress(&mut self, progress: Option<Box<Progress>>) {
        self.progress = progress;
    }

    /// Description of the encoder.
    pub fn spec(&self) -> &EncoderSpec {
        &self.directory.spec
    }

    /// The engine that runs the model.
    pub fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    /// The number format of the engine's products.
    pub fn precision(&self) -> Precision {
        self.engine.precision()
    }

    /// Lets the engine compute in another number format. The fingerprint stays: vectors of one
    /// model are comparable across formats.
    ///
    /// # Errors
    /// [`EncoderError::Precision`] when the engine does not have it.
    pub fn set_precision(&mut self, precision: Precision) -> Result<(), EncoderError> {
        self.engine.set_precision(precision)
    }

    /// The weights.
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The weights, to be trained or frozen.
    pub fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    /// Freezes the embedding tables and the lowest `layers` blocks; 0 freezes nothing.
    ///
    /// # Errors
    /// [`EncoderError::Length`] if the model has fewer blocks.
    pub fn freeze_layers(&mut self, layers: usize) -> Result<(), EncoderError> {
        let EncoderSpec { transformer, names, .. } = &self.directory.spec;
        let Some(blocks) = names.layers.get(..layers) else {
            return Err(EncoderError::Length {
                what: "blocks to freeze",
                expected: names.layers.len(),
                got: layers,
            });
        };
        let mut frozen = BTreeSet::new();
        if layers > 0 {
            let tables = names.embedding_shapes(transformer);
            let blocks = blocks.iter().flat_map(|block| block.shapes(transformer));
            frozen.extend(tables.into_iter().chain(blocks).map(|(name, _)| name));
        }
        self.parameters.set_frozen(|name| frozen.contains(name));
        Ok(())
    }

    /// Longest text, in tokens including special ones; longer texts are cut.
    pub fn max_seq_len(&self) -> usize {
        self.directory.max_seq_len
    }

    /// Sets the longest text, in tokens including special ones.
    ///
    /// # Errors
    /// [`EncoderError::MaxSeqLen`] if it leaves no room for text or exceeds the position table.
    pub fn set_max_seq_len(&mut self, tokens: usize) -> Result<(), EncoderError> {
        let min = self.directory.tokenizer.special_tokens() + 1;
        let max = self.directory.spec.transformer.max_positions;
        if tokens < min || tokens > max {
            return Err(EncoderError::MaxSeqLen { requested: tokens, min, max });
        }
        self.directory.max_seq_len = tokens;
        Ok(())
    }

    /// Text put before every text of `role`; empty if there is none. Queries use the prompt called
    /// `query`, documents the first of `document`, `passage`, `corpus`; else the default prompt.
    pub fn prompt(&self, role: Role) -> &str {
        let names: &[&str] = match role {
            Role::Query => &["query"],
            Role::Document => &["document", "passage", "corpus"],
        };
        let prompts = &self.directory.prompts;
        names
            .iter()
            .copied()
            .chain(self.directory.default_prompt.as_deref())
            .find_map(|name| prompts.get(name))
            .map_or("", String::as_str)
    }

    /// Prompts by name.
    pub fn prompts(&self) -> &BTreeMap<String, String> {
        &self.directory.prompts
    }

    /// Sets the prompt for texts of `role`.
    pub fn set_prompt(&mut self, role: Role, prompt: impl Into<String>) {
        let name = match role {
            Role::Query => "query",
            Role::Document => "document",
        };
        self.directory.prompts.insert(name.to_owned(), prompt.into());
    }

    /// Token ids of each text, with the prompt of `role`, cut to [`EmbeddingModel::max_seq_len`].
    ///
    /// # Errors
    /// [`EncoderError::Tokenizer`] if the tokenizer fails.
    pub fn tokenize(&self, texts: &[&str], role: Role) -> Result<Vec<Tokens>, EncoderError> {
        self.directory.tokenizer.encode(texts, self.prompt(role), self.max_seq_len())
    }

    /// Embeddings of `batch`, `(sequences, dim)`, and the record for
    /// [`EmbeddingModel::backward`].
    ///
    /// # Errors
    /// As [`Engine::forward`], and [`EncoderError::BrokenWeight`] or [`EncoderError::Overflow`] if
    /// an embedding is not finite.
    pub fn forward(
        &self,
        batch: &PackedBatch,
        dropout: Option<&Dropout>,
    ) -> Result<(Vec<f32>, Tape), EncoderError> {
        let (embeddings, tape) = self.engine.forward(&self.parameters, batch, dropout)?;
        self.check_finite(&embeddings, |row| row)?;
        Ok((embeddings, tape))
    }

    /// Adds gradients of the trainable weights to `gradients`, given those of the embeddings.
    ///
    /// # Errors
    /// As [`Engine::backward`].
    pub fn backward(
        &self,
        tape: Tape,
        d_embeddings: &[f32],
        gradients: &mut [f32],
    ) -> Result<(), EncoderError> {
        self.engine.backward(&self.parameters, tape, d_embeddings, gradients)
    }

    /// Saves the model to `dir`, which must not exist, in the layout that every version of
    /// Sentence Transformers since 3 and text-embeddings-inference read, with `card` as its
    /// README. Appears whole or not at all.
    ///
    /// # Errors
    /// [`EncoderError::OutputExists`], or [`EncoderError::Io`] (a full disk, say).
    pub fn save(&self, dir: impl AsRef<Path>, card: &ModelCard) -> Result<(), EncoderError> {
        let directory = &self.directory;
        directory::write(
            dir.as_ref(),
            &Saved {
                spec: &directory.spec,
                parameters: &self.parameters,
                extras: &self.extras,
                class: directory.architecture.class,
                config: &directory.config,
                tokenizer_json: directory.tokenizer.json(),
                side_files: &directory.side_files,
                max_seq_len: directory.max_seq_len,
                lowercase: directory.lowercase,
                prompts: &directory.prompts,
                default_prompt: directory.default_prompt.as_deref(),
                similarity: directory.similarity.as_deref(),
                card,
            },
        )
    }

    /// Identity of the model: weights, tokenizer, head, prompts and maximum length.
    pub fn fingerprint(&self) -> Fingerprint {
        let version = self.parameters.version();
        let compute = || fingerprint::of(&self.directory, &self.parameters);
        let (known, fingerprint) = self.fingerprint.get_or_init(|| (version, compute()));
        // Weights that changed since, as in training, are hashed anew each time.
        if *known == version { fingerprint.clone() } else { compute() }
    }
}
