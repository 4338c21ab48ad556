//! The checks behind [`index_conformance!`](crate::index_conformance). They panic, as tests do.

use std::fmt::Debug;

use embedtune_data::{Fingerprint, SeededRng};
use ndarray::{Array2, Axis, s};

use crate::{ExactIndex, IndexError, Neighbor, VectorIndex, Vectors, recall_against};

/// Declares a module `$name` of tests that hold `$build` to the contract of
/// [`VectorIndex`](crate::VectorIndex), works in any crate.
///
/// `$build` takes [`Vectors`](crate::Vectors) and returns `Result<Box<dyn VectorIndex>, _>`. An
/// approximate index adds the share of the true neighbors that it must find:
///
/// ```
/// use embedtune_index::{ExactIndex, VectorIndex, index_conformance};
///
/// index_conformance!(exact, |vectors| {
///     ExactIndex::build(vectors).map(|index| Box::new(index) as Box<dyn VectorIndex>)
/// });
/// // index_conformance!(graph, |vectors| …, recall = 0.95);
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! index_conformance {
    ($name:ident, $build:expr) => {
        $crate::index_conformance!($name, $build, recall = 1.0);
    };
    ($name:ident, $build:expr, recall = $recall:expr) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $crate::index_conformance!(@tests $build, $recall;
                finds_the_nearest
                takes_vectors_of_any_length
                breaks_ties_by_id
                returns_every_document_when_asked
                serves_tiny_corpora
                repeats_itself
                treats_queries_one_by_one
                reads_any_memory_layout
                refuses_foreign_queries
                refuses_what_is_not_finite
            );
        }
    };
    (@tests $build:expr, $recall:expr; $($test:ident)*) => {
        $(
            #[test]
            fn $test() {
                $crate::conformance::$test($build, $recall);
            }
        )*
    };
}

type Built = Box<dyn VectorIndex>;

fn model() -> Fingerprint {
    Fingerprint("conformance-model".into())
}

/// Gaussian-like clusters of unit vectors, which is what embeddings look like.
fn clustered(seed: u64, rows: usize, dim: usize) -> Array2<f32> {
    let mut rng = SeededRng::new(seed);
    let mut uniform = move || rng.unit() as f32 * 2.0 - 1.0;
    let centers = Array2::from_shape_simple_fn((8, dim), &mut uniform);
    let mut vectors = Array2::from_shape_simple_fn((rows, dim), &mut uniform);
    for (row, mut vector) in vectors.outer_iter_mut().enumerate() {
        vector += &centers.row(row % centers.nrows());
        let norm = vector.dot(&vector).sqrt();
        vector /= norm;
    }
    vectors
}

