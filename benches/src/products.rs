//! The matrix products of a MiniLM block, forward and backward, over a large batch.

use embedtune_kernels::{
    Bf16, CpuFeatures, Element, Matrix, MatrixMut, PackedColumns, PackedMatrix, QuantizedMatrix,
    QuantizedRows, Threads, Update, add_weight_gradients, multiply, multiply_int8, product,
    round_to,
};
use rayon::prelude::*;

use crate::values;

/// Tokens in the batch.
pub const TOKENS: usize = 8192;
/// Values of a token.
pub const HIDDEN: usize = 384;
/// Values between the two layers of the feed-forward part.
pub const INNER: usize = 1536;
/// Tokens that a thread takes at a time where products are packed: eight tiles.
const BLOCK: usize = 112;

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

/// A way to compute the products, on the threads of the rayon pool that it is called in.
pub trait Products: Send {
    /// The number format, as `--precision` names it, and which way if there are several.
    fn name(&self) -> &'static str;

    /// Whether training uses it, or encoding alone.
    fn trains(&self) -> bool;

    /// Gets ready for a case: packs weights, which is done once in a step.
    fn prepare(&mut self, case: Case);

    /// Computes the product that was prepared, once.
    fn run(&mut self);

    /// The result, at the front.
    fn result(&self) -> &[f32];
}

/// Every way that is fast on this processor. A format that is added to the kernels is added here,
/// and `ceiling` and the comparison with other libraries take it from there.
pub fn formats() -> Vec<Box<dyn Products>> {
    let mut formats: Vec<Box<dyn Products>> =
        vec![Box::new(Gemm::new()), Box::new(Packed::<f32>::new("f32 own"))];
    if CpuFeatures::get().avx512_bf16 {
        formats.push(Box::new(Packed::<Bf16>::new("bf16 own")));
    }
    if CpuFeatures::get().avx512_vnni {
        formats.push(Box::new(Int8::new()));
    }
    formats
}

/// A case to begin with.
const FIRST: Case = Case { pass: Pass::Forward, out: HIDDEN, inputs: HIDDEN, layers: 4 };

/// f32 by the `gemm` crate.
struct Gemm {
    case: Case,
    /// Larger than any operand; each takes what it needs from the front.
    left: Vec<f32>,
    right: Vec<f32>,
    result: Vec<f32>,
}

impl Gemm {
    fn new() -> Self {
        let largest = TOKENS * INNER;
        let (left, right) = (values(largest, 1), values(largest, 2));
        Self { case: FIRST, left, right, result: vec![0.0; largest] }
    }
}

impl Products for Gemm {
    fn name(&self) -> &'static str {
        "f32 gemm"
    }

    fn result(&self) -> &[f32] {
        &self.result
    }

    fn trains(&self) -> bool {
        true
    }

    fn prepare(&mut self, case: Case) {
        self.case = case;
        self.result.fill(0.0);
    }

    fn run(&mut self) {
        let Case { pass, out, inputs, .. } = self.case;
        let matrix = |data, rows, columns| Matrix::strided(data, rows, columns, columns);
        let (x, d) = (matrix(&self.left, TOKENS, inputs), matrix(&self.left, TOKENS, out));
        let weight = matrix(&self.right, out, inputs);
        let (left, right, rows, columns) = match pass {
            Pass::Forward => (x, weight.t(), TOKENS, out),
            Pass::InputGradient => (d, weight, TOKENS, inputs),
            Pass::WeightGradient => (d.t(), matrix(&self.right, TOKENS, inputs), out, inputs),
        };
        let update = if pass == Pass::WeightGradient { Update::Add } else { Update::Overwrite };
        let result = MatrixMut::strided(&mut self.result, rows, columns, columns);
        product(left, right, result, update, Threads::All);
    }
}

/// The packed products, as the CPU engine does them: weights are packed beforehand, rows are read as
/// they lie, a block a thread.
struct Packed<E> {
    name: &'static str,
    case: Case,
    /// Larger than any operand, as for [`Gemm`].
    left: Vec<E>,
    right: Vec<E>,
    weight: PackedMatrix<E>,
    columns: PackedColumns,
    result: Vec<f32>,
}

