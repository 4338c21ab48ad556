//! Matrix products in f32, on the `gemm` crate.

use gemm::Parallelism;

/// Sizes of a product: `(m, k)` times `(k, n)` gives `(m, n)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MatmulShape {
    /// Rows of the left matrix and of the result.
    pub m: usize,
    /// Columns of the result.
    pub n: usize,
    /// Length of each sum.
    pub k: usize,
}

impl MatmulShape {
    pub(crate) fn check(self, a: &[f32], b: &[f32], c: &[f32]) {
        let Self { m, n, k } = self;
        let is = |slice: &[f32], rows: usize, columns: usize| {
            rows.checked_mul(columns) == Some(slice.len())
        };
        assert!(is(a, m, k), "left matrix has {} values, not {m} × {k}", a.len());
        assert!(is(b, n, k), "right matrix has {} values, not {n} × {k}", b.len());
        assert!(is(c, m, n), "result has {} values, not {m} × {n}", c.len());
    }
}

/// How many threads one product may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Threads {
    /// The calling thread: for callers that already run one product per core.
    One,
    /// Every thread of the current rayon pool. Small products stay on one thread all the same.
    #[default]
    All,
}

/// `c = a · b` for row-major `a` `(m, k)`, `b` `(k, n)`, `c` `(m, n)`; `c` is overwritten.
///
/// Each result is off by at most `k · 2⁻²³ · Σ |aᵢ·bᵢ|` (k roundings of 2⁻²⁴, doubled for the
/// order of the sum being free). Its last bits depend on the processor and on the shape.
///
/// # Panics
/// If a slice does not have the length that the shape asks for.
pub fn matmul(shape: MatmulShape, a: &[f32], b: &[f32], c: &mut [f32], threads: Threads) {
    shape.check(a, b, c);
    product(shape, a, b, (1, shape.n), c, threads);
}

/// `c = a · bᵀ` for row-major `a` `(m, k)`, `b` `(n, k)`, `c` `(m, n)`; `c` is overwritten. This is
/// the product of queries with documents, both one vector a row.
///
/// Each result is off by at most `k · 2⁻²³ · Σ |aᵢ·bᵢ|`, as for [`matmul`].
///
/// # Panics
/// If a slice does not have the length that the shape asks for.
pub fn matmul_nt(shape: MatmulShape, a: &[f32], b: &[f32], c: &mut [f32], threads: Threads) {
    shape.check(a, b, c);
    product(shape, a, b, (shape.k, 1), c, threads);
}

/// The product with the right matrix `(k, n)` read by `(column stride, row stride)`. The caller has
/// checked that each slice holds exactly its matrix.
fn product(
    MatmulShape { m, n, k }: MatmulShape,
    a: &[f32],
    b: &[f32],
    (b_column, b_row): (usize, usize),
    c: &mut [f32],
    threads: Threads,
) {
    if k == 0 {
        c.fill(0.0);
        return;
    }
    let parallelism = match threads {
        Threads::One => Parallelism::None,
        // 0 stands for the size of the pool.
        Threads::All => Parallelism::Rayon(0),
    };
    let stride = |length: usize| isize::try_from(length).expect("a slice is at most isize::MAX");
    // SAFETY: `check` found `a`, `b` and `c` to be of m·k, n·k and m·n values, and the strides of
    // row-major matrices (for `b`, of one or of its transpose) reach each of these and no other.
    // `c` is borrowed mutably, so it overlaps neither operand; `read_dst = false` makes alpha idle.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            stride(n),
            false,
            a.as_ptr(),
            1,
            stride(k),
            b.as_ptr(),
            stride(b_column),
            stride(b_row),
            0.0f32,
            1.0f32,
            false,
            false,
            false,
            parallelism,
        );
    }
}