fn build<E: Debug>(
    build: impl Fn(Vectors<'_>) -> Result<Built, E>,
    vectors: &Array2<f32>,
) -> Built {
    build(Vectors::new(vectors.view(), &model())).expect("finite vectors make an index")
}

fn search(index: &dyn VectorIndex, queries: &Array2<f32>, k: usize) -> Vec<Vec<Neighbor>> {
    index.search(Vectors::new(queries.view(), &model()), k).expect("a sound search succeeds")
}

fn assert_lists(found: &[Vec<Neighbor>], documents: &Array2<f32>, queries: &Array2<f32>, k: usize) {
    assert_eq!(found.len(), queries.nrows(), "one list per query");
    for (list, query) in found.iter().zip(queries.outer_iter()) {
        assert_eq!(list.len(), k.min(documents.nrows()), "a list is as long as asked");
        assert!(list.is_sorted_by(|a, b| a.by_rank(b).is_lt()), "by rank, no document twice");
        for neighbor in list {
            let score = query.dot(&documents.row(neighbor.id as usize));
            let bound = 1e-5 * score.abs().max(1.0);
            assert!((neighbor.score - score).abs() <= bound, "a score is the inner product");
        }
    }
}

fn assert_recall(
    index: &dyn VectorIndex,
    documents: &Array2<f32>,
    queries: &Array2<f32>,
    k: usize,
    least: f64,
) {
    let model = model();
    let exact = ExactIndex::build(Vectors::new(documents.view(), &model)).expect("finite vectors");
    let queries = Vectors::new(queries.view(), &model);
    let recall = recall_against(index, &exact, queries, k).expect("a sound search succeeds");
    assert!(recall >= least, "{} finds {recall} of the {k} nearest, not {least}", index.name());
}

pub fn finds_the_nearest<E: Debug>(make: impl Fn(Vectors<'_>) -> Result<Built, E>, recall: f64) {
    let (documents, queries) = (clustered(1, 1500, 24), clustered(2, 40, 24));
    let index = build(make, &documents);
    assert_eq!((index.len(), index.dim(), index.is_empty()), (1500, 24, false));
    assert_eq!(*index.fingerprint(), model());
    for k in [1, 10, 150] {
        assert_lists(&search(&*index, &queries, k), &documents, &queries, k);
        assert_recall(&*index, &documents, &queries, k, recall);
    }
}

pub fn takes_vectors_of_any_length<E: Debug>(
    make: impl Fn(Vectors<'_>) -> Result<Built, E>,
    recall: f64,
) {
    let (mut documents, mut queries) = (clustered(3, 600, 12), clustered(4, 20, 12));
    for (row, mut vector) in documents.outer_iter_mut().enumerate() {
        vector *= (row % 7) as f32 * 10.0;
    }
    queries *= 50.0;
    let index = build(make, &documents);
    assert_lists(&search(&*index, &queries, 10), &documents, &queries, 10);
    assert_recall(&*index, &documents, &queries, 10, recall);
}

pub fn breaks_ties_by_id<E: Debug>(make: impl Fn(Vectors<'_>) -> Result<Built, E>, recall: f64) {
    let one = clustered(5, 40, 8);
    let documents = one.select(Axis(0), &(0..160).map(|row| row % 40).collect::<Vec<_>>());
    let index = build(make, &documents);
    let found = search(&*index, &one, 4);
    assert_lists(&found, &documents, &one, 4);
    if recall == 1.0 {
        for (row, list) in found.iter().enumerate() {
            let ids: Vec<u32> = list.iter().map(|neighbor| neighbor.id).collect();
            assert_eq!(ids, [0, 40, 80, 120].map(|copy| copy + row as u32));
        }
    }
}

pub fn returns_every_document_when_asked<E: Debug>(
    make: impl Fn(Vectors<'_>) -> Result<Built, E>,
    _recall: f64,
) {
    let (documents, queries) = (clustered(6, 300, 6), clustered(7, 3, 6));
    let index = build(make, &documents);
    for k in [299, 300, 301, usize::MAX] {
        assert_lists(&search(&*index, &queries, k), &documents, &queries, k);
    }
    assert_eq!(search(&*index, &queries, 0), vec![Vec::new(); 3]);
}

pub fn serves_tiny_corpora<E: Debug>(make: impl Fn(Vectors<'_>) -> Result<Built, E>, _recall: f64) {
    let queries = clustered(8, 5, 4);
    for rows in 0..5 {
        let documents = clustered(9, rows, 4);
        let index = build(&make, &documents);
        assert_lists(&search(&*index, &queries, 3), &documents, &queries, 3);
        assert!(search(&*index, &Array2::zeros((0, 4)), 3).is_empty());
    }
    let zeros = Array2::zeros((20, 4));
    let index = build(make, &zeros);
    assert_lists(&search(&*index, &queries, 3), &zeros, &queries, 3);
    assert_lists(&search(&*index, &zeros, 3), &zeros, &zeros, 3);
}

pub fn repeats_itself<E: Debug>(make: impl Fn(Vectors<'_>) -> Result<Built, E>, _recall: f64) {
    let (documents, queries) = (clustered(10, 400, 10), clustered(11, 30, 10));
    let first = search(&*build(&make, &documents), &queries, 7);
    assert_eq!(first, search(&*build(&make, &documents), &queries, 7), "same build, same lists");
}

pub fn treats_queries_one_by_one<E: Debug>(
    make: impl Fn(Vectors<'_>) -> Result<Built, E>,
    _recall: f64,
) {
    let (documents, queries) = (clustered(12, 400, 10), clustered(13, 30, 10));
    let index = build(make, &documents);
    let together = search(&*index, &queries, 5);
    for (row, expected) in together.iter().enumerate() {
        let alone = search(&*index, &queries.slice(s![row..=row, ..]).to_owned(), 5);
        for (alone, expected) in alone[0].iter().zip(expected) {
            assert!((alone.score - expected.score).abs() < 1e-6, "query {row} differs alone");
        }
    }
}

pub fn reads_any_memory_layout<E: Debug>(
    make: impl Fn(Vectors<'_>) -> Result<Built, E>,
    _recall: f64,
) {
    let (documents, queries) = (clustered(14, 200, 10), clustered(15, 10, 10));
    let columns_first = |rows: &Array2<f32>| {
        let (_, values) = (rows.dim(), rows.t().as_standard_layout().into_owned());
        values.reversed_axes()
    };
    let expected = search(&*build(&make, &documents), &queries, 5);
    let index = build(make, &columns_first(&documents));
    assert_eq!(search(&*index, &columns_first(&queries), 5), expected);
}

pub fn refuses_foreign_queries<E: Debug>(
    make: impl Fn(Vectors<'_>) -> Result<Built, E>,
    _recall: f64,
) {
    let (documents, queries) = (clustered(16, 50, 6), clustered(17, 2, 6));
    let index = build(make, &documents);
    let other = Fingerprint("another-model".into());
    let error = index.search(Vectors::new(queries.view(), &other), 3).expect_err("another model");
    assert!(matches!(error, IndexError::Fingerprint { .. }), "{error}");
    let short = queries.slice(s![.., ..5]);
    let error = index.search(Vectors::new(short, &model()), 3).expect_err("another length");
    assert!(matches!(error, IndexError::Dimension { expected: 6, got: 5 }), "{error}");
}

pub fn refuses_what_is_not_finite<E: Debug>(
    make: impl Fn(Vectors<'_>) -> Result<Built, E>,
    _recall: f64,
) {
    let sound = clustered(18, 30, 6);
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut broken = sound.clone();
        broken[[17, 3]] = value;
        assert!(make(Vectors::new(broken.view(), &model())).is_err(), "{value} in a document");
        let index = build(&make, &sound);
        let error = index.search(Vectors::new(broken.view(), &model()), 3).expect_err("a query");
        assert!(matches!(error, IndexError::NotFinite { row: 17, column: 3, .. }), "{error}");
    }
}
