//! Queries that come in groups: from one document, one source, one user.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bootstrap::{for_each_draw, quantile};
use super::random::CounterRng;
use super::{
    Alternative, BootstrapOptions, Paired, PermutationOptions, PermutationTest, permutation,
    threads,
};
use crate::error::MetricsError;

/// The outcome of [`cluster_bootstrap`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ClusterInterval {
    /// The number of clusters. Below about 40 the interval is too narrow, see
    /// [the measured coverage](super#how-far-the-intervals-can-be-trusted).
    pub clusters: usize,
    /// Percentile interval of the mean difference: `[lower, upper]`.
    pub interval: [f64; 2],
    /// Standard error of the mean difference between samples of as many clusters.
    pub standard_error: f64,
    /// `(standard_error / naive standard error)²`: by how many times the clusters made the test
    /// set less informative than its number of queries says. `None` when nothing varies.
    pub design_effect: Option<f64>,
}

/// Bootstrap interval of the mean difference that draws whole clusters instead of queries.
///
/// Twenty questions about one document stand or fall together. An interval that draws queries
/// takes them for twenty independent pieces of evidence and comes out too narrow, several times too
/// narrow at worst; one that draws documents does not. `clusters[i]` names the cluster of query i,
/// by document, source, user or template.
///
/// The mean remains that over queries: `Σ sums / Σ sizes` of the drawn clusters.
///
/// # Errors
/// [`MetricsError::UnequalLengths`] unless there is one cluster for each query,
/// [`MetricsError::TooFewClusters`] below 2, [`MetricsError::InvalidOption`].
///
/// ```
/// use embedtune_metrics::stats::{BootstrapOptions, Paired, cluster_bootstrap};
///
/// let paired = Paired::from_differences(vec![0.2, 0.2, 0.3, -0.1, -0.1, 0.0])?;
/// let outcome =
///     cluster_bootstrap(&paired, &["a", "a", "a", "b", "b", "c"], &BootstrapOptions::default())?;
/// assert_eq!(outcome.clusters, 3);
/// assert!(outcome.design_effect.is_some_and(|effect| effect > 1.0));
/// # Ok::<(), embedtune_metrics::MetricsError>(())
/// ```
pub fn cluster_bootstrap<C: Ord>(
    paired: &Paired,
    clusters: &[C],
    options: &BootstrapOptions,
) -> Result<ClusterInterval, MetricsError> {
    options.validate()?;
    let totals = Totals::of(paired, clusters)?;
    let count = totals.len();
    let samples = options.samples as usize;
    let threads = threads::useful(options.threads, samples as u64 * count as u64);
    let rng = CounterRng::new(options.seed, 2);
    let mut means = threads::collect(samples, threads, |sample| {
        let (mut sum, mut size) = (0.0, 0.0);
        for_each_draw(rng, sample as u64, count, |cluster| {
            sum += totals[cluster].sum;
            size += totals[cluster].size;
        });
        sum / size
    });
    means.sort_unstable_by(f64::total_cmp);
    let tail = (1.0 - options.confidence) / 2.0;
    let naive = paired.standard_error();
    let standard_error = standard_error(&totals, paired);
    let interval = if paired.std_dev() == 0.0 {
        [paired.mean(); 2]
    } else {
        [quantile(&means, tail), quantile(&means, 1.0 - tail)]
    };
    let design_effect = (naive > 0.0).then(|| (standard_error / naive).powi(2));
    Ok(ClusterInterval { clusters: count, interval, standard_error, design_effect })
}

/// Sign-flip test that turns all differences of a cluster together: chance decides per cluster,
/// not per query, which system gets which values.
///
/// [`permutation_test`](super::permutation_test) over the sums of the clusters; exact up to 20
/// clusters.
///
/// # Errors
/// As [`cluster_bootstrap`].
pub fn cluster_permutation_test<C: Ord>(
    paired: &Paired,
    clusters: &[C],
    alternative: Alternative,
    options: &PermutationOptions,
) -> Result<PermutationTest, MetricsError> {
    let totals = Totals::of(paired, clusters)?;
    // Sums that are 0 on paper must not count as evidence by their last bit.
    let magnitude: f64 = paired.differences().iter().map(|d| d.abs()).sum();
    let rounded = |sum: f64| if sum.abs() <= 1e-14 * magnitude { 0.0 } else { sum };
    let sums: Vec<f64> = totals.iter().map(|total| rounded(total.sum)).collect();
    permutation::of_sums(&sums, alternative, options)
}

