//! Buffers that a thread uses again from call to call.

use std::cell::RefCell;

use crate::{Bf16, packed::Units};

/// Buffers of one thread. Every kernel that takes them writes what it reads.
#[derive(Default)]
pub(crate) struct Scratch {
    /// Packed operands.
    pub(crate) units: [Units; 6],
    /// Results that are not operands yet.
    pub(crate) values: [Vec<f32>; 3],
    /// Values in the format of operands.
    pub(crate) elements: Elements,
}

/// A buffer for each format of operands.
#[doc(hidden)]
#[derive(Default)]
pub struct Elements {
    pub(crate) f32: Vec<f32>,
    pub(crate) bf16: Vec<Bf16>,
}

/// Runs `work` with the buffers of this thread, which must not ask for them again within: `work`
/// starts nothing in parallel, because a thread that waits takes up other tasks.
pub(crate) fn with<T>(work: impl FnOnce(&mut Scratch) -> T) -> T {
    thread_local! {
        static SCRATCH: RefCell<Scratch> = RefCell::default();
    }
    SCRATCH.with_borrow_mut(work)
}

/// The first `len` values of a buffer, which grows if need be.
pub(crate) fn sized<T: Copy + Default>(values: &mut Vec<T>, len: usize) -> &mut [T] {
    if values.len() < len {
        values.resize(len, T::default());
    }
    &mut values[..len]
}
