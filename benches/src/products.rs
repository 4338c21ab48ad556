//! The matrix products of a MiniLM block, forward and backward, over a large batch.

use embedtune_kernels::{Matrix, MatrixMut, Threads, Update, product};

use crate::values;

/// Tokens in the batch.
pub const TOKENS: usize = 8192;
/// Values of a token.
pub const HIDDEN: usize = 384;
/// Values between the two layers of the feed-forward part.
pub const INNER: usize = 1536;

/// Which product of a linear layer `y = x · wᵀ` with `w` `(out, inputs)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// `y = x · wᵀ`.
    Forward,
    /// `dx = dy · w`.
    InputGradient,
    /// `dw += dyᵀ · x`.
    WeightGradient,
}

impl Pass {
    /// Every pass of a training step.
    pub const ALL: [Self; 3] = [Self::Forward, Self::InputGradient, Self::WeightGradient];

    /// Name for reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::InputGradient => "input gradient",
            Self::WeightGradient => "weight gradient",
        }
    }
}

/// One product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Case {
    /// Which of the layer's products.
    pub pass: Pass,
    /// Rows of the weight.
    pub out: usize,
    /// Columns of the weight.
    pub inputs: usize,
    /// Layers of this shape in a block.
    pub layers: usize,
}

impl Case {
    /// Every product of a training step.
    pub fn all() -> Vec<Self> {
        let shapes = [(HIDDEN, HIDDEN, 4), (INNER, HIDDEN, 1), (HIDDEN, INNER, 1)];
        let cases = shapes
            .map(|(out, inputs, layers)| Pass::ALL.map(|pass| Self { pass, out, inputs, layers }));
        cases.concat()
    }

    /// Floating-point operations of the product.
    pub fn flops(self) -> u64 {
        2 * (TOKENS * self.out * self.inputs) as u64
    }
}

/// A way to compute the products.
pub trait Products {
    /// The number format, as `--precision` names it.
    fn format(&self) -> &'static str;

    /// Whether training uses it, or encoding alone.
    fn trains(&self) -> bool;

    /// Computes one product once.
    fn run(&mut self, case: Case, threads: Threads);
}

/// Every way that this processor has. A format that is added to the kernels is added here, and
/// `ceiling` and the comparison with other libraries take it from there.
pub fn formats() -> Vec<Box<dyn Products>> {
    vec![Box::new(F32::default())]
}

/// 32-bit floats.
struct F32 {
    /// Larger than any operand; each takes what it needs from the front.
    left: Vec<f32>,
    right: Vec<f32>,
    result: Vec<f32>,
}

impl Default for F32 {
    fn default() -> Self {
        let largest = TOKENS * INNER;
        Self { left: values(largest, 1), right: values(largest, 2), result: vec![0.0; largest] }
    }
}

impl Products for F32 {
    fn format(&self) -> &'static str {
        "f32"
    }

    fn trains(&self) -> bool {
        true
    }

    fn run(&mut self, Case { pass, out, inputs, .. }: Case, threads: Threads) {
        let matrix = |data, rows, columns| Matrix::strided(data, rows, columns, columns);
        let (rows, columns) = match pass {
            Pass::Forward => (TOKENS, out),
            Pass::InputGradient => (TOKENS, inputs),
            Pass::WeightGradient => (out, inputs),
        };
        let (left, right, update) = match pass {
            Pass::Forward => {
                let (x, weight) =
                    (matrix(&self.left, TOKENS, inputs), matrix(&self.right, out, inputs));
                (x, weight.t(), Update::Overwrite)
            }
            Pass::InputGradient => {
                let (d, weight) =
                    (matrix(&self.left, TOKENS, out), matrix(&self.right, out, inputs));
                (d, weight, Update::Overwrite)
            }
            Pass::WeightGradient => {
                let (d, x) = (matrix(&self.left, TOKENS, out), matrix(&self.right, TOKENS, inputs));
                (d.t(), x, Update::Add)
            }
        };
        let result = MatrixMut::strided(&mut self.result, rows, columns, columns);
        product(left, right, result, update, threads);
    }
}
