//! Every part of a run can come from outside the crate.

use std::{
    collections::BTreeMap,
    error::Error,
    path::Path,
    sync::{Arc, Mutex},
};

use candle_core::{DType, Device, Tensor, Var};
use embedtune_data::{BatchSampler, Dataset};
use embedtune_encoder::{EmbeddingModel, Parameters};
use embedtune_losses::{Loss, LossBatch, LossError, LossOutput, StepContext};
use embedtune_testkit::temp_dir;
use embedtune_train::{
    Callback, Evaluation, Evaluator, Every, Optimizer, OptimizerState, StepReport, StopReason,
    TrainError, Trainer,
};

use crate::common::{bits, config, model, pairs};

/// Pulls each positive towards its anchor by a learned factor, and counts its calls.
pub(crate) struct Attract {
    factor: Var,
    calls: u32,
}

impl Attract {
    pub(crate) fn new() -> Self {
        Self { factor: Var::new(&[1.0f32], &Device::Cpu).unwrap(), calls: 0 }
    }
}

impl Loss for Attract {
    fn name(&self) -> &str {
        "attract"
    }

    fn evaluate(&mut self, batch: &LossBatch, _: &StepContext) -> Result<LossOutput, LossError> {
        self.calls += 1;
        let leaf = Var::from_tensor(&batch.embeddings)?;
        let rows: Vec<u32> =
            batch.relations.iter().map(|r| batch.candidates[r.positives[0] as usize]).collect();
        let anchors = leaf.index_select(&Tensor::new(&*batch.anchors, &Device::Cpu)?, 0)?;
        let positives = leaf.index_select(&Tensor::new(rows, &Device::Cpu)?, 0)?;
        let calls = f64::from(self.calls);
        let value = (anchors - positives.broadcast_mul(&self.factor)?)?.sqr()?.mean_all()?;
        let gradients = (&value * calls.sqrt())?.backward()?;
        let gradient = |var: &Var| gradients.get(var).unwrap().detach();
        let mut output = LossOutput::new(f64::from(value.to_scalar::<f32>()?), gradient(&leaf));
        output.components = vec![("calls".to_owned(), calls)];
        output.d_parameters = vec![gradient(&self.factor)];
        Ok(output)
    }

    fn parameters(&self) -> Vec<(String, Var)> {
        vec![("factor".to_owned(), self.factor.clone())]
    }

    fn state(&self) -> BTreeMap<String, Tensor> {
        BTreeMap::from([("calls".to_owned(), Tensor::new(self.calls, &Device::Cpu).unwrap())])
    }

    fn load_state(&mut self, state: BTreeMap<String, Tensor>) -> Result<(), LossError> {
        self.calls = state["calls"].to_dtype(DType::U32)?.to_scalar()?;
        Ok(())
    }
}

/// Two rows a batch, from both ends of the data.
struct BothEnds;

impl BatchSampler for BothEnds {
    fn batches(&self, dataset: &Dataset, _seed: u64, _epoch: u64) -> Vec<Vec<u32>> {
        let rows = dataset.len() as u32;
        (0..rows / 2).map(|row| vec![row, rows - 1 - row]).collect()
    }
}

/// The negative sum of the trained values' sizes.
pub(crate) struct Smallness;

impl Evaluator for Smallness {
    fn metric_names(&self) -> Vec<String> {
        vec!["smallness".to_owned()]
    }

    fn evaluate(
        &mut self,
        model: &EmbeddingModel,
    ) -> Result<BTreeMap<String, f64>, Box<dyn Error + Send + Sync>> {
        let values = model.parameters().trainable();
        let sum: f64 = values.iter().map(|value| f64::from(value.abs())).sum();
        Ok(BTreeMap::from([("smallness".to_owned(), -sum)]))
    }
}

/// Gradient descent and nothing else.
pub(crate) struct Sgd;

impl Optimizer for Sgd {
    fn step(&mut self, parameters: &mut Parameters, gradients: &[f32], lr: f64, grad_scale: f32) {
        for (value, gradient) in parameters.trainable_mut().iter_mut().zip(gradients) {
            *value -= lr as f32 * grad_scale * gradient;
        }
    }

    fn state(&self) -> OptimizerState {
        OptimizerState::default()
    }

    fn load_state(&mut self, _: OptimizerState) -> Result<(), TrainError> {
        Ok(())
    }
}

/// Notes what happens.
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn note(&self, line: String) {
        self.0.lock().unwrap().push(line);
    }
}

impl Callback for Diary {
    fn on_start(&mut self, step: u64, total_steps: u64) {
        self.note(format!("start {step}/{total_steps}"));
    }
    fn on_step(&mut self, report: &StepReport) {
        self.note(format!("step {} calls {}", report.step, report.components["calls"]));
    }
    fn on_evaluate(&mut self, evaluation: &Evaluation) {
        self.note(format!("evaluate {}", evaluation.step));
    }
    fn on_checkpoint(&mut self, path: &Path) {
        self.note(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    fn on_end(&mut self, reason: StopReason) {
        self.note(format!("{reason:?}"));
    }
}

#[test]
fn a_run_of_foreign_parts() {
    let dir = temp_dir();
    let diary = Arc::default();
    let config = config()
        .with_output_dir(Some(dir.path().into()))
        .with_checkpoint_every(Some(Every::Steps(2)))
        .with_gradient_accumulation(2);
    let loss = Attract::new();
    let factor = loss.factor.clone();
    let outcome = Trainer::new(model(), pairs(), Box::new(loss), Box::new(BothEnds), config)
        .unwrap()
        .with_optimizer(Box::new(Sgd))
        .with_evaluator(Box::new(Smallness))
        .with_callback(Box::new(Diary(Arc::clone(&diary))))
        .run()
        .unwrap();
    assert_ne!(bits(&outcome.model), bits(&model()));
    assert_ne!(factor.to_vec1::<f32>().unwrap(), [1.0], "the loss's own parameter was trained");
    let expected = [
        "start 0/2",
        "step 1 calls 1.5",
        "step 2 calls 3.5",
        "evaluate 2",
        "checkpoint-2",
        "Finished",
    ];
    assert_eq!(*diary.lock().unwrap(), expected);
}
