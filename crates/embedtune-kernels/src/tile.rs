//! The innermost step of every product: 14 rows times 32 columns, summed in registers.
//!
//! Both operands are read in units of 32 bits (one f32, two bf16 or four 8-bit values along the
//! summed dimension): one of the left operand is broadcast, from its rows as they lie in memory or
//! from a panel `(units, 14)`; the right one comes packed as `(units, 32)`, which is two AVX-512
//! registers. 14 × 2 accumulators, the two registers and a broadcast fill the register file, and each
//! loaded byte is used often enough that the multipliers, not the caches, set the speed.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use crate::{
    Update,
    element::{Kind, Unit, bytes},
};

/// Rows of a tile.
pub(crate) const MR: usize = 14;

/// Columns of a tile.
pub(crate) const NR: usize = 32;

/// Where a tile's results go: `rows × columns` (at most 14 × 32) values of `data`, rows `stride`
/// apart; the rows are those of the left operand.
pub(crate) struct Out<'a> {
    pub(crate) data: &'a mut [f32],
    pub(crate) stride: usize,
    pub(crate) columns: usize,
    pub(crate) update: Update,
}

/// Operands of a tile: units of the left one's rows, and `units × 32`.
#[derive(Clone, Copy)]
pub(crate) struct Operands<'a> {
    pub(crate) units: usize,
    pub(crate) left: Left<'a>,
    pub(crate) right: &'a [u32],
}

/// At most 14 rows of units: rows of a matrix as they lie in memory, or a panel `(units, 14)`. Units
/// are broadcast from either at the same speed, so only what is summed down a column is packed.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    data: &'a [u8],
    rows: usize,
    layout: Layout,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Bytes between the starts of rows; a row's units follow each other.
    Rows {
        stride: usize,
    },
    Panel,
}

/// Bytes of a unit.
const UNIT: usize = 4;

// Two values of a row are a unit whose lower half is the first.
const _: () = assert!(cfg!(target_endian = "little"), "big-endian processors are not supported");

impl<'a> Left<'a> {
    /// The first `rows` rows of `values`, `stride` values apart. A unit that begins in a row and
    /// ends beyond it needs values there, which meet a 0 of the right operand: finite ones.
    pub(crate) fn rows<T: Unit>(values: &'a [T], stride: usize, rows: usize) -> Self {
        assert!((1..=MR).contains(&rows), "a tile of 1 to {MR} rows");
        let data = T::bytes(values);
        Self { data, rows, layout: Layout::Rows { stride: stride * size_of::<T>() } }
    }

    /// The first `rows` rows of a panel.
    pub(crate) fn panel(units: &'a [u32], rows: usize) -> Self {
        assert!((1..=MR).contains(&rows), "a tile of 1 to {MR} rows");
        Self { data: bytes(units), rows, layout: Layout::Panel }
    }

    /// First byte of a row that may be read in place of row `row`, and bytes from unit to unit.
    #[inline(always)]
    fn place(&self, row: usize) -> (usize, usize) {
        match self.layout {
            Layout::Rows { stride } => (row.min(self.rows - 1) * stride, UNIT),
            Layout::Panel => (row * UNIT, MR * UNIT),
        }
    }

    /// Whether `units` units of each row lie within the data.
    fn holds(&self, units: usize) -> bool {
        let (start, step) = self.place(MR - 1);
        let end = units
            .checked_sub(1)
            .map_or(Some(0), |last| last.checked_mul(step)?.checked_add(start)?.checked_add(UNIT));
        end.is_some_and(|end| end <= self.data.len())
    }

    fn get(&self, row: usize, unit: usize) -> u32 {
        let (start, step) = self.place(row);
        let at = &self.data[start + unit * step..][..UNIT];
        u32::from_le_bytes([at[0], at[1], at[2], at[3]])
    }
}

impl Operands<'_> {
    fn check(&self) {
        assert!(
            self.left.holds(self.units) && self.right.len() / NR >= self.units,
            "operands of another length"
        );
    }
}

impl Out<'_> {
    fn check(&self, rows: usize) {
        assert!(self.columns <= NR, "a tile of at most {MR} × {NR}");
        let end = (rows - 1).saturating_mul(self.stride).saturating_add(self.columns);
        assert!(end <= self.data.len(), "results beyond their slice");
    }

    /// Writes results that lie in memory.
    fn store(&mut self, tile: &[f32; MR * NR], rows: usize) {
        for (row, values) in tile.chunks_exact(NR).take(rows).enumerate() {
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
    out.check(operands.left.rows);
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
                return out.store(&tile, operands.left.rows);
            }
            _ => {}
        }
    }
    let mut tile = [0.0; MR * NR];
    portable::tile(kind, operands, &mut tile);
    out.store(&tile, operands.left.rows);
}

/// Exact sums `left · right` of unsigned times signed 8-bit values; those of rows that the left
/// operand does not have mean nothing.
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
