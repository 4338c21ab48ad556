//! Tiles in plain Rust, for any processor.

use super::{MR, NR, Operands};
use crate::{element::Kind, multiversion::multiversion};

/// Values of a unit: one f32, or two bf16.
#[inline(always)]
fn values(kind: Kind, unit: u32) -> [f32; 2] {
    match kind {
        Kind::F32 => [f32::from_bits(unit), 0.0],
        Kind::Bf16 => [f32::from_bits(unit << 16), f32::from_bits(unit & 0xFFFF_0000)],
    }
}

pub(super) fn tile(kind: Kind, operands: Operands<'_>, out: &mut [f32; MR * NR]) {
    out.fill(0.0);
    let units = operands.right.chunks_exact(NR).take(operands.units);
    for (unit, right) in units.enumerate() {
        for (row, out) in out.chunks_exact_mut(NR).take(operands.left.rows).enumerate() {
            let left = values(kind, operands.left.get(row, unit));
            for (&right, out) in right.iter().zip(out) {
                let right = values(kind, right);
                *out += left[0] * right[0];
                if kind == Kind::Bf16 {
                    *out += left[1] * right[1];
                }
            }
        }
    }
}

multiversion! {
    pub(super) fn int8(operands: Operands<'_>, out: &mut [i32; MR * NR]) {
        out.fill(0);
        let units = operands.right.chunks_exact(NR).take(operands.units);
        for (unit, right) in units.enumerate() {
            for (row, out) in out.chunks_exact_mut(NR).take(operands.left.rows).enumerate() {
                let left = operands.left.get(row, unit);
                for (&right, out) in right.iter().zip(out) {
                    for byte in 0..4 {
                        let left = (left >> (8 * byte)) as u8;
                        let right = (right >> (8 * byte)) as u8 as i8;
                        *out += i32::from(left) * i32::from(right);
                    }
                }
            }
        }
    }
}
