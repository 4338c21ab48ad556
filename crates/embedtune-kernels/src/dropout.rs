//! Dropout masks from a counter.

use crate::multiversion::multiversion;

/// Dropout of one row of values: decides by the number of a feature whether it is dropped, from a
/// 64-bit key. The same key gives the same decisions, on every processor and in any order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DropoutMask {
    low: u32,
    high: u32,
    threshold: u32,
    scale: f32,
}

impl DropoutMask {
    /// The mask of `key` that drops a share `rate` (from 0 to below 1) of the features.
    ///
    /// All 64 bits of the key count, and they must be mixed, as those of a hash are: masks of keys
    /// that differ in one bit are not independent.
    pub fn new(key: u64, rate: f32) -> Self {
        Self {
            low: key as u32,
            high: (key >> 32) as u32,
            threshold: (f64::from(rate) * 2f64.powi(32)) as u32,
            scale: 1.0 / (1.0 - rate),
        }
    }

    /// Factor of `feature`: 0 if it is dropped, else `1 / (1 - rate)`.
    #[inline(always)]
    pub fn factor(&self, feature: u32) -> f32 {
        if mix(feature, self.low, self.high) < self.threshold { 0.0 } else { self.scale }
    }

    /// Multiplies `row`, whose first value is feature number `first`, by its factors.
    pub fn apply(&self, first: u32, row: &mut [f32]) {
        apply(self, first, row);
    }
}

multiversion! {
    fn apply(mask: &DropoutMask, first: u32, row: &mut [f32]) {
        for (feature, value) in (first..).zip(row) {
            *value *= mask.factor(feature);
        }
    }
}

/// A 32-bit mixer (multipliers of Wellons' `lowbias32`), keyed twice; 32-bit steps only, so that
/// sixteen features fit one AVX-512 register.
#[inline(always)]
fn mix(feature: u32, low: u32, high: u32) -> u32 {
    let mut x = feature.wrapping_mul(0x9E37_79B9) ^ low;
    x = (x ^ (x >> 16)).wrapping_mul(0x7FEB_352D);
    x ^= high;
    x = (x ^ (x >> 15)).wrapping_mul(0x846C_A68B);
    x ^ (x >> 16)
}
