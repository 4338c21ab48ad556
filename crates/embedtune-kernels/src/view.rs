//! Matrix products over parts of larger buffers: blocks, transposes, sums onto the result.

use gemm::Parallelism;

use crate::Threads;

/// A matrix inside a slice: row `i`, column `j` is at `i · row_stride + j · column_stride`.
#[derive(Debug, Clone, Copy)]
pub struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

/// A row-major matrix inside a slice that is written to.
#[derive(Debug)]
pub struct MatrixMut<'a> {
    data: &'a mut [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
}

/// Whether a matrix of rows `stride` apart lies within `len` values, and its stride can be a signed
/// offset.
fn fits(len: usize, rows: usize, columns: usize, stride: usize) -> bool {
    if rows == 0 || columns == 0 {
        return true;
    }
    let last = (rows - 1).checked_mul(stride).and_then(|start| start.checked_add(columns));
    columns <= stride && isize::try_from(stride).is_ok() && last.is_some_and(|end| end <= len)
}

impl<'a> Matrix<'a> {
    /// `(rows, columns)`, row-major, the whole of `data`.
    ///
    /// # Panics
    /// If `data` has another length.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert!(
            rows.checked_mul(columns) == Some(data.len()),
            "({rows}, {columns}) does not fit {} values",
            data.len()
        );
        Self::strided(data, rows, columns, columns)
    }

    /// `(rows, columns)` at the start of `data`, rows `row_stride` values apart.
    ///
    /// # Panics
    /// If it reaches beyond `data`, or rows overlap.
    pub fn strided(data: &'a [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(
            fits(data.len(), rows, columns, row_stride),
            "({rows}, {columns}) with rows {row_stride} apart does not fit {} values",
            data.len()
        );
        Self { data, rows, columns, row_stride, column_stride: 1 }
    }

    /// `(rows, columns)`.
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    pub(crate) fn at(&self, row: usize, column: usize) -> f32 {
        self.data[row * self.row_stride + column * self.column_stride]
    }

    /// The transposed matrix, without a copy.
    #[must_use]
    pub fn t(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}

impl<'a> MatrixMut<'a> {
    /// `(rows, columns)`, row-major, the whole of `data`.
    ///
    /// # Panics
    /// If `data` has another length.
    pub fn new(data: &'a mut [f32], rows: usize, columns: usize) -> Self {
        assert!(
            rows.checked_mul(columns) == Some(data.len()),
            "({rows}, {columns}) does not fit {} values",
            data.len()
        );
        Self::strided(data, rows, columns, columns)
    }

    /// `(rows, columns)` at the start of `data`, rows `row_stride` values apart.
    ///
    /// # Panics
    /// If it reaches beyond `data`, or rows overlap.
    pub fn strided(data: &'a mut [f32], rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(
            fits(data.len(), rows, columns, row_stride),
            "({rows}, {columns}) with rows {row_stride} apart does not fit {} values",
            data.len()
        );
        Self { data, rows, columns, row_stride }
    }

    /// `(rows, columns)`.
    pub fn shape(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    pub(crate) fn at_mut(&mut self, row: usize, column: usize) -> &mut f32 {
        &mut self.data[row * self.row_stride + column]
    }
}

/// What a product does with the values that its result held before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Update {
    /// Replaces them.
    Overwrite,
    /// Adds to them.
    Add,
}

/// `c = a · b` or `c += a · b`, with `a` `(m, k)`, `b` `(k, n)`, `c` `(m, n)`.
///
/// Each result is off by at most `k · 2⁻²³ · Σ |aᵢ·bᵢ|`, as for [`matmul`](crate::matmul); a sum
/// onto `c` by 2⁻²³ of its size more. Values of `c`'s slice between its rows stay as they are. The
/// same bits for any number of threads.
///
/// # Panics
/// If the shapes do not fit together.
pub fn product(a: Matrix<'_>, b: Matrix<'_>, c: MatrixMut<'_>, update: Update, threads: Threads) {
    assert_eq!(a.columns, b.rows, "columns of the left are not the rows of the right matrix");
    assert_eq!((a.rows, b.columns), (c.rows, c.columns), "the result has another shape");
    if c.rows == 0 || c.columns == 0 {
        return;
    }
    if a.columns == 0 {
        if update == Update::Overwrite {
            for row in c.data.chunks_mut(c.row_stride).take(c.rows) {
                row[..c.columns].fill(0.0);
            }
        }
        return;
    }
    let parallelism = match threads {
        Threads::One => Parallelism::None,
        Threads::All => Parallelism::Rayon(0),
    };
    let stride = |length: usize| isize::try_from(length).expect("a slice is at most isize::MAX");
    // SAFETY: each view was checked at its making to lie within its slice, shapes fit together,
    // rows of `c` do not overlap, and `c` is borrowed mutably, so it overlaps neither operand.
    unsafe {
        gemm::gemm(
            c.rows,
            c.columns,
            a.columns,
            c.data.as_mut_ptr(),
            1,
            stride(c.row_stride),
            update == Update::Add,
            a.data.as_ptr(),
            stride(a.column_stride),
            stride(a.row_stride),
            b.data.as_ptr(),
            stride(b.column_stride),
            stride(b.row_stride),
            1.0f32,
            1.0f32,
            false,
            false,
            false,
            parallelism,
        );
    }
}
