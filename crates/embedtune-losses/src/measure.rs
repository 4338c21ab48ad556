//! How alike two embeddings are, and how far apart.

use candle_core::{D, Result, Tensor};
use serde::{Deserialize, Serialize};

use crate::{LossError, ops};

/// How alike two embeddings are: larger is closer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Similarity {
    /// Cosine of the angle between them, in `[-1, 1]`. Embeddings need not be normalized.
    #[default]
    Cosine,
    /// Dot product. Its range grows with the length of the vectors, so choose a temperature of
    /// about 1 unless they are normalized.
    Dot,
}

impl Similarity {
    /// Rows ready for [`similarities`], `(rows, dim)`.
    pub(crate) fn prepare(self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Cosine => ops::normalize(x),
            Self::Dot => Ok(x.clone()),
        }
    }
}

/// Similarity of each row of `a` to each of `b`, both from [`Similarity::prepare`]:
/// `(m, dim)`, `(n, dim)` → `(m, n)`.
pub(crate) fn similarities(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    a.matmul(&b.t()?)
}

/// How far apart two embeddings are: smaller is closer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distance {
    /// 1 − cosine, in `[0, 2]`.
    #[default]
    Cosine,
    /// Length of the difference; at most 2 between normalized embeddings.
    Euclidean,
    /// Sum of the absolute differences; at most `2 sqrt(dim)` between normalized embeddings.
    Manhattan,
}

impl Distance {
    /// Distance of each row of `a` to the same row of `b`: `(n, dim)` twice → `(n)`.
    pub(crate) fn between(self, a: &Tensor, b: &Tensor) -> Result<Tensor> {
        match self {
            Self::Cosine => {
                let cosine = (ops::normalize(a)? * ops::normalize(b)?)?.sum(D::Minus1)?;
                1.0 - cosine
            }
            Self::Euclidean => ops::length(&(a - b)?)?.squeeze(D::Minus1),
            Self::Manhattan => ops::abs(&(a - b)?)?.sum(D::Minus1),
        }
    }
}

/// Checks a margin between distances.
pub(crate) fn check_margin(margin: f64) -> std::result::Result<(), LossError> {
    if margin.is_finite() && margin >= 0.0 {
        return Ok(());
    }
    Err(LossError::Config { name: "margin", value: margin, expected: "at least 0" })
}
