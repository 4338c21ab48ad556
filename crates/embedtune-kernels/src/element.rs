//! The number formats of operands: f32 and bfloat16.

#[cfg(target_arch = "x86_64")]
mod avx512;

use crate::{
    multiversion::multiversion,
    scratch::{Elements, sized},
};

/// A number with the exponent of an f32 and 8 bits of precision (bfloat16): the upper half of an
/// f32. Two are equal if their bits are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(transparent)]
pub struct Bf16(u16);

impl Bf16 {
    /// The number with these bits.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The bits of the number.
    pub const fn to_bits(self) -> u16 {
        self.0
    }
}

/// Values that are packed in units of 32 bits, which is what one step of a product consumes.
pub(crate) trait Unit: Copy + Default + Send + Sync + 'static {
    /// Values in a unit.
    const PER_UNIT: usize;

    /// The value as the lowest bits of a unit.
    fn bits(self) -> u32;

    /// The values as they lie in memory.
    fn bytes(values: &[Self]) -> &[u8];
}

/// Implements [`Unit`] for a number without padding, of which all bits are initialized.
macro_rules! unit {
    ($type:ty, $per_unit:literal, $value:ident => $bits:expr) => {
        impl Unit for $type {
            const PER_UNIT: usize = $per_unit;

            #[inline(always)]
            fn bits(self) -> u32 {
                let $value = self;
                $bits
            }

            fn bytes(values: &[Self]) -> &[u8] {
                // SAFETY: a number of this type is that many initialized bytes without padding.
                unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
            }
        }
    };
}

unit!(f32, 1, value => value.to_bits());
unit!(Bf16, 2, value => u32::from(value.0));
unit!(u8, 4, value => u32::from(value));
unit!(i8, 4, value => u32::from(value as u8));

/// Units as they lie in memory.
pub(crate) fn bytes(units: &[u32]) -> &[u8] {
    // SAFETY: as for a unit's values.
    unsafe { std::slice::from_raw_parts(units.as_ptr().cast(), size_of_val(units)) }
}

/// A format of operands: [`f32`], or [`Bf16`] with 8 bits of precision. Sums are f32 in both. Rounding
/// to bf16 moves a value by at most 2⁻⁸ of its size.
#[allow(private_bounds)] // Sealed: the products know these two.
pub trait Element: Unit {
    /// The product's instruction.
    #[doc(hidden)]
    const KIND: Kind;

    /// The buffer of this format.
    #[doc(hidden)]
    fn buffer(elements: &mut Elements) -> &mut Vec<Self>;

    /// The nearest value, ties to even; NaN stays NaN.
    fn of(value: f32) -> Self;

    /// The value, exactly.
    fn get(self) -> f32;

    /// The values in this format: themselves if they are, else rounded to `buffer` as by
    /// [`round_to`].
    fn rounded<'a>(values: &'a [f32], buffer: &'a mut Vec<Self>) -> &'a [Self];
}

/// What a unit holds.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    F32,
    Bf16,
}

impl Element for f32 {
    const KIND: Kind = Kind::F32;

    fn buffer(elements: &mut Elements) -> &mut Vec<Self> {
        &mut elements.f32
    }

    #[inline(always)]
    fn of(value: f32) -> Self {
        value
    }

    #[inline(always)]
    fn get(self) -> f32 {
        self
    }

    fn rounded<'a>(values: &'a [f32], _: &'a mut Vec<f32>) -> &'a [f32] {
        values
    }
}

impl Element for Bf16 {
    const KIND: Kind = Kind::Bf16;

    fn buffer(elements: &mut Elements) -> &mut Vec<Self> {
        &mut elements.bf16
    }

    #[inline(always)]
    fn of(value: f32) -> Self {
        let bits = value.to_bits();
        // Half of the last place that stays, less one unless that place is odd: ties to even.
        let rounded = bits.wrapping_add(0x7FFF + ((bits >> 16) & 1));
        // A NaN must not lose its bits to the cut, nor carry over into infinity.
        let kept = if value.is_nan() { bits | 0x0040_0000 } else { rounded };
        Self((kept >> 16) as u16)
    }

    #[inline(always)]
    fn get(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }

    fn rounded<'a>(values: &'a [f32], buffer: &'a mut Vec<Self>) -> &'a [Self] {
        let rounded = sized(buffer, values.len());
        round_to(values, rounded);
        rounded
    }
}

/// Rounds `values` `(n)` to the format of `out` `(n)`. To bf16, a number below 2⁻¹²⁶ may become 0: what
/// a processor with the instruction makes of it.
///
/// # Panics
/// If lengths differ.
pub fn round_to<A: Element, B: Element>(values: &[A], out: &mut [B]) {
    assert_eq!(values.len(), out.len(), "input and output differ in length");
    #[cfg(target_arch = "x86_64")]
    if (A::KIND, B::KIND) == (Kind::F32, Kind::Bf16) && crate::CpuFeatures::get().avx512_bf16 {
        // SAFETY: the two formats are what their kinds say, f32 and bf16, and lengths are the same;
        // the processor has AVX-512 BF16.
        return unsafe {
            avx512::round(values.as_ptr().cast(), out.as_mut_ptr().cast(), values.len());
        };
    }
    portable(values, out);
}

multiversion! {
    fn portable<A: Element, B: Element>(values: &[A], out: &mut [B]) {
        for (out, value) in out.iter_mut().zip(values) {
            *out = B::of(value.get());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cpu::forced;

    #[test]
    fn special_values_stay() {
        for value in [0.0, -0.0, 1.0, -2.5, f32::INFINITY, f32::NEG_INFINITY] {
            assert_eq!(Bf16::of(value).get().to_bits(), value.to_bits());
        }
        // A NaN whose payload lies in the lower half, and one whose rounding would carry.
        for bits in [0x7F80_0001, 0x7FFF_FFFF, 0xFF80_0001] {
            assert!(Bf16::of(f32::from_bits(bits)).get().is_nan());
        }
        assert_eq!(Bf16::of(f32::MAX).get(), f32::INFINITY);
    }

    #[test]
    fn ties_go_to_even() {
        for (bits, expected) in [(0x3F80_8000, 0x3F80), (0x3F81_8000, 0x3F82)] {
            assert_eq!(Bf16::of(f32::from_bits(bits)).to_bits(), expected);
        }
    }

    proptest! {
        #[test]
        fn no_neighbour_is_nearer(value in -1e30f32..1e30) {
            let rounded = Bf16::of(value);
            let off = |bits: u16| (f64::from(Bf16(bits).get()) - f64::from(value)).abs();
            prop_assert!(off(rounded.0) <= off(rounded.0.wrapping_add(1)));
            prop_assert!(off(rounded.0) <= off(rounded.0.wrapping_sub(1)));
        }

        #[test]
        fn slices_round_as_values(values in prop::collection::vec(any::<u32>(), 0..150)) {
            let values: Vec<f32> = values.into_iter().map(f32::from_bits).collect();
            for (name, features) in forced::levels() {
                let out = forced::on(features, || {
                    let mut out = vec![Bf16::default(); values.len()];
                    round_to(&values, &mut out);
                    out
                });
                for (&value, &got) in values.iter().zip(&out) {
                    let flushed = value.is_subnormal() && got.get() == 0.0;
                    prop_assert!(flushed || got == Bf16::of(value), "{}: {}", name, value);
                }
            }
        }
    }
}
