//! Is the difference real, how large is it, and could this test set have shown it?
//!
//! Everything here looks at pairs: one value of the base system and one of the tuned system for
//! each query, see [`Paired`]. [`Comparison`](crate::Comparison) computes the usual selection in
//! one call; this page is for choosing by hand.
//!
//! # Which test do I want?
//!
//! | I want to … | use | say in the report |
//! |---|---|---|
//! | know whether a gain is more than chance | [`permutation_test`] | p, and the number of queries |
//! | say how large the gain is | the mean difference with [`bootstrap_interval`] | difference and 95 % interval |
//! | compare the size across measures or data sets | [`EffectSizes`]: d_z or g | next to the difference, not instead |
//! | report several measures of one model | [`permutation_test`] each, then [`holm`] | the corrected p |
//! | pick out the good ones of many models | [`benjamini_hochberg`] to screen, [`holm`] to claim | how many were tried |
//! | know what this test set can show at all | [`minimum_detectable_effect`] | with every "not significant" |
//! | plan a test set | [`queries_needed`] | |
//! | show that a cheaper model is good enough | [`non_inferiority_test`] with a margin chosen before | margin and p |
//! | show that two models are the same in practice | [`equivalence_test`] | margin and p |
//! | compare where queries come in groups (by document, source, user) | [`cluster_bootstrap`], [`cluster_permutation_test`] | the number of groups |
//! | match a paper that used another test | [`t_test`], [`wilcoxon_test`] | its name |
//!
//! - Decide on one **headline measure** and a **two-sided** test before looking; all other measures
//!   are for understanding.
//! - "Not significant" is not "equal". Below the minimum detectable effect the test set could not
//!   have told; to claim equality use the tests made for it.
//! - Every further look costs: testing ten checkpoints and reporting the best without a correction
//!   finds "p < 0.05" among equal models two times out of five.
//! - A tiny p says that there is a difference, not that it is large. Report the interval.
//! - p-values and intervals speak about more queries **like these**. They know nothing of a biased
//!   test set.
//!
//! # Which of the three tests of "no difference"?
//!
//! | | assumes | is about | prefer it when |
//! |---|---|---|---|
//! | [`permutation_test`] | which system got which value is chance | the mean | always first |
//! | [`t_test`] | the mean difference is about normal | the mean | a closed formula is wanted |
//! | [`wilcoxon_test`] | differences are symmetric under "no difference" | ranks | a second opinion that outliers cannot sway |
//!
//! They agree on most data of a few hundred queries (Smucker, Allan and Carterette, 2007; Urbano,
//! Lima and Hanjalic, 2019). Where permutation and Wilcoxon disagree, a few queries carry the gain:
//! look at them.
//!
//! # How far the intervals can be trusted
//!
//! Measured: the share of 10,000 simulated test sets whose 95 % interval held the true mean
//! (simulation error 0.2). The test `stats_coverage` repeats it and holds
//! [`BootstrapMethod::ExpandedBca`] at 200 queries to 94-96 %.
//!
//! | differences | queries | [`t_interval`] | percentile | BCa | expanded BCa |
//! |---|---|---|---|---|---|
//! | nDCG@10: 30 % ties, the rest bell-shaped | 20 | 95.5 | 92.2 | 90.3 | 93.1 |
//! | nDCG@10: 30 % ties, the rest bell-shaped | 50 | 95.1 | 93.8 | 93.1 | 93.9 |
//! | nDCG@10: 30 % ties, the rest bell-shaped | 100 | 95.0 | 94.3 | 94.0 | 94.5 |
//! | nDCG@10: 30 % ties, the rest bell-shaped | 200 | 95.1 | 94.8 | 94.6 | 94.8 |
//! | nDCG@10: 30 % ties, the rest bell-shaped | 500 | 94.8 | 94.6 | 94.4 | 94.5 |
//! | recall of one document: 12 % gained, 5 % lost | 20 | 91.2 | 89.1 | 87.8 | 89.0 |
//! | recall of one document: 12 % gained, 5 % lost | 50 | 94.9 | 93.1 | 91.8 | 92.6 |
//! | recall of one document: 12 % gained, 5 % lost | 100 | 94.9 | 94.2 | 93.5 | 94.0 |
//! | recall of one document: 12 % gained, 5 % lost | 200 | 95.6 | 94.8 | 94.7 | 94.8 |
//! | recall of one document: 12 % gained, 5 % lost | 500 | 94.9 | 94.5 | 94.3 | 94.4 |
//! | reciprocal rank: half of the queries unchanged | 20 | 94.8 | 90.7 | 88.5 | 90.6 |
//! | reciprocal rank: half of the queries unchanged | 50 | 95.3 | 93.9 | 93.0 | 94.0 |
//! | reciprocal rank: half of the queries unchanged | 100 | 95.2 | 94.3 | 94.0 | 94.3 |
//! | reciprocal rank: half of the queries unchanged | 200 | 95.0 | 94.6 | 94.2 | 94.5 |
//! | reciprocal rank: half of the queries unchanged | 500 | 95.0 | 94.6 | 94.5 | 94.6 |
//! | gains only: 80 % ties, the rest u² | 20 | 82.2 | 81.4 | 85.8 | 87.3 |
//! | gains only: 80 % ties, the rest u² | 50 | 90.1 | 90.7 | 93.5 | 94.1 |
//! | gains only: 80 % ties, the rest u² | 100 | 92.8 | 93.3 | 95.3 | 95.7 |
//! | gains only: 80 % ties, the rest u² | 200 | 93.8 | 93.7 | 94.6 | 94.8 |
//! | gains only: 80 % ties, the rest u² | 500 | 94.4 | 94.3 | 94.9 | 95.0 |
//! | 95 % ties, gains of 1 twice as often as losses of 1 | 20 | 66.4 | 48.9 | 47.2 | 47.7 |
//! | 95 % ties, gains of 1 twice as often as losses of 1 | 50 | 90.2 | 77.0 | 71.3 | 71.6 |
//! | 95 % ties, gains of 1 twice as often as losses of 1 | 100 | 94.8 | 92.0 | 88.2 | 88.5 |
//! | 95 % ties, gains of 1 twice as often as losses of 1 | 200 | 95.4 | 93.9 | 91.9 | 92.1 |
//! | 95 % ties, gains of 1 twice as often as losses of 1 | 500 | 95.2 | 94.3 | 93.6 | 93.7 |
//!
//! - From **200 queries** on the expanded BCa interval covers 94.4-95.0 % of the first four kinds,
//!   and at 100 still 94.0-95.7 %. At **50** it covers 92.6-94.1 %, at **20** 87-93 %: call it a 90
//!   % interval there. The t interval is better for 20 and 50 queries unless the gains are
//!   one-sided.
//! - What counts is how many queries **moved**. In the last rows 5 % of the queries differ, by a
//!   whole point: with ten queries that carry everything the t interval alone is near its 95 %, and
//!   below a handful no interval is. With fewer than about 30 wins and losses together, say so.
//! - Plain percentiles and BCa are what SciPy calls by these names, for comparison with published
//!   numbers.
//!
//! Clusters (1 to 9 queries each, half of the variance between clusters), 95 % intervals:
//!
//! | clusters | [`bootstrap_interval`] (percentile), which draws queries | [`cluster_bootstrap`] |
//! |---|---|---|
//! | 10 | 66.1 | 88.5 |
//! | 20 | 68.2 | 92.1 |
//! | 40 | 68.9 | 93.3 |
//! | 100 | 68.9 | 94.5 |
//! | 200 | 68.8 | 94.9 |
//!
//! # Reproducibility
//!
//! Random numbers are read by position from a counter-based generator (SplitMix64): results depend
//! on the values, their order and the seed, never on the number of threads.
//!
//! # Example
//!
//! ```
//! use embedtune_metrics::stats::{
//!     Alternative, BootstrapMethod, BootstrapOptions, Paired, PermutationOptions,
//!     bootstrap_interval, minimum_detectable_effect, permutation_test,
//! };
//!
//! let base = [0.6, 0.0, 0.4, 1.0, 0.0, 0.5, 0.3, 0.6, 1.0, 0.0];
//! let tuned = [0.9, 0.4, 0.4, 1.0, 0.5, 0.6, 0.2, 0.8, 1.0, 0.3];
//! let paired = Paired::new(&base, &tuned)?;
//! let test = permutation_test(&paired, Alternative::TwoSided, &PermutationOptions::default())?;
//! let interval =
//!     bootstrap_interval(&paired, BootstrapMethod::Percentile, &BootstrapOptions::default())?;
//! let detectable = minimum_detectable_effect(paired.std_dev(), paired.len(), 0.05, 0.8)?;
//! assert!(test.p < 0.05 && interval[0] > 0.0);
//! assert!(detectable > paired.mean() / 1.2, "ten queries show large effects alone");
//! # Ok::<(), embedtune_metrics::MetricsError>(())
//! ```

