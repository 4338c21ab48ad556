//! The gradient of a linear layer's weight: a product that sums over tokens.

use rayon::prelude::*;

use crate::{
    Element, Update, pack,
    pack::{Block, units_of},
    packed::Units,
    scratch,
    tile::{Left, MR, NR, Operands, Out, tile},
};

/// Tokens that are packed and summed at a time. Fixed, because the order of sums follows it.
const STRIP: usize = 2048;

/// Tiles down a gradient that one task computes at most: their operands stay in a second-level cache
/// while those of the right side pass by.
const TASK_TILES: usize = 8;

/// Rows of a gradient of `out` rows that one task computes, so that threads get tasks of one size.
fn task_rows(out: usize) -> usize {
    let tiles = out.div_ceil(MR).max(1);
    let tasks = tiles.div_ceil(TASK_TILES).next_multiple_of(rayon::current_num_threads());
    tiles.div_ceil(tasks) * MR
}

/// A buffer of [`add_weight_gradients`], to be used again from call to call.
#[derive(Default)]
pub struct PackedColumns {
    panels: Units,
}

/// Adds `dᵢᵀ · input` to each of `gradients` `(outᵢ, inputs)`, where `d` `(tokens, Σ outᵢ)` is the
/// gradient of the outputs of linear layers that share their `input` `(tokens, inputs)`, side by
/// side. An empty gradient is skipped: its layer, whose width stands beside it, is not trained.
///
/// In parallel; sums go over strips of 2048 tokens in their order, so the same bits for any number
/// of threads. Each sum is off by at most `(tokens + 1) · 2⁻²³ · Σ |dᵢ·xᵢ|`, and for each strip by
/// 2⁻²³ of what it was added to. (In bf16, numbers below 2⁻¹²⁶ may count as 0.)
///
/// # Panics
/// If lengths do not fit together.
pub fn add_weight_gradients<E: Element>(
    d: &[E],
    input: &[E],
    tokens: usize,
    gradients: &mut [(usize, &mut [f32])],
    buffer: &mut PackedColumns,
) {
    let width: usize = gradients.iter().map(|(out, _)| out).sum();
    assert_eq!(d.len(), tokens * width, "gradients of another width");
    if tokens == 0 || width == 0 {
        return;
    }
    assert!(input.len().is_multiple_of(tokens), "input is no whole number of tokens");
    let inputs = input.len() / tokens;
    for (out, gradient) in &*gradients {
        let len = gradient.len();
        assert!(len == 0 || len == out * inputs, "a gradient of another shape");
    }
    if inputs == 0 {
        return;
    }
    for first in (0..tokens).step_by(STRIP) {
        let count = (tokens - first).min(STRIP);
        let units = units_of::<E>(count);
        let rows = &input[first * inputs..][..count * inputs];
        buffer.panels.resize(inputs.div_ceil(NR) * units * NR);
        let panels = buffer.panels.get_mut().par_chunks_exact_mut(units * NR);
        panels.enumerate().for_each(|(number, panel)| {
            let columns = (inputs - number * NR).min(NR);
            let block = Block::new(&rows[number * NR..], inputs, count, columns);
            pack::columns::<E, NR>(block, panel);
        });
        let strip = Strip { d: &d[first * width..][..count * width], width, count, inputs };
        let mut offset = 0;
        let tasks: Vec<(usize, &mut [f32])> = gradients
            .iter_mut()
            .flat_map(|(out, gradient)| {
                let start = offset;
                offset += *out;
                let rows = task_rows(*out);
                let parts = gradient.chunks_mut(rows * inputs).enumerate();
                parts.map(move |(part, gradient)| (start + part * rows, gradient))
            })
            .collect();
        let panels = buffer.panels.get();
        tasks.into_par_iter().for_each(|(first, rows)| strip.add(first, rows, panels));
    }
}

/// Some tokens' gradients of the outputs, `(count, width)`.
struct Strip<'a, E> {
    d: &'a [E],
    width: usize,
    count: usize,
    inputs: usize,
}

impl<E: Element> Strip<'_, E> {
    /// Adds to `gradient`, the rows of the gradient from output `first` on.
    fn add(&self, first: usize, gradient: &mut [f32], panels: &[u32]) {
        let units = units_of::<E>(self.count);
        let outputs = gradient.len() / self.inputs;
        scratch::with(|scratch| {
            let left = &mut scratch.units[0];
            left.resize(outputs.div_ceil(MR) * units * MR + 16);
            for row in (0..outputs).step_by(MR) {
                let columns = (outputs - row).min(MR);
                let block = Block::new(&self.d[first + row..], self.width, self.count, columns);
                pack::columns::<E, MR>(block, &mut left.get_mut()[row * units..]);
            }
            for (number, panel) in panels.chunks_exact(units * NR).enumerate() {
                let columns = self.inputs.saturating_sub(number * NR).min(NR);
                for row in (0..outputs).step_by(MR) {
                    let rows = (outputs - row).min(MR);
                    let left = Left::panel(&left.get()[row * units..], rows);
                    let data = &mut gradient[row * self.inputs + number * NR..];
                    let out = Out { data, stride: self.inputs, columns, update: Update::Add };
                    tile(E::KIND, Operands { units, left, right: panel }, out);
                }
            }
        });
    }
}