/// One cluster.
struct Totals {
    /// Sum of its differences.
    sum: f64,
    /// Its number of queries.
    size: f64,
}

impl Totals {
    /// In the order of the clusters' names, so that the order of the queries does not matter.
    fn of<C: Ord>(paired: &Paired, clusters: &[C]) -> Result<Vec<Totals>, MetricsError> {
        if clusters.len() != paired.len() {
            let (expected, got) = (paired.len(), clusters.len());
            return Err(MetricsError::UnequalLengths { what: "clusters", expected, got });
        }
        let mut totals: BTreeMap<&C, Totals> = BTreeMap::new();
        for (cluster, difference) in clusters.iter().zip(paired.differences()) {
            let total = totals.entry(cluster).or_insert(Totals { sum: 0.0, size: 0.0 });
            total.sum += difference;
            total.size += 1.0;
        }
        if totals.len() < 2 {
            return Err(MetricsError::TooFewClusters { clusters: totals.len() });
        }
        Ok(totals.into_values().collect())
    }
}

/// The sandwich estimate for a mean over clusters: `√(G/(G-1) · Σ (sum - mean · size)²) / n`.
fn standard_error(totals: &[Totals], paired: &Paired) -> f64 {
    let clusters = totals.len() as f64;
    let squares: f64 = totals.iter().map(|it| (it.sum - paired.mean() * it.size).powi(2)).sum();
    (clusters / (clusters - 1.0) * squares).sqrt() / paired.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{BootstrapMethod, bootstrap_interval, permutation_test};

    fn paired() -> Paired {
        Paired::from_differences((0..60).map(|i| f64::from(i * 29 % 47) / 47.0 - 0.4).collect())
            .unwrap()
    }

    #[test]
    fn clusters_of_one_query_are_queries() {
        let paired = paired();
        let own: Vec<usize> = (0..60).collect();
        let options = BootstrapOptions::default();
        let clustered = cluster_bootstrap(&paired, &own, &options).unwrap();
        let plain = bootstrap_interval(&paired, BootstrapMethod::Percentile, &options).unwrap();
        for (a, b) in clustered.interval.iter().zip(plain) {
            assert!((a - b).abs() < 0.1 * paired.standard_error(), "{a} {b}");
        }
        assert!((clustered.design_effect.unwrap() - 1.0).abs() < 1e-12);
        let side = Alternative::TwoSided;
        let flips = PermutationOptions::default();
        assert_eq!(
            cluster_permutation_test(&paired, &own, side, &flips).unwrap(),
            permutation_test(&paired, side, &flips).unwrap()
        );
    }

    #[test]
    fn copies_of_a_query_are_no_new_evidence() {
        let once = paired();
        let copies = 4;
        let values: Vec<f64> = once.differences().iter().flat_map(|&d| vec![d; copies]).collect();
        let clusters: Vec<usize> = (0..60).flat_map(|i| vec![i; copies]).collect();
        let many = Paired::from_differences(values).unwrap();
        let clustered = cluster_bootstrap(&many, &clusters, &BootstrapOptions::default()).unwrap();
        assert!((clustered.standard_error / once.standard_error() - 1.0).abs() < 1e-12);
        assert!((clustered.design_effect.unwrap() - 4.0).abs() < 0.1);
        let side = Alternative::TwoSided;
        let flips = PermutationOptions::default();
        let p = cluster_permutation_test(&many, &clusters, side, &flips).unwrap().p;
        assert!((p - permutation_test(&once, side, &flips).unwrap().p).abs() < 1e-12);
    }

    #[test]
    fn the_order_of_the_queries_does_not_matter() {
        let options = BootstrapOptions::default();
        let forward = Paired::from_differences(vec![0.25, 0.5, -0.25, 0.75]).unwrap();
        let backward = Paired::from_differences(vec![0.75, -0.25, 0.5, 0.25]).unwrap();
        assert_eq!(
            cluster_bootstrap(&forward, &["x", "y", "y", "z"], &options).unwrap(),
            cluster_bootstrap(&backward, &["z", "y", "y", "x"], &options).unwrap()
        );
    }

    #[test]
    fn what_cannot_be_clustered_is_an_error() {
        let options = BootstrapOptions::default();
        assert!(matches!(
            cluster_bootstrap(&paired(), &[1, 2], &options),
            Err(MetricsError::UnequalLengths { expected: 60, got: 2, .. })
        ));
        assert!(matches!(
            cluster_bootstrap(&paired(), &[1; 60], &options),
            Err(MetricsError::TooFewClusters { clusters: 1 })
        ));
    }
}
