//! What turns token vectors into one vector per text.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How the vectors of a text's tokens become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pooling {
    /// Mean over tokens.
    Mean,
    /// The first token (`[CLS]`).
    Cls,
    /// Largest value of each feature.
    Max,
    /// Sum over tokens divided by the square root of their number.
    MeanSqrtLen,
}

impl fmt::Display for Pooling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mean => "mean",
            Self::Cls => "cls",
            Self::Max => "max",
            Self::MeanSqrtLen => "mean_sqrt_len_tokens",
        })
    }
}

/// Activation of a [`Dense`] step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenseActivation {
    /// None.
    Identity,
    /// Hyperbolic tangent.
    Tanh,
}

/// A trained projection of the pooled vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dense {
    /// Directory of the module inside the model, e.g. `2_Dense`; prefix of its weights' names.
    pub module: String,
    /// Values in.
    pub in_features: usize,
    /// Values out.
    pub out_features: usize,
    /// Whether a bias is added.
    pub bias: bool,
    /// Applied last.
    pub activation: DenseActivation,
}

impl Dense {
    /// Name of the weight, shape `(out_features, in_features)`.
    pub fn weight(&self) -> String {
        format!("{}.linear.weight", self.module)
    }

    /// Name of the bias, shape `(out_features)`.
    pub fn bias(&self) -> String {
        format!("{}.linear.bias", self.module)
    }
}

/// A step after pooling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeadStep {
    /// Projection.
    Dense(Dense),
    /// Scaling to length 1.
    Normalize,
}

/// Pooling and what follows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// How token vectors become one.
    pub pooling: Pooling,
    /// Whether the tokens of a prompt take part in pooling.
    pub include_prompt: bool,
    /// Steps after pooling, in order.
    pub steps: Vec<HeadStep>,
}

impl Head {
    /// Whether embeddings have length 1.
    pub fn normalizes(&self) -> bool {
        self.steps.last() == Some(&HeadStep::Normalize)
    }

    /// Values in an embedding when tokens have `hidden_size`.
    pub fn dim(&self, hidden_size: usize) -> usize {
        self.steps.iter().fold(hidden_size, |dim, step| match step {
            HeadStep::Dense(dense) => dense.out_features,
            HeadStep::Normalize => dim,
        })
    }
}
