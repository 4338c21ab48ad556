//! The tokenizer of BERT for plain words, without the library's bookkeeping.
//!
//! The library keeps a map from each character to its origin through every stage. None of it is
//! asked for here, and it costs ten times what the lookup of a word does. Words of ASCII characters
//! are therefore cut here, by the same rules; every other word goes to the library, so that its
//! tables stay the only word on Unicode. Words are what stands between ASCII spaces: no rule of the
//! normalizer or the model looks across one.

use std::collections::HashMap;

use tokenizers::{ModelWrapper, NormalizerWrapper, PreTokenizerWrapper, Tokenizer};

use crate::EncoderError;

/// A tokenizer made of BERT's normalizer, its splitting at spaces and punctuation, and WordPiece.
#[derive(Clone)]
pub(super) struct BertWords {
    /// Tokens that begin a word.
    beginnings: HashMap<Box<str>, u32>,
    /// Tokens that go on with one, without their prefix.
    continuations: HashMap<Box<str>, u32>,
    unknown: u32,
    /// Longer words are unknown, in characters.
    max_word: usize,
    lowercase: bool,
    /// `[SEP]` and the like, which are found in the text as it stands.
    special: Vec<String>,
    /// Tokens that are put before and after each text.
    before: Vec<u32>,
    after: Vec<u32>,
}

impl BertWords {
    /// The same tokenizer as `inner`, if that is one of BERT's.
    pub(super) fn of(inner: &Tokenizer) -> Option<Self> {
        let Some(NormalizerWrapper::BertNormalizer(normalizer)) = inner.get_normalizer() else {
            return None;
        };
        let Some(PreTokenizerWrapper::BertPreTokenizer(_)) = inner.get_pre_tokenizer() else {
            return None;
        };
        let ModelWrapper::WordPiece(model) = inner.get_model() else { return None };
        let added = inner.get_added_vocabulary().get_added_tokens_decoder();
        // What is looked for after normalization, or across spaces, is beyond single words.
        let beyond =
            |content: &str| content.is_empty() || content.contains(|c: char| c.is_whitespace());
        if !normalizer.clean_text
            || added.values().any(|token| token.normalized || beyond(&token.content))
        {
            return None;
        }
        let (mut beginnings, mut continuations) = (HashMap::new(), HashMap::new());
        for (token, id) in inner.get_vocab(false) {
            if let Some(rest) = token.strip_prefix(&model.continuing_subword_prefix) {
                continuations.insert(rest.into(), id);
            }
            beginnings.insert(token.into_boxed_str(), id);
        }
        let (before, after) = surroundings(inner)?;
        Some(Self {
            unknown: *beginnings.get(model.unk_token.as_str())?,
            beginnings,
            continuations,
            max_word: model.max_input_chars_per_word,
            lowercase: normalizer.lowercase,
            special: added.values().map(|token| token.content.clone()).collect(),
            before,
            after,
        })
    }

    /// Number of tokens at the end of every text that are not its own.
    pub(super) fn trailing(&self) -> usize {
        self.after.len()
    }

    /// Token ids of `text`, special ones included. `inner` is the tokenizer that this was made of;
    /// `word` is room for one.
    pub(super) fn encode(
        &self,
        inner: &Tokenizer,
        text: &str,
        word: &mut String,
    ) -> Result<Vec<u32>, EncoderError> {
        let mut ids = Vec::with_capacity(text.len() / 4 + 4);
        ids.extend_from_slice(&self.before);
        for part in text.split([' ', '\t', '\n', '\r']).filter(|part| !part.is_empty()) {
            let special = || self.special.iter().any(|token| part.contains(token.as_str()));
            if part.is_ascii() && !special() {
                self.plain(part, word, &mut ids);
            } else {
                let encoding = inner
                    .encode_fast(part, false)
                    .map_err(|source| EncoderError::Tokenizer { source })?;
                ids.extend_from_slice(encoding.get_ids());
            }
        }
        ids.extend_from_slice(&self.after);
        Ok(ids)
    }

    /// Tokens of ASCII characters without spaces.
    fn plain(&self, part: &str, word: &mut String, ids: &mut Vec<u32>) {
        word.clear();
        let kept = part.chars().filter(|c| !c.is_ascii_control());
        word.extend(kept.map(|c| if self.lowercase { c.to_ascii_lowercase() } else { c }));
        let mut rest = word.as_str();
        while !rest.is_empty() {
            let end = match rest.find(|c: char| c.is_ascii_punctuation()) {
                Some(0) => 1, // Punctuation is a word of its own.
                Some(end) => end,
                None => rest.len(),
            };
            self.pieces(&rest[..end], ids);
            rest = &rest[end..];
        }
    }

