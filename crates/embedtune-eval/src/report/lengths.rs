//! How long the texts are, and how many the model does not read to the end.

use embedtune_data::{LengthStats, Role};
use serde::{Deserialize, Serialize};

use super::Histogram;

/// About as many bins as a histogram of lengths gets.
const BINS: usize = 30;

/// Lengths in tokens of the texts of one side, before any cut.
///
/// ```
/// use embedtune_data::Role;
/// use embedtune_eval::TextLengths;
///
/// let lengths = TextLengths::of(Role::Document, &[12, 40, 90, 300], 256);
/// assert_eq!(lengths.cut, 1);
/// assert_eq!(lengths.tokens.max, 300);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TextLengths {
    /// Side of the texts.
    pub role: Role,
    /// Tokens that the model reads; the rest of a text is cut off.
    pub max_tokens: usize,
    /// Texts that are cut.
    pub cut: usize,
    /// Mean, median, 95th percentile and maximum; how many texts were counted.
    pub tokens: LengthStats,
    /// The distribution. A tail of a few very long texts is counted, not drawn out:
    /// [`Histogram::above`].
    pub histogram: Histogram,
}

impl TextLengths {
    /// Counts `lengths`, in tokens with the special ones, of a side of which the model reads
    /// `max_tokens`.
    pub fn of(role: Role, lengths: &[usize], max_tokens: usize) -> Self {
        let tokens = LengthStats::of(lengths.iter().copied());
        // The border between read and cut is to be seen, the one text of a book's length is not.
        let beyond_cut = max_tokens.saturating_add(max_tokens / 4);
        let shown = tokens.max.min(tokens.p95.saturating_mul(2).max(beyond_cut)).max(1);
        let width = bin_width(shown);
        // Bins begin at halves, so that no length lies on a border; one border is that between
        // what is read and what is cut, and the first bin holds a length of 0.
        let below_cut = max_tokens.saturating_add(1).div_ceil(width);
        let low = max_tokens as f64 + 0.5 - (below_cut * width) as f64;
        let bins = (shown as f64 + 0.5 - low) / width as f64;
        let bins = (bins.ceil() as usize).max(1);
        let high = low + (bins * width) as f64;
        Self {
            role,
            max_tokens,
            cut: lengths.iter().filter(|&&length| length > max_tokens).count(),
            tokens,
            histogram: Histogram::of(lengths.iter().map(|&it| it as f64), low, high, bins),
        }
    }

    /// Share of the texts that are cut, between 0 and 1.
    pub fn cut_rate(&self) -> f64 {
        self.cut as f64 / self.tokens.texts.max(1) as f64
    }
}

/// A round number of tokens, of which about [`BINS`] reach `shown`.
fn bin_width(shown: usize) -> usize {
    let mut power = 1;
    loop {
        let round = [1, 2, 5].map(|step| step * power);
        if let Some(width) = round.into_iter().find(|width| width * BINS >= shown) {
            return width;
        }
        power *= 10;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn bins_are_round() {
        assert_eq!([1, 30, 31, 61, 512, 10_000].map(bin_width), [1, 1, 2, 5, 20, 500]);
    }

    #[test]
    fn no_text_is_no_error() {
        let lengths = TextLengths::of(Role::Query, &[], 128);
        assert_eq!((lengths.cut, lengths.cut_rate()), (0, 0.0));
        assert_eq!(lengths.histogram.total(), 0);
    }

    #[test]
    fn one_long_text_does_not_squeeze_the_others() {
        let mut lengths = vec![20; 999];
        lengths.push(1_000_000);
        let lengths = TextLengths::of(Role::Document, &lengths, 256);
        assert!(lengths.histogram.high < 500.0);
        assert_eq!((lengths.histogram.above, lengths.cut), (1, 1));
    }

    proptest! {
        #[test]
        fn the_cut_is_a_border_and_nothing_is_lost(
            lengths in prop::collection::vec(0usize..2_000, 1..60), max_tokens in 1usize..600,
        ) {
            let it = TextLengths::of(Role::Document, &lengths, max_tokens);
            prop_assert_eq!(it.histogram.total(), lengths.len() as u64);
            prop_assert_eq!(it.histogram.below, 0);
            let border = max_tokens as f64 + 0.5;
            let beyond = it.histogram.bins().filter(|(begin, _, _)| *begin > border - 0.25);
            let cut = beyond.map(|(_, _, count)| count).sum::<u64>() + it.histogram.above;
            prop_assert_eq!(cut, it.cut as u64);
        }
    }
}
