//! The types that every other crate stands on.
#![allow(clippy::unwrap_used)]

use embedtune_data::{
    Corpus, Dataset, DatasetKind, Document, EmbedError, Embeddings, Example, Queries, Role,
    SeededRng, TextHash, TextTable,
};

#[test]
fn the_text_hash_is_xxh3_128() {
    // Values of the reference implementation's `xxh128sum`.
    assert_eq!(TextHash::of("").to_string(), "99aa06d3014798d86001c324468d497f");
    assert_eq!(TextHash::of("abc").to_string(), "06b05ab6733a618578af5f94892f3950");
    assert_eq!(TextHash::NAME, "xxh3-128-v1");
}

#[test]
fn the_random_stream_is_splitmix64() {
    // First outputs of the reference implementation (Vigna, splitmix64.c) for seed 1234567.
    let mut rng = SeededRng::new(1234567);
    let stream = [0; 5].map(|_| rng.next_u64());
    let expected = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ];
    assert_eq!(stream, expected);
}

#[test]
fn draws_are_in_range_and_even() {
    let mut rng = SeededRng::new(1);
    let mut counts = [0usize; 6];
    for _ in 0..60_000 {
        counts[rng.below(6) as usize] += 1;
    }
    assert!(counts.iter().all(|&count| (9_600..10_400).contains(&count)), "{counts:?}");
    let mean = (0..10_000).map(|_| rng.unit()).sum::<f64>() / 10_000.0;
    assert!((mean - 0.5).abs() < 0.02, "{mean}");
    let mut items: Vec<u32> = (0..100).collect();
    rng.shuffle(&mut items);
    assert!(!items.is_sorted());
    items.sort_unstable();
    assert!(items.into_iter().eq(0..100));
}

#[test]
fn derived_streams_differ_in_every_part_of_their_path() {
    let first = |seed, path: &[u64]| SeededRng::derive(seed, path).next_u64();
    let streams =
        [first(1, &[0]), first(1, &[1]), first(2, &[0]), first(1, &[0, 0]), first(1, &[])];
    for (at, stream) in streams.iter().enumerate() {
        assert!(!streams[..at].contains(stream));
    }
}

#[test]
fn equal_texts_have_one_number() {
    let mut table = TextTable::new();
    assert!(table.is_empty());
    let [a, b, again] = ["a", "b", "a"].map(|text| table.intern(text));
    assert_eq!((a, b, again, table.len()), (0, 1, 0, 2));
    assert_eq!(table.find("b"), Some(b));
    assert_eq!(table.find("c"), None);
    assert_eq!(table.hash(b), TextHash::of("b"));
    assert_eq!(table.iter().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn documents_are_joined_and_cut_again() {
    let mut corpus = Corpus::new();
    for (id, title, text, full) in [
        ("1", "Title", "body", "Title body"),
        ("2", "", " body ", "body"),
        ("3", " Title ", "", "Title"),
        ("4", "  ", "body", "body"),
        ("5", "Title", "  body", "Title   body"),
    ] {
        let document = Document { id: id.into(), title: title.into(), text: text.into() };
        let number = corpus.push(document).unwrap();
        assert_eq!(corpus.texts()[number as usize], full);
        assert_eq!(corpus.document(number).full_text(), full);
        assert_eq!(corpus.document(number).title, title.trim());
    }
    assert_eq!(corpus.push(Document { id: "3".into(), ..Document::default() }), None);
    assert_eq!((corpus.len(), corpus.find("5"), corpus.find("6")), (5, Some(4), None));
}

#[test]
fn query_ids_are_unique() {
    let mut queries = Queries::new();
    assert_eq!(queries.push("q", "text"), Some(0));
    assert_eq!(queries.push("q", "other"), None);
    assert_eq!(queries.texts(), ["text"]);
    assert_eq!(queries.find("q"), Some(0));
}

#[test]
fn rows_say_what_is_relevant() {
    let mut dataset = Dataset::new("rows");
    let [q, a, b, c] = ["q", "a", "b", "c"].map(|text| dataset.texts.intern(text));
    assert_eq!((dataset.kind(), dataset.is_empty()), (DatasetKind::Pairs, true));
    dataset.push(Example { negatives: vec![b], ..Example::pair(q, a) });
    assert_eq!(dataset.kind(), DatasetKind::Tuples);
    dataset.push(Example { label: Some(0.0), ..Example::pair(q, c) });
    assert_eq!(dataset.kind(), DatasetKind::LabelledPairs);
    dataset.add_known_positive(q, b);
    assert_eq!(dataset.known_positives(q).collect::<Vec<_>>(), [a, b]);
    assert!(!dataset.is_known_positive(q, c) && !dataset.is_known_positive(a, q));
    assert_eq!(dataset.known_pairs().count(), 2);
    assert_eq!(dataset.rows[0].texts().collect::<Vec<_>>(), [q, a, b]);
}

#[test]
fn embeddings_are_rows() {
    let embeddings = Embeddings::new(2, vec![1.0, 2.0, 3.0, 4.0]);
    assert_eq!((embeddings.rows(), embeddings.dim(), embeddings.row(1)), (2, 2, &[3.0, 4.0][..]));
    assert_eq!(Embeddings::default().rows(), 0);
    assert_eq!(embeddings.into_vec().len(), 4);
    let error = EmbedError::new("the API is down");
    assert_eq!(error.to_string(), "cannot embed texts: the API is down");
    assert_eq!(serde_json::to_string(&Role::Query).unwrap(), "\"query\"");
}