    /// The longest token that the rest of the word begins with, again and again.
    fn pieces(&self, word: &str, ids: &mut Vec<u32>) {
        let first = ids.len();
        let mut start = 0;
        while start < word.len() && word.len() <= self.max_word {
            let table = if start == 0 { &self.beginnings } else { &self.continuations };
            let longest = (start + 1..=word.len())
                .rev()
                .find_map(|end| Some((end, *table.get(&word[start..end])?)));
            let Some((end, id)) = longest else { break };
            ids.push(id);
            start = end;
        }
        if start < word.len() {
            ids.truncate(first);
            ids.push(self.unknown);
        }
    }
}

/// Tokens that the post-processor puts before and after a text.
fn surroundings(inner: &Tokenizer) -> Option<(Vec<u32>, Vec<u32>)> {
    let own = inner.encode_fast("a", false).ok()?;
    let whole = inner.encode_fast("a", true).ok()?;
    let (own, whole) = (own.get_ids(), whole.get_ids());
    let at = whole.windows(own.len()).position(|ids| ids == own)?;
    Some((whole[..at].to_vec(), whole[at + own.len()..].to_vec()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use embedtune_testkit::{test_data, test_model};
    use proptest::prelude::*;

    use super::*;

    fn tiny() -> Tokenizer {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        load(&fixtures.join("tiny-bert"))
    }

    fn load(model: &Path) -> Tokenizer {
        let mut inner = Tokenizer::from_file(model.join("tokenizer.json")).unwrap();
        inner.with_truncation(None).unwrap();
        inner.with_padding(None);
        inner
    }

    /// The twin: the library.
    fn check(inner: &Tokenizer, words: &BertWords, text: &str) {
        let expected = inner.encode_fast(text, true).unwrap();
        let ids = words.encode(inner, text, &mut String::new()).unwrap();
        assert_eq!(ids, expected.get_ids(), "{text:?}");
        let mask = expected.get_special_tokens_mask();
        let trailing = mask.iter().rev().take_while(|&&special| special == 1).count();
        assert!(trailing >= words.trailing());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]
        #[test]
        fn words_are_cut_as_the_library_does(text in concat()) {
            let inner = tiny();
            check(&inner, &BertWords::of(&inner).unwrap(), &text);
        }
    }

    /// Words of the vocabulary, special tokens, and characters that rules look at.
    fn concat() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            4 => "[a-zA-Z]{1,12}",
            4 => proptest::sample::select(vec![
                "cat", "dogs", "Bridge", "##s", "[SEP]", "[CLS]", "[MASK]", "[sep]", "[UNK]", "##", "[PAD]x",
            ]).prop_map(str::to_owned),
            4 => proptest::sample::select(vec![" ", "  ", "\t", "\n", "\r\n", ""]).prop_map(str::to_owned),
            1 => "[ -~]{0,8}",
            1 => "[\\x00-\\x7f]{0,4}",
            1 => "\\PC{0,6}",
            1 => proptest::sample::select(vec![
                "é", "e\u{301}", "\u{301}", "ß", "İ", "中文", "\u{a0}", "\u{2003}", "\u{200d}",
                "\u{fffd}", "\u{0}", "\u{b}", "\u{c}", "\u{7f}", "\u{85}", "—", "𝔸", "ﬁ", "Σ",
            ]).prop_map(str::to_owned),
        ];
        prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
    }

    #[test]
    fn long_words_are_unknown() {
        let inner = tiny();
        let words = BertWords::of(&inner).unwrap();
        for length in [99, 100, 101, 300] {
            check(&inner, &words, &"a".repeat(length));
            check(&inner, &words, &format!("cat {}. dog", "run".repeat(length)));
        }
    }

    #[test]
    fn other_tokenizers_are_left_to_the_library() {
        let json = std::fs::read_to_string(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tiny-bert/tokenizer.json"),
        );
        let json = json.unwrap();
        for (from, to) in [
            ("\"clean_text\": true", "\"clean_text\": false"),
            ("\"type\": \"BertPreTokenizer\"", "\"type\": \"Whitespace\""),
            ("\"normalized\": false", "\"normalized\": true"),
        ] {
            let other = json.replace(from, to);
            assert_ne!(other, json, "{from}");
            let inner = Tokenizer::from_bytes(other).unwrap();
            assert!(BertWords::of(&inner).is_none(), "{to}");
        }
    }

    #[test]
    fn real_texts_are_cut_as_the_library_does() {
        let (Some(model), Some(data)) = (test_model(), test_data()) else { return };
        let inner = load(&model);
        let words = BertWords::of(&inner).unwrap();
        for name in ["scifact", "nl2bash", "medquad"] {
            let corpus = std::fs::read_to_string(data.join(name).join("corpus.jsonl")).unwrap();
            corpus.lines().step_by(17).for_each(|line| check(&inner, &words, line));
        }
    }
}
