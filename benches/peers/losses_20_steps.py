"""Trains with Sentence Transformers on pairs in file order and prints the loss of every step.

    python losses_20_steps.py MODEL PAIRS.jsonl [--steps 20] [--batch-size 32] [--max-seq-len 256]

Each line of PAIRS.jsonl is `{"anchor": "...", "positive": "..."}`. Batch k holds lines
`k * batch_size` to `(k + 1) * batch_size - 1`; nothing is shuffled or left out, and dropout is 0,
so another implementation that reads the same lines has to print the same losses.

The rest is the plain recipe: multiple negatives ranking with scale 20, AdamW without weight decay,
a learning rate of 2e-5 that rises over the first tenth of the steps and falls to 0 linearly,
gradients clipped to norm 1, float32.
"""

import argparse
import json
import math
import tempfile

import sentence_transformers
import torch
import transformers
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.sentence_transformer import losses
from torch.utils.data import BatchSampler, SequentialSampler
from transformers import PrinterCallback


class RecordedLoss(losses.MultipleNegativesRankingLoss):
    """The loss itself; it keeps its values, which the trainer's log rounds."""

    def __init__(self, model):
        super().__init__(model, scale=20.0)
        self.values = []

    def forward(self, *args, **kwargs):
        value = super().forward(*args, **kwargs)
        self.values.append(value.item())
        return value


class RecordingTrainer(SentenceTransformerTrainer):
    """The trainer itself; it keeps the learning rate of every step."""

    learning_rates = []

    def training_step(self, *args, **kwargs):
        self.learning_rates.append(self.optimizer.param_groups[0]["lr"])
        return super().training_step(*args, **kwargs)


def in_order(dataset, batch_size, drop_last, **_):
    return BatchSampler(SequentialSampler(dataset), batch_size, drop_last)


def without_dropout(model):
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if hasattr(module, "config"):
            module.config.hidden_dropout_prob = 0.0
            module.config.attention_probs_dropout_prob = 0.0
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("pairs")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--max-seq-len", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=2e-5)
    parser.add_argument("--warmup", type=float, default=0.1, help="share of the steps")
    parser.add_argument("--save", help="directory for the model after the last step")
    args = parser.parse_args()

    with open(args.pairs, encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines if line.strip()]
    rows = rows[: args.steps * args.batch_size]
    if len(rows) < args.steps * args.batch_size:
        parser.error(f"{args.pairs} has {len(rows)} pairs for {args.steps} steps")
    dataset = Dataset.from_dict({k: [row[k] for row in rows] for k in ("anchor", "positive")})

    model = without_dropout(SentenceTransformer(args.model, device="cpu"))
    model.max_seq_length = args.max_seq_len
    loss = RecordedLoss(model)
    with tempfile.TemporaryDirectory() as scratch:
        trainer = RecordingTrainer(
            model=model,
            args=SentenceTransformerTrainingArguments(
                output_dir=scratch,
                max_steps=args.steps,
                per_device_train_batch_size=args.batch_size,
                learning_rate=args.learning_rate,
                lr_scheduler_type="linear",
                warmup_steps=math.ceil(args.steps * args.warmup),
                weight_decay=0.0,
                max_grad_norm=1.0,
                batch_sampler=in_order,
                use_cpu=True,
                save_strategy="no",
                logging_strategy="no",
                report_to=[],
                disable_tqdm=True,
                seed=42,
            ),
            train_dataset=dataset,
            loss=loss,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    if args.save:
        model.save(args.save)
    report = {
        "losses": loss.values,
        "learning_rates": trainer.learning_rates,
        "versions": {
            "sentence_transformers": sentence_transformers.__version__,
            "transformers": transformers.__version__,
            "torch": torch.__version__,
        },
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
