//! What the CPU engine promises beyond agreeing with the reference: the same bits whatever a text is
//! packed with, whatever ran before and however many threads there are, in each precision.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use embedtune_encoder::{
    CpuEngine, Dropout, EmbeddingModel, EncoderError, Engine, PackedBatch, Parameters, Precision,
    Tokens,
};
use embedtune_testkit::{Tolerance, assert_close};
use proptest::prelude::*;

const DROPOUT: Dropout = Dropout { seed: 7, step: 3, hidden: 0.1, attention: 0.1 };

fn model() -> EmbeddingModel {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    EmbeddingModel::load(fixtures.join("tiny-bert")).unwrap()
}

fn engine(model: &EmbeddingModel, precision: Precision) -> CpuEngine {
    let mut engine = CpuEngine::new(model.spec().clone());
    engine.set_precision(precision).unwrap();
    engine
}

fn sequences(lengths: &[usize]) -> Vec<Tokens> {
    let ids = |row: usize, len: usize| (0..len).map(|i| ((row * 31 + i * 7) % 57) as u32).collect();
    let sequences = lengths.iter().enumerate();
    sequences.map(|(row, &len)| Tokens { ids: ids(row, len), ..Tokens::default() }).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Embeddings and gradients (of a fixed function of them) of one pass.
fn pass(engine: &CpuEngine, parameters: &Parameters, batch: &PackedBatch) -> (Vec<u32>, Vec<u32>) {
    let (rows, tape) = engine.forward(parameters, batch, Some(&DROPOUT)).unwrap();
    let d: Vec<f32> = (0..rows.len()).map(|i| (i as f32 * 0.3).cos()).collect();
    let mut gradients = vec![0.0; parameters.trainable().len()];
    engine.backward(parameters, tape, &d, &mut gradients).unwrap();
    (bits(&rows), bits(&gradients))
}

#[test]
fn the_number_of_threads_does_not_matter() {
    let model = model();
    // More tokens than one block of rows, and than one strip of the weight gradients.
    let lengths: Vec<usize> = (0..150).map(|i| 1 + (i * 5) % 32).collect();
    let batch: PackedBatch = sequences(&lengths).iter().collect();
    assert!(batch.num_tokens() > 2048);
    for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
        let runs = [1, 2, 4].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let engine = engine(&model, precision);
                let rows = engine.embed(model.parameters(), &batch, None).unwrap();
                let trained = (precision != Precision::Int8)
                    .then(|| pass(&engine, model.parameters(), &batch));
                (bits(&rows), trained)
            })
        });
        assert!(runs[1..].iter().all(|run| *run == runs[0]), "{precision}");
    }
}

#[test]
fn what_ran_before_does_not_matter() {
    let model = model();
    for precision in [Precision::F32, Precision::Bf16] {
        let used = engine(&model, precision);
        // Large, small, large: buffers shrink and grow again with old values in them.
        for lengths in [vec![32; 70], vec![3], vec![1, 32, 5], vec![20; 90]] {
            let batch: PackedBatch = sequences(&lengths).iter().collect();
            let fresh = pass(&engine(&model, precision), model.parameters(), &batch);
            assert_eq!(pass(&used, model.parameters(), &batch), fresh, "{precision}");
            // A tape that is dropped unused gives its buffers back.
            used.forward(model.parameters(), &batch, None).unwrap();
        }
    }
}

#[test]
fn clones_of_parameters_that_were_changed_apart_are_told_apart() {
    let model = model();
    let batch: PackedBatch = sequences(&[9, 4]).iter().collect();
    let engine = engine(&model, Precision::F32);
    let changed = |by: f32| {
        let mut parameters = model.parameters().clone();
        parameters.trainable_mut().iter_mut().for_each(|value| *value *= by);
        engine.embed(&parameters, &batch, None).unwrap()
    };
    assert_ne!(changed(1.5), changed(0.5));
}

#[test]
fn bf16_and_int8_are_near_f32() {
    let model = model();
    let batch: PackedBatch = sequences(&[24, 3, 11]).iter().collect();
    let embed = |precision| engine(&model, precision).embed(model.parameters(), &batch, None);
    let exact: Vec<f64> =
        embed(Precision::F32).unwrap().iter().map(|&value| f64::from(value)).collect();
    assert_close(&embed(Precision::Bf16).unwrap(), &exact, Tolerance::relative(0.02));
    assert_close(&embed(Precision::Int8).unwrap(), &exact, Tolerance::relative(0.05));
}

#[test]
fn int8_refuses_to_train_and_tapes_do_not_cross_precisions() {
    let model = model();
    let batch: PackedBatch = sequences(&[5]).iter().collect();
    let int8 = engine(&model, Precision::Int8);
    let error = int8.forward(model.parameters(), &batch, None).err().unwrap();
    assert!(matches!(error, EncoderError::Precision { precision: Precision::Int8, .. }), "{error}");
    let (rows, tape) =
        engine(&model, Precision::Bf16).forward(model.parameters(), &batch, None).unwrap();
    let mut gradients = vec![0.0; model.parameters().trainable().len()];
    let f32 = engine(&model, Precision::F32);
    let error = f32.backward(model.parameters(), tape, &rows, &mut gradients).unwrap_err();
    assert!(matches!(error, EncoderError::ForeignTape { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A text alone, in any company and in any place gives the same bits.
    #[test]
    fn packing_does_not_matter(
        lengths in prop::collection::vec(1usize..32, 1..12), drop in any::<bool>(),
    ) {
        let model = model();
        let sequences = sequences(&lengths);
        let dropout = drop.then_some(&DROPOUT);
        let batch: PackedBatch = sequences.iter().collect();
        for precision in [Precision::F32, Precision::Bf16, Precision::Int8] {
            let engine = engine(&model, precision);
            let together = engine.embed(model.parameters(), &batch, dropout).unwrap();
            for (slot, tokens) in sequences.iter().enumerate() {
                let mut alone = PackedBatch::new();
                alone.push(tokens, slot as u64);
                let row = engine.embed(model.parameters(), &alone, dropout).unwrap();
                prop_assert_eq!(bits(&row), bits(&together[slot * 16..(slot + 1) * 16]));
            }
        }
    }
}
