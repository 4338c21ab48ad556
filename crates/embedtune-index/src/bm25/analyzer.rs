//! From text to the words that are counted.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::Bm25Config;

/// How words are reduced to stems before they are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Stemming {
    /// Words as they are: for languages other than English.
    None,
    /// English plurals and the endings `-ed`, `-ing` and `-ly` are cut.
    #[default]
    Light,
}

/// The stop words of Lucene's `EnglishAnalyzer`.
const STOP_WORDS: [&str; 33] = [
    "a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into", "is", "it",
    "no", "not", "of", "on", "or", "such", "that", "the", "their", "then", "there", "these",
    "they", "this", "to", "was", "will", "with",
];

/// Words of `text` as `config` asks for, in order.
pub(super) fn tokens<'a>(
    text: &'a str,
    config: &Bm25Config,
) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
    let (stop_words, stemming) = (config.stop_words, config.stemming);
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(lower)
        .filter(move |word| !stop_words || STOP_WORDS.binary_search(&word.as_ref()).is_err())
        .map(move |word| match stemming {
            Stemming::None => word,
            Stemming::Light => stem(word),
        })
}

fn lower(word: &str) -> Cow<'_, str> {
    if word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()) {
        Cow::Borrowed(word)
    } else {
        Cow::Owned(word.to_lowercase())
    }
}

/// A light stemmer: the plural rules of Harman (*How effective is suffixing?*, 1991), then the
/// endings of Porter's first step and a silent e.
fn stem(word: Cow<'_, str>) -> Cow<'_, str> {
    // Words with other letters or digits are names and numbers: they have no English endings.
    if word.len() < 4 || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return word;
    }
    let mut stem = word.into_owned();
    cut_plural(&mut stem);
    cut_ending(&mut stem);
    if stem.len() > 3 && stem.ends_with('e') {
        stem.pop();
    }
    if stem.len() > 3 && stem.ends_with('y') {
        stem.pop();
        stem.push('i');
    }
    Cow::Owned(stem)
}

fn cut_plural(word: &mut String) {
    let ends = |ending: &str| word.ends_with(ending);
    if ends("ies") && !ends("eies") && !ends("aies") {
        word.truncate(word.len() - 3);
        word.push('y');
    } else if ends("sses") {
        word.truncate(word.len() - 2);
    } else if ends("s") && !ends("us") && !ends("ss") && !ends("is") {
        word.pop();
    }
}

fn cut_ending(word: &mut String) {
    for ending in ["ing", "ed", "ly"] {
        let Some(rest) = word.strip_suffix(ending) else { continue };
        let vowel = |byte: u8| b"aeiouy".contains(&byte);
        if rest.len() < 3 || !rest.bytes().any(vowel) {
            return;
        }
        let length = rest.len();
        word.truncate(length);
        let bytes = word.as_bytes();
        let doubled = bytes[length - 1] == bytes[length - 2] && !vowel(bytes[length - 1]);
        if doubled && !b"lsz".contains(&bytes[length - 1]) {
            word.pop();
        }
        return;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str, config: &Bm25Config) -> Vec<String> {
        tokens(text, config).map(Cow::into_owned).collect()
    }

    #[test]
    fn words_are_lower_case_runs_of_letters_and_digits() {
        let config = Bm25Config::default().with_stemming(Stemming::None);
        assert_eq!(
            words("The COVID-19 x_ray, Ärzte!", &config),
            ["covid", "19", "x", "ray", "ärzte"]
        );
        let config = config.with_stop_words(false);
        assert_eq!(words("To be", &config), ["to", "be"]);
        assert!(words(" -- ", &config).is_empty());
    }

    #[test]
    fn forms_of_a_word_meet() {
        let config = Bm25Config::default();
        for forms in [
            "study studies studied studying",
            "cell cells",
            "stop stopped stopping stops",
            "activate activates activated activating",
            "mass masses",
            "rapid rapidly",
        ] {
            let stems = words(forms, &config);
            assert!(stems.iter().all(|stem| *stem == stems[0]), "{forms}: {stems:?}");
        }
        assert_eq!(
            words("virus basis gas b12s sing", &config),
            ["virus", "basis", "gas", "b12s", "sing"]
        );
    }

    #[test]
    fn stop_words_are_sorted() {
        assert!(STOP_WORDS.is_sorted());
    }
}
