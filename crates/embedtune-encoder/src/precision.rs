//! The number format that an engine computes in.

use std::{fmt, str::FromStr};

use embedtune_kernels::CpuFeatures;
use serde::{Deserialize, Serialize};

/// The number format of matrix products. Weights, gradients, optimizer state, sums and norms are
/// f32 in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 32-bit floats: the default, and what other formats are measured against.
    #[default]
    F32,
    /// bfloat16 operands with f32 sums, as bf16 autocast does. Faster where the processor has
    /// `avx512_bf16`, and half the memory for activations everywhere.
    Bf16,
    /// 8-bit integers, for encoding only: weights scaled per output channel, activations per
    /// token as they come.
    Int8,
    /// [`Precision::Bf16`] where the processor has instructions for it, else
    /// [`Precision::F32`].
    Auto,
}

impl Precision {
    /// Every name, in the order of the variants.
    pub const NAMES: [&'static str; 4] = ["f32", "bf16", "int8", "auto"];

    /// What [`Precision::Auto`] stands for on this processor; the others stand for themselves.
    #[must_use]
    pub fn resolve(self) -> Self {
        match self {
            Self::Auto if CpuFeatures::get().avx512_bf16 => Self::Bf16,
            Self::Auto => Self::F32,
            other => other,
        }
    }

    /// `f32`, `bf16`, `int8` or `auto`.
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Precision {
    type Err = String;

    /// The reverse of [`Precision::name`].
    fn from_str(text: &str) -> Result<Self, String> {
        [Self::F32, Self::Bf16, Self::Int8, Self::Auto]
            .into_iter()
            .find(|precision| precision.name() == text)
            .ok_or_else(|| format!("`{text}` is no precision; expected {}", Self::NAMES.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for name in Precision::NAMES {
            assert_eq!(name.parse::<Precision>().unwrap().name(), name);
        }
        assert!("fp16".parse::<Precision>().unwrap_err().contains("f32, bf16, int8, auto"));
        assert_ne!(Precision::Auto.resolve(), Precision::Auto);
    }
}
