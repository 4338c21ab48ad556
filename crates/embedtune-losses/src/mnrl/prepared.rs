//! Embeddings as a similarity compares them, and the way back of their gradient.

use rayon::prelude::*;

use crate::{Similarity, ops::TINY};

/// Rows whose dot products are the similarities.
pub(super) struct Prepared {
    dim: usize,
    /// `(rows, dim)`.
    pub(super) rows: Vec<f32>,
    /// Length that each row was divided by, `(rows)`; empty if none was.
    lengths: Vec<Length>,
}

#[derive(Clone, Copy)]
enum Length {
    Own(f64),
    /// A row so short that it is divided by a constant, which has no derivative.
    Least,
}

impl Length {
    fn value(self) -> f64 {
        match self {
            Self::Own(length) => length,
            Self::Least => TINY.sqrt(),
        }
    }
}

impl Prepared {
    /// Prepares `embeddings`, `(rows, dim)`.
    pub(super) fn new(similarity: Similarity, mut embeddings: Vec<f32>, dim: usize) -> Self {
        let lengths = match similarity {
            Similarity::Cosine => {
                embeddings.par_chunks_exact_mut(dim.max(1)).map(normalize).collect()
            }
            Similarity::Dot => Vec::new(),
        };
        Self { dim, rows: embeddings, lengths }
    }

    /// Turns `gradient` by the prepared rows into that by the embeddings, both `(rows, dim)`.
    pub(super) fn backward(&self, gradient: &mut [f32]) {
        let width = self.dim.max(1);
        let rows = self.rows.par_chunks_exact(width).zip(&self.lengths);
        gradient.par_chunks_exact_mut(width).zip(rows).for_each(|(d, (row, &length))| {
            // Along the row nothing changes: a longer embedding has the same direction.
            let along = match length {
                Length::Own(_) => dot(row, d),
                Length::Least => 0.0,
            };
            let inverse = 1.0 / length.value();
            for (d, &value) in d.iter_mut().zip(row) {
                *d = ((f64::from(*d) - along * f64::from(value)) * inverse) as f32;
            }
        });
    }
}

/// Scales `row` to length 1.
fn normalize(row: &mut [f32]) -> Length {
    let squares = dot(row, row);
    // A square that is not a number is kept, so that it shows in the value of the loss.
    let length = if squares <= TINY { Length::Least } else { Length::Own(squares.sqrt()) };
    let inverse = 1.0 / length.value();
    row.iter_mut().for_each(|value| *value = (f64::from(*value) * inverse) as f32);
    length
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}