impl<E: Element> Packed<E> {
    fn new(name: &'static str) -> Self {
        let largest = TOKENS * INNER;
        let operand = |seed| {
            let mut rounded = vec![E::default(); largest];
            round_to(&values(largest, seed), &mut rounded);
            rounded
        };
        Self {
            name,
            case: FIRST,
            left: operand(1),
            right: operand(2),
            weight: PackedMatrix::default(),
            columns: PackedColumns::default(),
            result: vec![0.0; largest],
        }
    }
}

impl<E: Element> Products for Packed<E> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn result(&self) -> &[f32] {
        &self.result
    }

    fn trains(&self) -> bool {
        true
    }

    fn prepare(&mut self, case: Case) {
        let weight = values(case.out * case.inputs, 2);
        match case.pass {
            Pass::Forward => self.weight.pack_transposed(&[&weight], case.inputs),
            Pass::InputGradient => self.weight.pack(&[&weight], case.inputs),
            Pass::WeightGradient => {}
        }
        self.case = case;
        self.result.fill(0.0);
    }

    fn run(&mut self) {
        let Case { pass, out, inputs, .. } = self.case;
        let (k, n) = match pass {
            Pass::Forward => (inputs, out),
            Pass::InputGradient => (out, inputs),
            Pass::WeightGradient => {
                let (d, x) = (&self.left[..TOKENS * out], &self.right[..TOKENS * inputs]);
                let gradient = &mut self.result[..out * inputs];
                let gradients = &mut [(out, gradient)];
                return add_weight_gradients(d, x, TOKENS, gradients, &mut self.columns);
            }
        };
        let weight = &self.weight;
        let left = self.left[..TOKENS * k].par_chunks(BLOCK * k);
        let result = self.result[..TOKENS * n].par_chunks_mut(BLOCK * n);
        left.zip(result).for_each(|(left, result)| {
            multiply(left, weight, Update::Overwrite, result);
        });
    }
}

/// 8-bit integers: rows are quantized within the time.
struct Int8 {
    case: Case,
    left: Vec<f32>,
    weight: QuantizedMatrix,
    rows: Vec<QuantizedRows>,
    result: Vec<f32>,
}

impl Int8 {
    fn new() -> Self {
        let largest = TOKENS * INNER;
        Self {
            case: FIRST,
            left: values(largest, 1),
            weight: QuantizedMatrix::default(),
            rows: vec![QuantizedRows::default(); TOKENS.div_ceil(BLOCK)],
            result: vec![0.0; largest],
        }
    }
}

impl Products for Int8 {
    fn name(&self) -> &'static str {
        "int8 own"
    }

    fn result(&self) -> &[f32] {
        &self.result
    }

    fn trains(&self) -> bool {
        false
    }

    fn prepare(&mut self, case: Case) {
        let weight = values(case.out * case.inputs, 2);
        self.weight.pack_transposed(&[&weight], case.inputs);
        self.case = case;
        self.result.fill(0.0);
    }

    fn run(&mut self) {
        let Case { out, inputs, .. } = self.case;
        let weight = &self.weight;
        let left = self.left[..TOKENS * inputs].par_chunks(BLOCK * inputs);
        let result = self.result[..TOKENS * out].par_chunks_mut(BLOCK * out);
        left.zip(result).zip(&mut self.rows).for_each(|((left, result), rows)| {
            rows.pack(left, inputs);
            multiply_int8(rows, weight, result);
        });
    }
}

#[cfg(test)]
mod tests {
    use embedtune_testkit::Tolerance;

    use super::*;

    #[test]
    fn every_way_computes_the_same_products() {
        let mut gemm = Gemm::new();
        for case in Case::all().into_iter().filter(|case| case.out == case.inputs) {
            gemm.prepare(case);
            gemm.run();
            let rows = if case.pass == Pass::WeightGradient { case.out } else { TOKENS };
            let expected = &gemm.result()[..rows * case.inputs];
            for mut way in formats() {
                if case.pass != Pass::Forward && !way.trains() {
                    continue;
                }
                way.prepare(case);
                way.run();
                let tolerance = if way.name().starts_with("f32") { 1e-5 } else { 0.02 };
                let got = &way.result()[..expected.len()];
                embedtune_testkit::assert_close(got, expected, Tolerance::relative(tolerance));
            }
        }
    }
}
