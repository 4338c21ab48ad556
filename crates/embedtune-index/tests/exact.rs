//! The exact index beyond one tile and one shard.

#![allow(clippy::unwrap_used)]

use embedtune_data::{Embeddings, Fingerprint, SeededRng};
use embedtune_index::{ExactIndex, Neighbor, VectorIndex, Vectors};

/// Small whole numbers: every inner product is exact in any order of its sum, and ties are the
/// rule, so the lists must be equal to the last id.
fn whole_numbers(seed: u64, rows: usize, dim: usize) -> Embeddings {
    let mut rng = SeededRng::new(seed);
    Embeddings::new(dim, (0..rows * dim).map(|_| rng.below(7) as f32 - 3.0).collect())
}

fn naive(documents: &Embeddings, query: &[f32], k: usize) -> Vec<Neighbor> {
    let score = |row: usize| documents.row(row).iter().zip(query).map(|(a, b)| a * b).sum();
    let mut all: Vec<Neighbor> =
        (0..documents.rows()).map(|row| Neighbor { id: row as u32, score: score(row) }).collect();
    all.sort_by(Neighbor::by_rank);
    all.truncate(k);
    all
}

#[test]
fn tiles_and_shards_leave_no_seam() {
    let (documents, queries) = (whole_numbers(1, 37_000, 4), whole_numbers(2, 270, 4));
    let model = Fingerprint("model".into());
    let index = ExactIndex::new(documents.clone(), model.clone()).unwrap();
    let search = || index.search(Vectors::of(&queries, &model), 40).unwrap();
    let found = search();
    for row in (0..queries.rows()).step_by(9) {
        assert_eq!(found[row], naive(&documents, queries.row(row), 40), "query {row}");
    }
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(search), found, "{threads} threads");
    }
}
