//! Random numbers by position instead of by turn.

/// SplitMix64 (Steele, Lea and Flood, 2014) read at any position: the value at a position is the
/// same whoever asks for it and in which order, so samples do not depend on how work is divided.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CounterRng {
    seed: u64,
}

const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

impl CounterRng {
    /// A stream for `seed` and a `purpose`, so that two tests do not share their luck.
    pub(crate) fn new(seed: u64, purpose: u64) -> Self {
        Self { seed: mix(seed ^ mix(purpose.wrapping_add(GAMMA))) }
    }

    /// 64 uniform bits at `position`.
    pub(crate) fn at(self, position: u64) -> u64 {
        mix(self.seed.wrapping_add(position.wrapping_add(1).wrapping_mul(GAMMA)))
    }

    /// Two uniform indices below `bound` from one word; their bias is below `bound / 2^32`.
    pub(crate) fn two_indices_at(self, position: u64, bound: u32) -> [usize; 2] {
        let bits = self.at(position);
        let scale = |half: u64| ((half * u64::from(bound)) >> 32) as usize;
        [scale(bits & 0xFFFF_FFFF), scale(bits >> 32)]
    }

    /// A uniform number in `[0, 1)` at `position`.
    #[cfg(test)]
    pub(crate) fn unit_at(self, position: u64) -> f64 {
        (self.at(position) >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_purposes_are_independent() {
        let rng = CounterRng::new(42, 0);
        assert_eq!(rng.at(7), CounterRng::new(42, 0).at(7));
        assert_ne!(rng.at(7), rng.at(8));
        assert_ne!(rng.at(7), CounterRng::new(42, 1).at(7));
        assert_ne!(rng.at(7), CounterRng::new(43, 0).at(7));
    }

    #[test]
    fn indices_are_uniform() {
        let rng = CounterRng::new(1, 0);
        let mut counts = [0u32; 10];
        for position in 0..50_000 {
            for index in rng.two_indices_at(position, 10) {
                counts[index] += 1;
            }
        }
        // Five standard deviations of a binomial count.
        assert!(counts.iter().all(|&count| count.abs_diff(10_000) < 475), "{counts:?}");
    }
}
