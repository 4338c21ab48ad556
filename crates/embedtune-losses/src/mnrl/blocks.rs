//! The loss with its gradient written down, in blocks of rows: the matrix of logits is never there
//! as a whole, and nothing is recorded for a backward pass.
//!
//! A block of terms computes its logits against all columns (matrix products), turns them into
//! their gradients where they lie (a softmax), and adds what follows for the embeddings of both
//! sides (matrix products again). Blocks have a fixed size and follow one another, so no result
//! depends on the number of threads.

use candle_core::{Device, Tensor};
use embedtune_kernels::{Matrix, MatrixMut, Threads, Update, product};
use rayon::prelude::*;

use super::{
    MnrlConfig,
    mask::Term,
    prepared::Prepared,
    softmax::{Segment, Softmax},
};
use crate::{LossBatch, LossError};

/// Logits of a block, 8 MiB: small enough to stay close to the processor, and rows enough for
/// matrix products at full speed beside some ten thousand columns.
const BLOCK_VALUES: usize = 2 << 20;

/// Value, and its gradient by the embeddings, `(rows, dim)`. The embeddings are f32 on the CPU.
pub(super) fn evaluate(
    config: &MnrlConfig,
    batch: &LossBatch,
    terms: &[Term],
) -> Result<(f64, Tensor), LossError> {
    evaluate_by(config, batch, terms, BLOCK_VALUES)
}

fn evaluate_by(
    config: &MnrlConfig,
    batch: &LossBatch,
    terms: &[Term],
    block_values: usize,
) -> Result<(f64, Tensor), LossError> {
    let (rows, dim) = batch.embeddings.dims2()?;
    let embeddings = batch.embeddings.flatten_all()?.to_vec1()?;
    let prepared = Prepared::new(config.similarity, embeddings, dim);
    let softmax = Softmax::new(config, batch);
    let to_queries = config.directions.iter().any(|direction| !direction.against_candidates());
    let mut pass = Pass {
        batch,
        softmax: &softmax,
        rows: &prepared.rows,
        dim,
        queries: Side::new(&prepared.rows, dim, if to_queries { &batch.anchors } else { &[] }),
        documents: Side::new(&prepared.rows, dim, &batch.candidates),
        gradient: vec![0.0; rows * dim],
    };
    let height = (block_values / softmax.width).clamp(1, terms.len().max(1));
    let mut logits = vec![0.0; height * softmax.width];
    let mut value = 0.0;
    for block in terms.chunks(height) {
        value += pass.block(block, &mut logits[..block.len() * softmax.width]);
    }
    let mut gradient = pass.into_gradient();
    prepared.backward(&mut gradient);
    Ok((value, Tensor::from_vec(gradient, (rows, dim), &Device::Cpu)?))
}

/// What logits are taken against.
struct Side<'a> {
    /// Row of each column's embedding, `(columns)`.
    indices: &'a [u32],
    /// Prepared embedding of each column, `(columns, dim)`.
    rows: Vec<f32>,
    /// Gradient of the same, `(columns, dim)`.
    gradient: Vec<f32>,
}

impl<'a> Side<'a> {
    fn new(rows: &[f32], dim: usize, indices: &'a [u32]) -> Self {
        let rows = gather(rows, dim, indices.iter().copied());
        Self { indices, gradient: vec![0.0; rows.len()], rows }
    }
}

/// A walk over the blocks.
struct Pass<'a> {
    batch: &'a LossBatch,
    softmax: &'a Softmax<'a>,
    /// Prepared embeddings, `(rows, dim)`.
    rows: &'a [f32],
    dim: usize,
    queries: Side<'a>,
    documents: Side<'a>,
    /// Gradient of `rows` as far as they are on the left of a product, `(rows, dim)`.
    gradient: Vec<f32>,
}

