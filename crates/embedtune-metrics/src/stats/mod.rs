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
