//! What the flags and the recipe make of loss, sampler and settings.

use std::path::Path;

use anyhow::{Context, Result};
use clap::ValueEnum as _;
use embedtune_data::{BatchSampler, NoDuplicatesSampler, RandomSampler, SequentialSampler};
use embedtune_losses::{
    ContrastiveConfig, Direction, LossConfig, MnrlConfig, OnlineContrastiveConfig, Partition,
    TripletConfig,
};
use embedtune_train::{AdamWConfig, EarlyStopping, Every, OptimizerConfig, TrainConfig};

use crate::args::{Recipe, SamplerName, TrainArgs};

/// The objective with its settings.
pub(super) fn loss_config(args: &TrainArgs) -> Result<LossConfig> {
    let mut loss: LossConfig = args.loss.parse().context("--loss")?;
    let only = |flag: &str, losses: &str| {
        anyhow::anyhow!("{flag} is a setting of {losses}, not of {}", args.loss)
    };
    if let LossConfig::Mnrl(config) = &mut loss {
        *config = mnrl(args);
        if args.margin.is_some() {
            return Err(only("--margin", "triplet, contrastive and online-contrastive"));
        }
        return Ok(loss);
    }
    if args.temperature.is_some() || args.symmetric {
        return Err(only("--temperature or --symmetric", "mnrl"));
    }
    if let Some(margin) = args.margin {
        loss = match loss {
            LossConfig::Triplet(_) => {
                LossConfig::Triplet(TripletConfig::default().with_margin(margin))
            }
            LossConfig::Contrastive(_) => {
                LossConfig::Contrastive(ContrastiveConfig::default().with_margin(margin))
            }
            _ => LossConfig::OnlineContrastive(
                OnlineContrastiveConfig::default().with_margin(margin),
            ),
        };
    }
    Ok(loss)
}

fn mnrl(args: &TrainArgs) -> MnrlConfig {
    let mut config = MnrlConfig::default().with_mask_false_negatives(masks(args));
    if let Some(temperature) = args.temperature {
        config = config.with_temperature(temperature);
    }
    if args.symmetric {
        config = config
            .with_directions([Direction::QueryToDoc, Direction::DocToQuery])
            .with_partition(Partition::PerDirection);
    }
    config
}

fn masks(args: &TrainArgs) -> bool {
    args.mask_false_negatives.unwrap_or(args.recipe == Recipe::Default)
}

/// How batches are made.
pub(super) fn sampler(args: &TrainArgs) -> Box<dyn BatchSampler> {
    match args.sampler {
        SamplerName::NoDuplicates => {
            // What is relevant beyond a row's own positive is unknown to the plain recipe.
            let sampler = NoDuplicatesSampler::new(args.batch_size);
            Box::new(sampler.with_avoid_known_positives(args.recipe == Recipe::Default))
        }
        SamplerName::Random => Box::new(RandomSampler::new(args.batch_size)),
        SamplerName::Sequential => Box::new(SequentialSampler::new(args.batch_size)),
    }
}

/// Settings of the run, all but the metric that decides.
pub(super) fn train_config(args: &TrainArgs, run_dir: &Path) -> TrainConfig {
    let plain_decay = if args.recipe == Recipe::Plain { 0.0 } else { 0.01 };
    let decay = args.weight_decay.unwrap_or(plain_decay);
    let config = TrainConfig::default();
    let micro_tokens = args.micro_tokens.unwrap_or(config.micro_tokens);
    config
        .with_epochs(args.epochs)
        .with_max_steps(args.max_steps)
        .with_gradient_accumulation(args.accumulate)
        .with_gradient_caching(args.gradient_caching)
        .with_micro_tokens(micro_tokens)
        .with_learning_rate(args.learning_rate)
        .with_warmup(args.warmup)
        .with_schedule(args.schedule)
        .with_optimizer(OptimizerConfig::AdamW(AdamWConfig::default().with_weight_decay(decay)))
        .with_max_grad_norm(Some(args.max_grad_norm))
        .with_dropout(args.dropout)
        .with_freeze_layers(args.freeze_layers)
        .with_mask_false_negatives(masks(args))
        .with_seed(args.seed)
        .with_eval_every(args.eval_every.unwrap_or(Every::Epoch))
        .with_early_stopping(args.early_stopping.map(EarlyStopping::new))
        .with_output_dir(Some(run_dir.to_owned()))
        .with_checkpoint_every(Some(args.checkpoint_every))
        .with_checkpoint_limit(Some(args.checkpoint_limit))
}

/// Settings that the trainer does not see, by name.
pub(super) fn settings(args: &TrainArgs, loss: &LossConfig) -> Vec<(String, String)> {
    let loss = serde_json::to_string(loss).unwrap_or_else(|_| args.loss.clone());
    let sampler = args
        .sampler
        .to_possible_value()
        .map_or_else(String::new, |sampler| sampler.get_name().to_owned());
    [
        ("loss", loss),
        ("batch_size", args.batch_size.to_string()),
        ("sampler", sampler),
        ("max_seq_len", args.model.max_seq_len.map_or("the model's".to_owned(), |n| n.to_string())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}
