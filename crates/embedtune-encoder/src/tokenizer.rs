//! Texts to token ids.

use std::path::Path;

use crate::{EncoderError, Tokens};

/// The model's own tokenizer (`tokenizer.json`), with truncation to a maximum length done here:
/// the file may carry a truncation of its own (128 tokens for all-MiniLM-L6-v2) which is not the
/// model's.
#[derive(Clone)]
pub(crate) struct TextTokenizer {
    inner: tokenizers::Tokenizer,
    /// The bytes it was made of, kept to be saved and fingerprinted.
    json: Vec<u8>,
    lowercase: bool,
    special_tokens: usize,
}

/// Texts of one call into the tokenizer library: bounds the memory of full-length encodings.
const CHUNK: usize = 1024;

impl TextTokenizer {
    pub(crate) fn load(path: &Path, lowercase: bool) -> Result<Self, EncoderError> {
        let json = std::fs::read(path).map_err(EncoderError::io(path))?;
        let error = |source| EncoderError::TokenizerFile { path: path.to_owned(), source };
        let mut inner = tokenizers::Tokenizer::from_bytes(&json).map_err(error)?;
        inner.with_truncation(None).map_err(error)?;
        inner.with_padding(None);
        let special_tokens = tokenizers::PostProcessor::added_tokens(
            inner.get_post_processor().ok_or_else(|| {
                error("it has no post-processor, so [CLS] and [SEP] are not added".into())
            })?,
            false,
        );
        Ok(Self { inner, json, lowercase, special_tokens })
    }

    pub(crate) fn json(&self) -> &[u8] {
        &self.json
    }

    /// Tokens that are added to every text.
    pub(crate) fn special_tokens(&self) -> usize {
        self.special_tokens
    }

    /// Token ids of each text, cut to `max_len` tokens including the special ones.
    pub(crate) fn encode(
        &self,
        texts: &[&str],
        prompt: &str,
        max_len: usize,
    ) -> Result<Vec<Tokens>, EncoderError> {
        let prompt_len = self.prompt_len(prompt)?;
        let mut tokens = Vec::with_capacity(texts.len());
        for chunk in texts.chunks(CHUNK) {
            let inputs: Vec<String> = chunk.iter().map(|text| self.prepare(prompt, text)).collect();
            let encodings = self
                .inner
                .encode_batch_fast(inputs, true)
                .map_err(|source| EncoderError::Tokenizer { source })?;
            tokens.extend(encodings.iter().map(|encoding| cut(encoding, prompt_len, max_len)));
        }
        Ok(tokens)
    }

    fn prepare(&self, prompt: &str, text: &str) -> String {
        let text = format!("{prompt}{text}");
        if self.lowercase { text.to_lowercase() } else { text }
    }

    /// Tokens of a prompt at the start of a text: its own and the special ones before it.
    fn prompt_len(&self, prompt: &str) -> Result<u32, EncoderError> {
        if prompt.is_empty() {
            return Ok(0);
        }
        let encoding = self
            .inner
            .encode_fast(self.prepare(prompt, ""), true)
            .map_err(|source| EncoderError::Tokenizer { source })?;
        let trailing =
            encoding.get_special_tokens_mask().iter().rev().take_while(|&&special| special == 1);
        Ok((encoding.len() - trailing.count()) as u32)
    }
}

/// Keeps the special tokens at both ends and as much of the text as fits between them.
fn cut(encoding: &tokenizers::Encoding, prompt_len: u32, max_len: usize) -> Tokens {
    let ids = encoding.get_ids();
    let full_len = ids.len() as u32;
    if ids.len() <= max_len {
        return Tokens { ids: ids.to_vec(), prompt_len, full_len };
    }
    let trailing = encoding
        .get_special_tokens_mask()
        .iter()
        .rev()
        .take_while(|&&special| special == 1)
        .count()
        .min(max_len);
    let mut kept = ids[..max_len - trailing].to_vec();
    kept.extend_from_slice(&ids[ids.len() - trailing..]);
    Tokens { ids: kept, prompt_len: prompt_len.min(max_len as u32), full_len }
}
