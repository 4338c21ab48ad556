//! The innermost step of every product: 14 rows times 32 columns, summed in registers.
//!
//! Both operands come packed in units of 32 bits (one f32, two bf16 or four 8-bit values along the
//! summed dimension): the left one as `(units, 14)`, so that a unit can be broadcast, the right one
//! as `(units, 32)`, which is two AVX-512 registers. 14 × 2 accumulators, the two registers and a
//! broadcast fill the register file, and each loaded byte is used often enough that the
//! multipliers, not the caches, set the speed.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use crate::{Update, element::Kind};

/// Rows of a tile.
pub(crate) const MR: usize = 14;

/// Columns of a tile.
pub(crate) const NR: usize = 32;

/// Where a tile's results go: `rows × columns` (at most 14 × 32) values of `data`, rows `stride`
/// apart.
pub(crate) struct Out<'a> {
    pub(crate) data: &'a mut [f32],
    pub(crate) stride: usize,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) update: Update,
}

/// Operands of a tile: `units × 14` and `units × 32`.
#[derive(Clone, Copy)]
pub(crate) struct Operands<'a> {
    pub(crate) units: usize,
    pub(crate) left: &'a [u32],
    pub(crate) right: &'a [u32],
}

impl Operands<'_> {
    fn check(&self) {
        assert!(
            self.left.len() / MR >= self.units && self.right.len() / NR >= self.units,
            "operands of another length"
        );
    }
}

impl Out<'_> {
    fn check(&self) {
        assert!(self.rows <= MR && self.columns <= NR, "a tile of at most {MR} × {NR}");
        if self.rows > 0 {
            let end = (self.rows - 1).saturating_mul(self.stride).saturating_add(self.columns);
            assert!(end <= self.data.len(), "results beyond their slice");
        }
    }

    /// Writes results that lie in memory.
    fn store(&mut self, tile: &[f32; MR * NR]) {
        for (row, values) in tile.chunks_exact(NR).take(self.rows).enumerate() {
            let out = &mut self.data[row * self.stride..][..self.columns];
            match self.update {
                Update::Overwrite => out.copy_from_slice(&values[..self.columns]),
                Update::Add => out.iter_mut().zip(values).for_each(|(out, value)| *out += value),
            }
        }
    }
}

/// `out = left · right`, or adds to it.
pub(crate) fn tile(kind: Kind, operands: Operands<'_>, mut out: Out<'_>) {
    operands.check();
    out.check();
    #[cfg(target_arch = "x86_64")]
    {
        let cpu = crate::CpuFeatures::get();
        match kind {
            // SAFETY: the processor has AVX-512F; lengths were checked above.
            Kind::F32 if cpu.avx512_full => return unsafe { avx512::f32(operands, out) },
            // SAFETY: the processor has AVX-512 BF16; lengths were checked above.
            Kind::Bf16 if cpu.avx512_bf16 => return unsafe { avx512::bf16(operands, out) },
            _ if cpu.avx2_fma => {
                let mut tile = [0.0; MR * NR];
                // SAFETY: the processor has AVX2 and FMA; lengths were checked above.
                unsafe { avx2::tile(kind, operands, &mut tile) };
                return out.store(&tile);
            }
            _ => {}
        }
    }
    let mut tile = [0.0; MR * NR];
    portable::tile(kind, operands, &mut tile);
    out.store(&tile);
}

/// Exact sums `left · right` of unsigned times signed 8-bit values.
pub(crate) fn tile_int8(operands: Operands<'_>, out: &mut [i32; MR * NR]) {
    operands.check();
    #[cfg(target_arch = "x86_64")]
    if crate::CpuFeatures::get().avx512_vnni {
        // SAFETY: the processor has AVX-512 VNNI; lengths were checked above.
        return unsafe { avx512::int8(operands, out) };
    }
    portable::int8(operands, out);
}

#[cfg(test)]
mod tests;
