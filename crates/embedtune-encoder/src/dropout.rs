//! Dropout masks from a counter-based generator: a mask is a function of where it applies, so a
//! forward pass can be replayed exactly under any packing, caching or number of threads, and a
//! resumed run is the same run.

use embedtune_kernels::DropoutMask;

/// Dropout of one training step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    /// Seed of the run.
    pub seed: u64,
    /// Optimizer step, from 0.
    pub step: u64,
    /// Probability of dropping a value after embeddings and sub-blocks.
    pub hidden: f32,
    /// Probability of dropping an attention probability.
    pub attention: f32,
}

/// Where in a layer a mask applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Site {
    /// After the layer norm of the embeddings (layer 0).
    Embeddings = 0,
    /// Attention probabilities; feature = head × 65,536 + key token.
    Attention = 1,
    /// Output of the attention block, before the residual sum.
    AttentionOutput = 2,
    /// Output of the feed-forward block, before the residual sum.
    FeedForward = 3,
}

impl Dropout {
    /// Probability of dropping a value at `site`.
    pub fn rate(&self, site: Site) -> f32 {
        if site == Site::Attention { self.attention } else { self.hidden }
    }

    /// The mask of token number `token` of the text in `slot`, at `site` of layer `layer`.
    pub fn token_mask(&self, slot: u64, layer: usize, site: Site, token: usize) -> DropoutMask {
        let place = (layer as u64) << 32 | (site as u64) << 24;
        let key = [self.seed, self.step, slot, place, token as u64]
            .into_iter()
            .fold(0x9E37_79B9_7F4A_7C15, |state, part| mix64(state ^ part));
        DropoutMask::new(key, self.rate(site))
    }
}

/// The finalizer of SplitMix64.
fn mix64(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DROPOUT: Dropout = Dropout { seed: 42, step: 7, hidden: 0.1, attention: 0.3 };

    #[test]
    fn rate_is_kept_and_mean_is_one() {
        for (site, rate) in [(Site::FeedForward, 0.1), (Site::Attention, 0.3)] {
            let factors: Vec<f32> = (0..200)
                .flat_map(|token| {
                    let mask = DROPOUT.token_mask(3, 2, site, token);
                    (0..1000).map(move |feature| mask.factor(feature))
                })
                .collect();
            let dropped = factors.iter().filter(|&&f| f == 0.0).count() as f64 / 200_000.0;
            let mean = factors.iter().map(|&f| f64::from(f)).sum::<f64>() / 200_000.0;
            // Four standard deviations of a binomial with 200,000 draws.
            let tolerance = 4.0 * (rate * (1.0 - rate) / 200_000.0f64).sqrt();
            assert!((dropped - rate).abs() < tolerance, "{dropped} against {rate}");
            assert!((mean - 1.0).abs() < tolerance / (1.0 - rate));
        }
    }

    #[test]
    fn every_part_of_the_key_matters() {
        let row = |dropout: Dropout, slot, layer, site, token| -> Vec<bool> {
            let mask = dropout.token_mask(slot, layer, site, token);
            (0..256).map(|feature| mask.factor(feature) == 0.0).collect()
        };
        let base = row(DROPOUT, 3, 2, Site::FeedForward, 5);
        assert_eq!(base, row(DROPOUT, 3, 2, Site::FeedForward, 5));
        for other in [
            row(Dropout { seed: 43, ..DROPOUT }, 3, 2, Site::FeedForward, 5),
            row(Dropout { step: 8, ..DROPOUT }, 3, 2, Site::FeedForward, 5),
            row(DROPOUT, 4, 2, Site::FeedForward, 5),
            row(DROPOUT, 3, 1, Site::FeedForward, 5),
            row(DROPOUT, 3, 2, Site::AttentionOutput, 5),
            row(DROPOUT, 3, 2, Site::FeedForward, 6),
        ] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn rate_zero_drops_nothing() {
        let mask = Dropout { hidden: 0.0, ..DROPOUT }.token_mask(0, 0, Site::Embeddings, 0);
        assert!((0..10_000).all(|feature| mask.factor(feature) == 1.0));
    }
}
