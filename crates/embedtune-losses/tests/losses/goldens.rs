//! Values and gradients of Sentence Transformers, see `fixtures/gen/st_losses.py`.

use candle_core::DType;
use embedtune_losses::{LossBatch, LossConfig};
use embedtune_testkit::{Tolerance, assert_close, golden_json};
use serde::Deserialize;

use crate::support::{evaluate, in_columns, tensor, values, with_embeddings};

type Column = Vec<Vec<f64>>;

#[derive(Deserialize)]
struct Case {
    name: String,
    config: LossConfig,
    columns: Vec<Column>,
    labels: Vec<f32>,
    value: f64,
    gradients: Vec<Column>,
}

impl Case {
    fn all() -> Vec<Self> {
        golden_json(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/st_losses.json"))
    }

    fn batch(&self) -> LossBatch {
        let dim = self.columns[0][0].len();
        let embeddings = tensor(&flat(&self.columns), dim);
        let mut batch = in_columns(embeddings, self.columns[0].len(), self.columns.len());
        batch.labels = self.labels.clone();
        batch
    }
}

fn flat(columns: &[Column]) -> Vec<f64> {
    columns.iter().flatten().flatten().copied().collect()
}

#[test]
fn values_published_with_the_reference() {
    let expected = [
        ("mnrl pairs", 0.008417258),
        ("mnrl triplets", 0.049393106),
        ("mnrl symmetric per direction", 0.009739266),
        ("mnrl symmetric joint", 0.702965970),
        ("mnrl all directions", 0.732716938),
        ("contrastive cosine", 0.051210035),
        ("online-contrastive cosine", 0.409680278),
        ("triplet euclidean margin 5", 3.280146218),
        ("triplet cosine margin 0.5", 0.0),
    ];
    let cases = Case::all();
    for (name, value) in expected {
        let case = cases.iter().find(|case| case.name == name).unwrap();
        let got = evaluate(&case.config, &case.batch()).value;
        assert!((got - value).abs() < 1e-9, "{name}: {got} instead of {value}");
    }
}

#[test]
fn values_and_gradients_in_f64() {
    for case in Case::all() {
        let output = evaluate(&case.config, &case.batch());
        // The reference adds 1e-6 to every difference in these two distances.
        let shifted = case.name.contains("contrastive") && !case.name.contains("cosine");
        let tolerance = Tolerance::relative(if shifted { 3e-6 } else { 1e-9 });
        println!("{}", case.name);
        assert_close(&[output.value], &[case.value], tolerance);
        assert_close(
            &values(&output.d_embeddings),
            &flat(&case.gradients),
            tolerance.or_absolute(1e-15),
        );
    }
}

#[test]
fn values_and_gradients_in_f32() {
    for case in Case::all() {
        let batch = case.batch();
        let single = batch.embeddings.to_dtype(DType::F32).unwrap();
        let output = evaluate(&case.config, &with_embeddings(&batch, single));
        let tolerance = Tolerance::relative(1e-5).or_absolute(1e-6);
        println!("{}", case.name);
        assert_eq!(output.d_embeddings.dtype(), DType::F32);
        assert_close(&[output.value], &[case.value], tolerance);
        assert_close(&values(&output.d_embeddings), &flat(&case.gradients), tolerance);
    }
}
