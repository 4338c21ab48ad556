//! Gradient caching: the plain step in the memory of one call of the engine, whatever the loss.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use candle_core::Tensor;
use embedtune_data::{Dataset, SequentialSampler};
use embedtune_encoder::{
    Dropout, EmbeddingModel, EncoderError, Engine, PackedBatch, Parameters, Tape,
};
use embedtune_losses::{Direction, FnLoss, Loss, LossBatch, LossConfig, MnrlConfig};
use embedtune_testkit::{Tolerance, assert_close};
use embedtune_train::{TrainConfig, TrainOutcome, Trainer};

use crate::{
    common::{bits, config, labelled_pairs, mnrl, model, pairs, pairs_with_negatives},
    custom_parts::{Attract, Sgd},
    fitting::moved,
};

/// One step of plain gradient descent over eight rows, with dropout: weights show the gradient.
fn step(
    model: EmbeddingModel,
    loss: Box<dyn Loss>,
    data: Dataset,
    change: impl Fn(TrainConfig) -> TrainConfig,
) -> TrainOutcome {
    let config = config().with_max_steps(Some(1)).with_dropout(Some(0.2)).with_max_grad_norm(None);
    let sampler = Box::new(SequentialSampler::new(8));
    let trainer = Trainer::new(model, data, loss, sampler, change(config)).unwrap();
    trainer.with_optimizer(Box::new(Sgd)).run().unwrap()
}

/// Anchors and positives at right angles, through autograd.
fn closure() -> Box<dyn Loss> {
    Box::new(FnLoss::new("orthogonal", |x: &Tensor, batch: &LossBatch| {
        let rows: Vec<u32> =
            batch.relations.iter().map(|r| batch.candidates[r.positives[0] as usize]).collect();
        let anchors = x.index_select(&Tensor::new(&*batch.anchors, x.device())?, 0)?;
        let positives = x.index_select(&Tensor::new(rows, x.device())?, 0)?;
        Ok((anchors * positives)?.sum(1)?.sqr()?.mean_all()?)
    }))
}

/// A loss by name, how to make it, and rows that it can train on.
type Case = (String, Box<dyn Fn() -> Box<dyn Loss>>, Dataset);

/// Every kind of loss with data for it.
fn losses() -> Vec<Case> {
    let mut losses: Vec<Case> = vec![
        ("closure".to_owned(), Box::new(closure), pairs()),
        ("with state and parameters".to_owned(), Box::new(|| Box::new(Attract::new())), pairs()),
    ];
    let four = || -> Box<dyn Loss> {
        use Direction::{DocToDoc, DocToQuery, QueryToDoc, QueryToQuery};
        let all = [QueryToDoc, DocToQuery, QueryToQuery, DocToDoc];
        Box::new(MnrlConfig::default().with_directions(all).build().unwrap())
    };
    losses.push(("mnrl in all directions".to_owned(), Box::new(four), pairs()));
    for name in LossConfig::NAMES {
        let data =
            if name.contains("contrastive") { labelled_pairs() } else { pairs_with_negatives() };
        let loss = move || name.parse::<LossConfig>().unwrap().build().unwrap();
        losses.push(((*name).to_owned(), Box::new(loss), data));
    }
    losses
}

#[test]
fn every_loss_takes_the_plain_step_to_the_bit() {
    for (name, loss, data) in losses() {
        let run = |caching: bool, micro_tokens| {
            step(model(), loss(), data.clone(), |config| {
                config.with_gradient_caching(caching).with_micro_tokens(micro_tokens)
            })
        };
        let whole = run(false, 16_384);
        assert!(moved(&whole.model).iter().any(|&d| d.abs() > 1e-5), "{name}");
        for micro_tokens in [16_384, 60, 20, 1] {
            let (cached, plain) = (run(true, micro_tokens), run(false, micro_tokens));
            assert_eq!(bits(&cached.model), bits(&plain.model), "{name}, {micro_tokens} tokens");
            assert_eq!(cached.losses, plain.losses, "{name}, {micro_tokens} tokens");
            // Calls of another size add up in another order, and that is all.
            assert_close(&cached.losses, &whole.losses, Tolerance::relative(1e-5));
            assert_close(&moved(&cached.model), &moved(&whole.model), Tolerance::relative(2e-4));
        }
    }
}

/// What an engine was asked for.
#[derive(Default)]
struct Calls {
    embed: AtomicUsize,
    forward: AtomicUsize,
    backward: AtomicUsize,
    /// Records that exist, now and at most.
    records: AtomicUsize,
    most_records: AtomicUsize,
}

/// The model's own engine, with its calls counted.
struct Counting {
    inner: EmbeddingModel,
    calls: Arc<Calls>,
}

/// A record that is counted as long as it exists.
struct Record {
    tape: Option<Tape>,
    calls: Arc<Calls>,
}

impl Drop for Record {
    fn drop(&mut self) {
        self.calls.records.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Engine for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn embed(
        &self,
        parameters: &Parameters,
        batch: &PackedBatch,
        dropout: Option<&Dropout>,
    ) -> Result<Vec<f32>, EncoderError> {
        self.calls.embed.fetch_add(1, Ordering::Relaxed);
        self.inner.engine().embed(parameters, batch, dropout)
    }

    fn forward(
        &self,
        parameters: &Parameters,
        batch: &PackedBatch,
        dropout: Option<&Dropout>,
    ) -> Result<(Vec<f32>, Tape), EncoderError> {
        self.calls.forward.fetch_add(1, Ordering::Relaxed);
        let records = self.calls.records.fetch_add(1, Ordering::Relaxed) + 1;
        self.calls.most_records.fetch_max(records, Ordering::Relaxed);
        let (values, tape) = self.inner.engine().forward(parameters, batch, dropout)?;
        let calls = Arc::clone(&self.calls);
        Ok((values, Tape::new(Record { tape: Some(tape), calls })))
    }

    fn backward(
        &self,
        parameters: &Parameters,
        tape: Tape,
        d_embeddings: &[f32],
        gradients: &mut [f32],
    ) -> Result<(), EncoderError> {
        self.calls.backward.fetch_add(1, Ordering::Relaxed);
        let mut record: Record = tape.downcast().expect("a record of this engine");
        let tape = record.tape.take().expect("a record serves once");
        self.inner.engine().backward(parameters, tape, d_embeddings, gradients)
    }
}

#[test]
fn one_record_at_a_time_and_one_forward_pass_saved() {
    let count = |caching, micro_tokens| {
        let calls = Arc::<Calls>::default();
        let engine = Counting { inner: model(), calls: Arc::clone(&calls) };
        let model = model().with_engine(Box::new(engine));
        step(model, mnrl(), pairs(), |config| {
            config.with_gradient_caching(caching).with_micro_tokens(micro_tokens)
        });
        let counts = [&calls.embed, &calls.forward, &calls.backward, &calls.most_records];
        assert_eq!(calls.records.load(Ordering::Relaxed), 0);
        counts.map(|count| count.load(Ordering::Relaxed))
    };
    let [embed, parts, backward, most] = count(false, 20);
    assert!(parts > 3);
    assert_eq!([embed, backward, most], [0, parts, parts]);
    // The record of the last part is made at once and serves first.
    assert_eq!(count(true, 20), [parts - 1, parts, parts, 1]);
    // A batch that is a single call costs nothing more.
    assert_eq!(count(true, 16_384), [0, 1, 1, 1]);
}