impl Pass<'_> {
    /// Loss of the terms of a block; adds to the gradients. `logits`, `(terms, width)`, is
    /// overwritten.
    fn block(&mut self, terms: &[Term], logits: &mut [f32]) -> f64 {
        let (softmax, dim) = (self.softmax, self.dim);
        let anchor_rows = terms.iter().map(|term| term.anchor_row(self.batch));
        let positive_rows = terms.iter().map(|term| term.positive_row(self.batch));
        let left = [
            gather(self.rows, dim, anchor_rows.clone()),
            gather(self.rows, dim, positive_rows.clone()),
        ];
        self.similarities(terms.len(), &left, logits);
        let rows = logits.par_chunks_exact_mut(softmax.width).zip(terms);
        let losses: Vec<f64> = rows.map(|(row, term)| softmax.differentiate(term, row)).collect();
        let [d_anchors, d_positives] = self.backward(terms.len(), &left, logits);
        scatter_add(&mut self.gradient, dim, anchor_rows, &d_anchors);
        scatter_add(&mut self.gradient, dim, positive_rows, &d_positives);
        losses.iter().sum()
    }

    /// Similarities of the terms' anchors and positives (`left`, `(height, dim)` each) to the
    /// columns, `(height, width)`.
    fn similarities(&self, height: usize, left: &[Vec<f32>; 2], logits: &mut [f32]) {
        let (width, dim) = (self.softmax.width, self.dim);
        for Segment { direction, columns } in &self.softmax.segments {
            let from = Matrix::new(&left[usize::from(direction.compares_positive())], height, dim);
            let side = if direction.against_candidates() { &self.documents } else { &self.queries };
            let to = Matrix::new(&side.rows, columns.len(), dim);
            let part = &mut logits[columns.start..];
            let part = MatrixMut::strided(part, height, columns.len(), width);
            product(from, to.t(), part, Update::Overwrite, Threads::All);
        }
    }

    /// Given the gradient of the similarities, `(height, width)`, returns that of `left` and adds
    /// to that of the columns.
    fn backward(&mut self, height: usize, left: &[Vec<f32>; 2], d_logits: &[f32]) -> [Vec<f32>; 2] {
        let (width, dim) = (self.softmax.width, self.dim);
        let mut d_left = [0, 1].map(|side: usize| vec![0.0; left[side].len()]);
        for Segment { direction, columns } in &self.softmax.segments {
            let d_logits = &d_logits[columns.start..];
            let d_logits = Matrix::strided(d_logits, height, columns.len(), width);
            let from = usize::from(direction.compares_positive());
            let side = if direction.against_candidates() {
                &mut self.documents
            } else {
                &mut self.queries
            };
            let to = Matrix::new(&side.rows, columns.len(), dim);
            let d_from = MatrixMut::new(&mut d_left[from], height, dim);
            product(d_logits, to, d_from, Update::Add, Threads::All);
            let d_to = MatrixMut::new(&mut side.gradient, columns.len(), dim);
            let from = Matrix::new(&left[from], height, dim);
            product(d_logits.t(), from, d_to, Update::Add, Threads::All);
        }
        d_left
    }

    /// Gradient of the prepared rows, `(rows, dim)`.
    fn into_gradient(self) -> Vec<f32> {
        let Self { mut gradient, dim, .. } = self;
        for side in [self.queries, self.documents] {
            scatter_add(&mut gradient, dim, side.indices.iter().copied(), &side.gradient);
        }
        gradient
    }
}

/// Rows `indices` of `rows`, one after the other.
fn gather(rows: &[f32], dim: usize, indices: impl Iterator<Item = u32>) -> Vec<f32> {
    let mut gathered = Vec::with_capacity(indices.size_hint().0 * dim);
    indices.for_each(|row| gathered.extend_from_slice(&rows[row as usize * dim..][..dim]));
    gathered
}

/// Adds each row of `values` to the row of `sums` that `indices` names.
fn scatter_add(sums: &mut [f32], dim: usize, indices: impl Iterator<Item = u32>, values: &[f32]) {
    for (row, values) in indices.zip(values.chunks_exact(dim.max(1))) {
        let sums = &mut sums[row as usize * dim..][..dim];
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }
}

#[cfg(test)]
mod tests {
    use embedtune_testkit::{Tolerance, assert_close, normal};

    use super::*;
    use crate::{
        Relation, Similarity,
        mnrl::{Direction, Partition, composed, mask},
    };

    const DIM: usize = 8;
    const EXAMPLES: usize = 23;

