//! Gradient clipping by the global norm.

/// Factor that brings a gradient of length `norm` to at most `limit`; 1 for shorter ones and
/// without a limit. As `torch.nn.utils.clip_grad_norm_`, whose small addend keeps a norm of 0 from
/// being divided by.
pub(crate) fn clip_factor(norm: f64, limit: Option<f64>) -> f64 {
    limit.map_or(1.0, |limit| (limit / (norm + 1e-6)).min(1.0))
}

#[cfg(test)]
mod tests {
    use embedtune_kernels::sum_of_squares;
    use embedtune_testkit::{Tolerance, assert_close, golden_json};
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Case {
        max_norm: f64,
        norm: f64,
        before: Vec<Vec<f64>>,
        after: Vec<Vec<f64>>,
    }

    #[test]
    fn equals_torch() {
        let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/clipping.json");
        for case in golden_json::<Vec<Case>>(fixture) {
            let gradient: Vec<f32> = case.before.concat().iter().map(|&g| g as f32).collect();
            let norm = sum_of_squares(&gradient).sqrt();
            assert_close(&[norm], &[case.norm], Tolerance::relative(1e-7));
            let factor = clip_factor(norm, Some(case.max_norm));
            let clipped: Vec<f64> = gradient.iter().map(|&g| f64::from(g) * factor).collect();
            assert_close(&clipped, &case.after.concat(), Tolerance::relative(1e-6));
        }
        assert_eq!(clip_factor(1e30, None), 1.0);
    }
}
