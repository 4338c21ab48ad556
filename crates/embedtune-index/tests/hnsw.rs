//! Settings of the graph, and what it says about itself.

#![allow(clippy::unwrap_used)]

use embedtune_data::{Embeddings, Fingerprint};
use embedtune_index::{ExactIndex, HnswConfig, HnswIndex, IndexError, Vectors, recall_against};
use embedtune_testkit::normal;

fn vectors(seed: u64, rows: usize) -> Embeddings {
    Embeddings::new(16, normal(seed, rows * 16).into_iter().map(|value| value as f32).collect())
}

#[test]
fn settings_out_of_range_are_refused() {
    let model = Fingerprint("model".into());
    let documents = vectors(1, 10);
    let config = HnswConfig::default;
    for (field, config) in [
        ("m", config().with_m(1)),
        // `hnsw_rs` would take 256 for 0, and end the process above it.
        ("m", config().with_m(256)),
        ("ef_construction", config().with_ef_construction(15)),
        ("ef_search", config().with_ef_search(0)),
    ] {
        let error = HnswIndex::build(Vectors::of(&documents, &model), &config).unwrap_err();
        assert!(matches!(error, IndexError::Config { field: f, .. } if f == field), "{error}");
    }
}

#[test]
fn recall_is_measured_and_grows_with_the_search() {
    let model = Fingerprint("model".into());
    let (documents, queries) = (vectors(2, 2000), vectors(3, 50));
    let exact = ExactIndex::new(documents, model.clone()).unwrap();
    let queries = Vectors::of(&queries, &model);
    let recall = |config: &HnswConfig| {
        let index = HnswIndex::new(exact.clone(), config).unwrap();
        (index.self_recall(), recall_against(&index, &exact, queries, 10).unwrap())
    };
    let (own, wide) = recall(&HnswConfig::default());
    assert!(own >= 0.95 && wide >= 0.95, "{own} of its own, {wide} of other neighbors");
    let (_, threaded) = recall(&HnswConfig::default().with_deterministic(false));
    assert!(threaded >= 0.95, "{threaded}");
    let narrow = HnswConfig::default().with_m(4).with_ef_construction(8).with_ef_search(10);
    let (own, narrow) = recall(&narrow);
    assert!(narrow < wide && own < 0.95, "a graph this thin misses neighbors: {own}, {narrow}");
}