    /// Anchors that repeat, two positives each, a negative for some, a few ignored.
    fn batch() -> LossBatch {
        let examples = EXAMPLES as u32;
        let relation = |i: u32| Relation {
            positives: vec![i, examples + i],
            negatives: if i.is_multiple_of(3) { vec![2 * examples + i / 3] } else { vec![] },
            ignored: vec![(i + 5) % examples],
        };
        let candidates = 2 * examples + examples.div_ceil(3);
        let rows = 20 + candidates;
        let embeddings: Vec<f32> =
            normal(7, rows as usize * DIM).into_iter().map(|value| value as f32).collect();
        LossBatch::new(
            Tensor::from_vec(embeddings, (rows as usize, DIM), &Device::Cpu).unwrap(),
            (0..examples).map(|i| i % 20).collect(),
            (20..rows).collect(),
            (0..examples).map(relation).collect(),
        )
        .unwrap()
    }

    fn config() -> MnrlConfig {
        use Direction::{DocToDoc, DocToQuery, QueryToDoc, QueryToQuery};
        MnrlConfig::default()
            .with_directions([QueryToQuery, QueryToDoc, DocToDoc, DocToQuery])
            .with_temperature(0.3)
    }

    fn run(config: &MnrlConfig, batch: &LossBatch, block_values: usize) -> (f64, Vec<f32>) {
        let terms = mask::terms(batch, &batch.example_weights().unwrap()).unwrap();
        let (value, gradient) = evaluate_by(config, batch, &terms, block_values).unwrap();
        (value, gradient.flatten_all().unwrap().to_vec1().unwrap())
    }

    #[test]
    fn blocks_of_any_height_are_the_composed_loss() {
        let (config, batch) = (config(), batch());
        let terms = mask::terms(&batch, &batch.example_weights().unwrap()).unwrap();
        let (value, gradient) = composed::evaluate(&config, &batch, &terms).unwrap();
        let gradient: Vec<f32> = gradient.flatten_all().unwrap().to_vec1().unwrap();
        let width = Softmax::new(&config, &batch).width;
        for height in [0, 1, 2, 5, 45, 46, 1000] {
            let (got, d) = run(&config, &batch, height * width + 1);
            assert_close(&[got], &[value], Tolerance::relative(1e-6));
            assert_close(&d, &gradient, Tolerance::relative(1e-5));
        }
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let (config, batch) = (config(), batch());
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| run(&config, &batch, 1000))
        };
        let one = on(1);
        assert_eq!(on(2), one);
        assert_eq!(on(4), one);
    }

    #[test]
    fn a_small_loss_has_an_exact_gradient() {
        // Two orthogonal pairs, told apart by e^-20: the gradient is a difference of numbers that
        // are equal in f32.
        let rows = [[1.0_f32, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]];
        let relation = |p| Relation { positives: vec![p], ..Relation::default() };
        let embeddings = Tensor::new(&rows, &Device::Cpu).unwrap();
        let batch =
            LossBatch::new(embeddings, vec![0, 1], vec![2, 3], vec![relation(0), relation(1)])
                .unwrap();
        for directions in
            [vec![Direction::QueryToDoc], vec![Direction::DocToQuery, Direction::QueryToDoc]]
        {
            let config = MnrlConfig::default()
                .with_similarity(Similarity::Dot)
                .with_directions(directions)
                .with_partition(Partition::PerDirection);
            let (value, gradient) = run(&config, &batch, BLOCK_VALUES);
            let other = (-20.0_f64).exp();
            assert_close(&[value], &[other.ln_1p()], Tolerance::relative(1e-6));
            // d / d s_ij = 20 (p_ij − 1[i = j]) / 2
            let slope = 10.0 * other / (1.0 + other);
            let expected = [-slope, slope, slope, -slope].repeat(2);
            assert_close(&gradient, &expected, Tolerance::relative(1e-6));
        }
    }

    #[test]
    fn what_is_not_a_number_shows_in_the_value() {
        for bad in [f32::NAN, f32::INFINITY] {
            let mut batch = batch();
            let mut values: Vec<f32> = batch.embeddings.flatten_all().unwrap().to_vec1().unwrap();
            values[25 * DIM + 3] = bad;
            batch.embeddings =
                Tensor::from_vec(values, batch.embeddings.shape(), &Device::Cpu).unwrap();
            for similarity in [Similarity::Cosine, Similarity::Dot] {
                let config = config().with_similarity(similarity);
                assert!(!run(&config, &batch, 1000).0.is_finite());
            }
        }
    }
}
