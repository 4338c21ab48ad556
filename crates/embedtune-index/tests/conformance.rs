//! Every vector index of the crate under the one contract.

#![allow(clippy::unwrap_used)]

use embedtune_index::{
    ExactIndex, HnswConfig, HnswIndex, IndexConfig, VectorIndex, index_conformance,
};

index_conformance!(exact, |vectors| {
    ExactIndex::build(vectors).map(|index| Box::new(index) as Box<dyn VectorIndex>)
});

index_conformance!(
    hnsw,
    |vectors| {
        HnswIndex::build(vectors, &HnswConfig::default())
            .map(|index| Box::new(index) as Box<dyn VectorIndex>)
    },
    recall = 0.95
);

index_conformance!(auto, |vectors| IndexConfig::Auto.build(vectors, 100));
