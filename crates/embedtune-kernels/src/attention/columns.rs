//! Blocks of columns of a matrix that several threads write at once.

use std::marker::PhantomData;

/// A row-major matrix whose column blocks belong to different threads.
pub(super) struct Columns<'a, E> {
    data: *mut E,
    rows: usize,
    width: usize,
    borrow: PhantomData<&'a mut [E]>,
}

// SAFETY: the data is borrowed mutably for the struct's lifetime, so whoever holds a share of the
// struct is alone with it; that shares do not meet is the contract of `gather` and `scatter`.
unsafe impl<E: Send> Sync for Columns<'_, E> {}

impl<'a, E: Copy + Default> Columns<'a, E> {
    pub(super) fn new(data: &'a mut [E], width: usize) -> Self {
        let rows = data.len().checked_div(width).unwrap_or(0);
        Self { data: data.as_mut_ptr(), rows, width, borrow: PhantomData }
    }

    /// Copies columns `column..column + dim` of the rows from `row` on to the rows of `to`, which
    /// are `width` wide and end with zeros.
    ///
    /// # Safety
    /// No other thread writes these values meanwhile.
    pub(super) unsafe fn gather(
        &self,
        row: usize,
        column: usize,
        dim: usize,
        to: &mut [E],
        width: usize,
    ) {
        self.check(row, column, to.len() / width, dim);
        for (number, to) in to.chunks_exact_mut(width).enumerate() {
            let (to, gap) = to.split_at_mut(dim);
            // SAFETY: `check` found the row's columns within the data; `to` is another buffer,
            // because the data is borrowed.
            unsafe {
                let from = self.data.add((row + number) * self.width + column);
                copy(from, to.as_mut_ptr(), dim);
            }
            gap.fill(E::default());
        }
    }

    /// Copies `from` `(rows, dim)` to columns `column..column + dim` of the rows from `row` on.
    ///
    /// # Safety
    /// No other thread reads or writes these values meanwhile.
    pub(super) unsafe fn scatter(&self, row: usize, column: usize, from: &[E], dim: usize) {
        self.check(row, column, from.len() / dim, dim);
        for (number, from) in from.chunks_exact(dim).enumerate() {
            // SAFETY: as in `gather`.
            unsafe {
                let to = self.data.add((row + number) * self.width + column);
                copy(from.as_ptr(), to, dim);
            }
        }
    }

    fn check(&self, row: usize, column: usize, rows: usize, dim: usize) {
        assert!(row + rows <= self.rows && column + dim <= self.width, "outside the matrix");
    }
}

/// [`std::ptr::copy_nonoverlapping`], for the usual sizes of a head without a call.
///
/// # Safety
/// As there.
#[inline(always)]
unsafe fn copy<E: Copy>(from: *const E, to: *mut E, dim: usize) {
    // SAFETY: as the caller's; in each branch it is `dim` values.
    unsafe {
        match dim {
            32 => std::ptr::copy_nonoverlapping(from, to, 32),
            64 => std::ptr::copy_nonoverlapping(from, to, 64),
            _ => std::ptr::copy_nonoverlapping(from, to, dim),
        }
    }
}
