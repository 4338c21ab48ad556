//! Collections that the tests share.

#![allow(dead_code)]

use embedtune_data::{Corpus, Document, Queries};
use embedtune_metrics::Qrels;

pub(crate) fn corpus<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Corpus {
    let mut corpus = Corpus::new();
    for (id, text) in texts {
        let document = Document { id: id.to_owned(), title: String::new(), text: text.to_owned() };
        corpus.push(document).unwrap();
    }
    corpus
}

pub(crate) fn queries<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Queries {
    let mut queries = Queries::new();
    for (id, text) in texts {
        queries.push(id, text).unwrap();
    }
    queries
}

pub(crate) fn qrels<'a>(judgements: impl IntoIterator<Item = (&'a str, &'a str, i32)>) -> Qrels {
    let mut qrels = Qrels::new();
    for (query, document, grade) in judgements {
        qrels.insert(query, document, grade).unwrap();
    }
    qrels
}

/// Sixty queries, each answered by one of 120 documents: texts of a few out of 40 words.
pub(crate) struct Collection {
    pub(crate) corpus: Corpus,
    pub(crate) queries: Queries,
    pub(crate) qrels: Qrels,
}

impl Collection {
    pub(crate) fn sixty() -> Self {
        let word = |a: usize, b: usize| format!("w{}", (a * 7 + b * 11 + a * b) % 40);
        let text = |seed: usize, count: usize| {
            (0..count).map(|place| word(seed, place)).collect::<Vec<_>>().join(" ")
        };
        let (mut corpus, mut queries, mut qrels) = (Corpus::new(), Queries::new(), Qrels::new());
        for number in 0..120 {
            let (id, title) = (format!("d{number}"), format!("title {number}"));
            corpus.push(Document { id, title, text: text(number, 8) }).unwrap();
        }
        for number in 0..60 {
            let (query, document) = (format!("q{number}"), format!("d{}", 2 * number));
            queries.push(query.as_str(), text(2 * number, 3)).unwrap();
            qrels.insert(&query, &document, 1).unwrap();
            qrels.insert(&query, "d1", 0).unwrap();
        }
        queries.push("unjudged", "w1 w2").unwrap();
        Self { corpus, queries, qrels }
    }
}
