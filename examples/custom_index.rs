//! A vector index of your own: one byte a value, then the exact score of the best candidates. It is
//! held to the contract of every index by one line of tests at the end of the file.
//!
//! ```sh
//! cargo run --release -p embedtune-examples --example custom_index -- MODEL [BEIR_DIR]
//! cargo test -p embedtune-examples --example custom_index
//! ```
//!
//! The first prints, for all-MiniLM-L6-v2 and the built-in handbook,
//!
//! ```text
//! bytes finds 100.0 % of the 3 nearest
//! bytes  ndcg@10 0.4228
//! exact  ndcg@10 0.4228
//! ```

#![allow(clippy::print_stdout)]

mod arguments;
mod handbook;

use anyhow::Context as _;
use embedtune::{
    data::{Fingerprint, Split},
    index::{ExactIndex, IndexError, Neighbor, TopK, Vectors, recall_against},
    metrics::Measure,
    prelude::*,
};
use ndarray::{Array2, ArrayView2};

/// Vectors rounded to one byte a value are searched first, which reads a quarter of the memory;
/// the candidates are ranked by the exact vectors.
struct ByteIndex {
    fingerprint: Fingerprint,
    /// `(documents, dim)`
    exact: Array2<f32>,
    /// The same, as multiples of each vector's scale.
    rounded: Array2<i8>,
    /// Largest absolute value of each vector / 127.
    scales: Vec<f32>,
    /// Candidates for each result.
    oversampling: usize,
}

impl ByteIndex {
    fn build(vectors: Vectors<'_>) -> Result<Self, IndexError> {
        vectors.check_finite()?;
        // Row by row in memory, whatever the input is like: the order in which products are added
        // up, and with it the last bits of a score, follows it.
        let exact = vectors.rows().as_standard_layout().into_owned();
        let mut rounded = Array2::zeros(exact.dim());
        let mut scales = Vec::with_capacity(exact.nrows());
        for (vector, mut bytes) in exact.outer_iter().zip(rounded.outer_iter_mut()) {
            let (scale, values) = round(vector.iter().copied());
            scales.push(scale);
            bytes.iter_mut().zip(values).for_each(|(byte, value)| *byte = value);
        }
        let fingerprint = vectors.fingerprint().clone();
        Ok(Self { fingerprint, exact, rounded, scales, oversampling: 4 })
    }
}

/// A vector as a scale and whole multiples of it.
fn round(vector: impl Iterator<Item = f32> + Clone) -> (f32, Vec<i8>) {
    let largest = vector.clone().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let scale = (largest / 127.0).max(f32::MIN_POSITIVE);
    (scale, vector.map(|value| (value / scale).round() as i8).collect())
}

impl VectorIndex for ByteIndex {
    fn name(&self) -> &str {
        "bytes"
    }

    fn len(&self) -> usize {
        self.exact.nrows()
    }

    fn dim(&self) -> usize {
        self.exact.ncols()
    }

    fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    // `search`, which callers use, has already refused queries of another model, of another length
    // or with values that are not finite, and cut `k` to the number of documents.
    fn search_rows(
        &self,
        queries: ArrayView2<'_, f32>,
        k: usize,
    ) -> Result<Vec<Vec<Neighbor>>, IndexError> {
        let search = |query: ndarray::ArrayView1<'_, f32>| {
            let (_, bytes) = round(query.iter().copied());
            // The scale of the query is the same for all documents, so it changes no order.
            let mut candidates = TopK::new(k.saturating_mul(self.oversampling));
            for (id, document) in self.rounded.outer_iter().enumerate() {
                let product: i32 =
                    document.iter().zip(&bytes).map(|(&a, &b)| i32::from(a) * i32::from(b)).sum();
                let score = product as f32 * self.scales[id];
                candidates.offer(Neighbor { id: id as u32, score });
            }
            let mut best = TopK::new(k);
            for Neighbor { id, .. } in candidates.into_sorted() {
                let score = self.exact.row(id as usize).dot(&query);
                best.offer(Neighbor { id, score });
            }
            best.into_sorted()
        };
        Ok(queries.as_standard_layout().outer_iter().map(search).collect())
    }
}

fn main() -> anyhow::Result<()> {
    let model = EmbeddingModel::load(arguments::model_dir()?)?;
    let data = handbook::data()?;
    let test = data.qrels(Split::Test).context("the data has no test split")?;

    let texts: Vec<&str> = data.corpus.texts().iter().map(String::as_str).collect();
    let documents = model.embed(&texts, Role::Document)?;
    // Vectors travel with the fingerprint of their model, so that a query of another model is an
    // error and not a wrong answer.
    let fingerprint = model.fingerprint();
    let documents = Vectors::of(&documents, &fingerprint);
    let index = ByteIndex::build(documents)?;
    let exact = ExactIndex::build(documents)?;

    let questions: Vec<&str> = data.queries.texts().iter().map(String::as_str).collect();
    let questions = model.embed(&questions, Role::Query)?;
    let recall = recall_against(&index, &exact, Vectors::of(&questions, &fingerprint), 3)?;
    println!("{} finds {:.1} % of the 3 nearest", index.name(), 100.0 * recall);

    // The same evaluator takes any index.
    let evaluator = RetrievalEvaluator::new(
        data.corpus.clone(),
        &data.queries,
        test.clone(),
        RetrievalConfig::default(),
    )?;
    for index in [&index as &dyn VectorIndex, &exact] {
        let report = evaluator.evaluate_index(&model, index)?.report;
        let ndcg = report.mean(&Measure::NDCG_10).context("nDCG@10 is a default measure")?;
        println!("{:<5}  ndcg@10 {ndcg:.4}", index.name());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use embedtune::index::index_conformance;

    use super::*;

    index_conformance!(
        bytes,
        |vectors| ByteIndex::build(vectors).map(|index| Box::new(index) as Box<dyn VectorIndex>),
        recall = 0.95
    );
}