mod bootstrap;
mod cluster;
mod effect;
mod equivalence;
mod multiple;
mod paired;
mod permutation;
mod power;
mod random;
mod ranks;
mod special;
mod t_test;
mod threads;
mod wilcoxon;

use serde::{Deserialize, Serialize};

pub(crate) use self::bootstrap::BootstrapMeans;
pub use self::bootstrap::{BootstrapMethod, BootstrapOptions, bootstrap_interval};
pub use self::cluster::{ClusterInterval, cluster_bootstrap, cluster_permutation_test};
pub use self::effect::EffectSizes;
pub use self::equivalence::{
    EquivalenceTest, NonInferiorityTest, equivalence_test, non_inferiority_test,
};
pub use self::multiple::{benjamini_hochberg, holm};
pub use self::paired::Paired;
pub(crate) use self::paired::mean;
pub use self::permutation::{
    PermutationMethod, PermutationOptions, PermutationTest, permutation_test,
};
pub(crate) use self::power::detectable;
pub use self::power::{minimum_detectable_effect, queries_needed};
pub(crate) use self::ranks::average_ranks;
pub use self::special::student_quantile;
pub use self::t_test::{TTest, t_interval, t_test};
pub use self::wilcoxon::{WilcoxonOptions, WilcoxonTest, Zeros, wilcoxon_test};
use crate::error::MetricsError;

/// Which way the systems may differ, decided before looking at the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alternative {
    /// Better or worse. The usual choice: a loss must be able to show, too.
    #[default]
    TwoSided,
    /// The tuned system is better: its differences are positive.
    Greater,
    /// The tuned system is worse.
    Less,
}

fn check_positive(option: &'static str, value: u32) -> Result<(), MetricsError> {
    if value > 0 {
        return Ok(());
    }
    Err(MetricsError::InvalidOption { option, expected: "at least 1", got: "0".to_owned() })
}

fn check_share(option: &'static str, value: f64) -> Result<(), MetricsError> {
    if value > 0.0 && value < 1.0 {
        return Ok(());
    }
    let (expected, got) = ("a number between 0 and 1, both excluded", value.to_string());
    Err(MetricsError::InvalidOption { option, expected, got })
}
