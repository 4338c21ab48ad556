//! Texts to token ids.

mod bert;

use std::{borrow::Cow, path::Path};

use rayon::prelude::*;
use serde::Deserialize;

use self::bert::BertWords;
use crate::{EncoderError, Tokens};

/// The model's own tokenizer (`tokenizer.json`), with truncation to a maximum length done here:
/// the file may carry a truncation of its own (128 tokens for all-MiniLM-L6-v2) which is not the
/// model's.
#[derive(Clone)]
pub(crate) struct TextTokenizer {
    inner: tokenizers::Tokenizer,
    /// The same, where it is one of BERT's: several times as fast.
    words: Option<BertWords>,
    /// The bytes it was made of, kept to be saved and fingerprinted.
    json: Vec<u8>,
    lowercase: bool,
    special_tokens: usize,
}

/// What the library panics on if it is not JSON.
#[derive(Deserialize)]
struct Checked {
    #[serde(rename = "decoder")]
    _decoder: Option<serde_json::Value>,
}

/// Texts of one call into the tokenizer library: bounds the memory of full-length encodings.
const CHUNK: usize = 1024;

impl TextTokenizer {
    pub(crate) fn load(path: &Path, lowercase: bool) -> Result<Self, EncoderError> {
        let json = std::fs::read(path).map_err(EncoderError::io(path))?;
        let error = |source| EncoderError::TokenizerFile { path: path.to_owned(), source };
        serde_json::from_slice::<Checked>(&json).map_err(|source| error(source.into()))?;
        let mut inner = tokenizers::Tokenizer::from_bytes(&json).map_err(error)?;
        inner.with_truncation(None).map_err(error)?;
        inner.with_padding(None);
        let special_tokens = tokenizers::PostProcessor::added_tokens(
            inner.get_post_processor().ok_or_else(|| {
                error("it has no post-processor, so [CLS] and [SEP] are not added".into())
            })?,
            false,
        );
        let words = BertWords::of(&inner);
        Ok(Self { inner, words, json, lowercase, special_tokens })
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
        if let Some(words) = &self.words {
            let encode = |word: &mut String, text: &&str| {
                let ids = words.encode(&self.inner, &self.prepare(prompt, text), word)?;
                Ok(cut(&ids, words.trailing(), prompt_len, max_len))
            };
            return texts.par_iter().with_min_len(16).map_init(String::new, encode).collect();
        }
        let mut tokens = Vec::with_capacity(texts.len());
        for chunk in texts.chunks(CHUNK) {
            let inputs: Vec<Cow<'_, str>> =
                chunk.iter().map(|text| self.prepare(prompt, text)).collect();
            let encodings = self
                .inner
                .encode_batch_fast(inputs, true)
                .map_err(|source| EncoderError::Tokenizer { source })?;
            tokens.extend(
                encodings.iter().map(|encoding| {
                    cut(encoding.get_ids(), trailing(encoding), prompt_len, max_len)
                }),
            );
        }
        Ok(tokens)
    }

    fn prepare<'a>(&self, prompt: &str, text: &'a str) -> Cow<'a, str> {
        match (prompt, self.lowercase) {
            ("", false) => Cow::Borrowed(text),
            (_, false) => Cow::Owned(format!("{prompt}{text}")),
            (_, true) => Cow::Owned(format!("{prompt}{text}").to_lowercase()),
        }
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
        Ok((encoding.len() - trailing(&encoding)) as u32)
    }
}

/// Special tokens at the end of a text.
fn trailing(encoding: &tokenizers::Encoding) -> usize {
    encoding.get_special_tokens_mask().iter().rev().take_while(|&&special| special == 1).count()
}

/// Keeps the special tokens at both ends, `trailing` at the second, and as much of the text as fits
/// between them.
fn cut(ids: &[u32], trailing: usize, prompt_len: u32, max_len: usize) -> Tokens {
    let full_len = ids.len() as u32;
    if ids.len() <= max_len {
        return Tokens { ids: ids.to_vec(), prompt_len, full_len };
    }
    let trailing = trailing.min(max_len);
    let mut kept = Vec::with_capacity(max_len);
    kept.extend_from_slice(&ids[..max_len - trailing]);
    kept.extend_from_slice(&ids[ids.len() - trailing..]);
    Tokens { ids: kept, prompt_len: prompt_len.min(max_len as u32), full_len }
}
