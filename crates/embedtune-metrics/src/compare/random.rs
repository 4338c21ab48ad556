//! Random numbers by position instead of by turn.

/// SplitMix64 (Steele, Lea and Flood, 2014) read at any position: the value at a position is the
/// same whoever asks for it and in which order, so samples do not depend on how work is divided.
#[derive(Debug, Clone, Copy)]
pub(super) struct CounterRng {
    seed: u64,
}

const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

impl CounterRng {
    /// A stream for `seed` and a `purpose`, so that two tests do not share their luck.
    pub(super) fn new(seed: u64, purpose: u64) -> Self {
        Self { seed: mix(seed ^ mix(purpose.wrapping_add(GAMMA))) }
    }

    /// 64 uniform bits at `position`.
    pub(super) fn at(self, position: u64) -> u64 {
        mix(self.seed.wrapping_add(position.wrapping_add(1).wrapping_mul(GAMMA)))
    }

    /// A uniform index below `bound` at `position`; its bias is below `bound / 2^64`.
    pub(super) fn index_at(self, position: u64, bound: usize) -> usize {
        ((u128::from(self.at(position)) * bound as u128) >> 64) as usize
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
        for position in 0..100_000 {
            counts[rng.index_at(position, 10)] += 1;
        }
        // Five standard deviations of a binomial count.
        assert!(counts.iter().all(|&count| count.abs_diff(10_000) < 475), "{counts:?}");
    }
}
